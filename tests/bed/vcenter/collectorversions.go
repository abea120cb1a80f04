package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// Versions of a collector: what may be asked again, what may be asked once.
//
// Documented (UpdateSet.version, .truncated): "" is the full state; versions are
// ordered; a version that is not truncated may be used any number of times to
// recover; a truncated one only once, only in the next WaitForUpdatesEx; any other
// is InvalidCollectorVersion. Observed (govmomi issues 922 and 2727): complete
// versions are decimal numbers that grow by one, truncated ones look like 0_1, 0_2.

// pageLimit is the server's own bound on the objects of one update set.
// Documented as server policy (WaitOptions.maxObjectUpdates); 100 is what the stock
// simulator took from a real server.
const pageLimit = 100

// historyLimit is how many sets back a client may go. Real servers do not
// document their limit; clients have to expect InvalidCollectorVersion anyway.
const historyLimit = 64

// history is what a collector answered lately, so that it can answer it again.
type history struct {
	complete  int                         // number of the last complete set
	part      int                         // number of the last truncated set after it
	latest    string                      // the newest version
	suspended string                      // the one truncated version that may be used now
	answers   map[string]*types.UpdateSet // by the version that was asked with
	order     []string
}

// forget makes every version so far invalid, the full state is asked for.
func (h *history) forget() {
	h.complete++ // ordered, also across a restart
	h.part, h.suspended = 0, ""
	h.latest = strconv.Itoa(h.complete)
	h.answers, h.order = map[string]*types.UpdateSet{}, nil
}

// record gives a set the next version and remembers it as the answer to the latest.
func (h *history) record(set *types.UpdateSet, more bool) {
	if more {
		h.part++
		truncated := true
		set.Truncated = &truncated
		set.Version = fmt.Sprintf("%d_%d", h.complete, h.part)
	} else {
		h.complete++
		h.part = 0
		set.Version = strconv.Itoa(h.complete)
	}
	h.answers[h.latest] = set
	h.order = append(h.order, h.latest)
	if len(h.order) > historyLimit {
		delete(h.answers, h.order[0])
		h.order = h.order[1:]
	}
	h.latest = set.Version
	h.handOut(set)
}

// handOut notes which truncated version may be used next: that of the last answer.
func (h *history) handOut(set *types.UpdateSet) {
	h.suspended = ""
	if truncated(set.Version) {
		h.suspended = set.Version
	}
}

// usable tells whether a version may be asked with.
func (h *history) usable(version string, whole bool) bool {
	if truncated(version) && (whole || version != h.suspended) {
		return false
	}
	return h.answers != nil && (version == h.latest || h.answers[version] != nil)
}

func truncated(version string) bool { return strings.Contains(version, "_") }

// next returns the update set that follows a version, or nil when there is none
// yet; then d.version is what to ask with after a wake.
func (c *Collector) next(d *demand, cancels int64) (*types.UpdateSet, error) {
	c.t.world.RLock() // before the collector's own lock: a restart holds the world and closes collectors
	defer c.t.world.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() || c.cancels.Load() != cancels {
		return nil, NewFault(&types.RequestCanceled{})
	}
	if d.version == "" {
		c.restart()
		d.version = c.history.latest // of a set that nobody was given: the state before all filters
	}
	if !c.history.usable(d.version, d.whole) {
		return nil, NewFault(&types.InvalidCollectorVersion{})
	}
	if set := c.history.answers[d.version]; set != nil {
		if d.whole && truncated(set.Version) {
			set = c.joined(d.version)
		}
		c.history.handOut(set)
		return set, nil
	}
	if len(c.backlog) == 0 {
		for _, f := range c.filters {
			c.backlog = f.diff(c.backlog)
		}
	}
	if len(c.backlog) == 0 {
		return nil, nil
	}
	limit := d.limit
	if limit <= 0 || limit > pageLimit {
		limit = pageLimit
	}
	if d.whole {
		limit = len(c.backlog)
	}
	return c.publish(limit), nil
}

// restart forgets what the client has seen.
func (c *Collector) restart() {
	c.backlog = nil
	c.history.forget()
	for _, f := range c.filters {
		f.fresh = true
	}
}

// publish cuts one set off the backlog and gives it the next version.
func (c *Collector) publish(limit int) *types.UpdateSet {
	n := min(limit, len(c.backlog))
	set := &types.UpdateSet{}
	at := map[types.ManagedObjectReference]int{}
	for _, p := range c.backlog[:n] {
		i, ok := at[p.filter]
		if !ok {
			i = len(set.FilterSet)
			at[p.filter] = i
			set.FilterSet = append(set.FilterSet, types.PropertyFilterUpdate{Filter: p.filter})
		}
		if p.missing != nil {
			set.FilterSet[i].MissingSet = append(set.FilterSet[i].MissingSet, *p.missing)
		} else {
			set.FilterSet[i].ObjectSet = append(set.FilterSet[i].ObjectSet, p.update)
		}
	}
	c.backlog = c.backlog[n:]
	if len(c.backlog) == 0 {
		c.backlog = nil
	}
	c.history.record(set, c.backlog != nil)
	return set
}

// joined is the whole of a calculation that was handed out in truncated sets, for
// a caller that may not be given any. The parts that are still to come are made now.
func (c *Collector) joined(version string) *types.UpdateSet {
	whole := &types.UpdateSet{}
	for truncated(whole.Version) || whole.Version == "" {
		part := c.history.answers[version]
		if part == nil {
			part = c.publish(len(c.backlog))
		}
		whole.FilterSet = append(whole.FilterSet, part.FilterSet...)
		whole.Version = part.Version
		version = part.Version
	}
	return whole
}
