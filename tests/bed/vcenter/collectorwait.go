package main

import (
	"strconv"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// pageLimit is the server's own bound on the objects of one update set.
// Source: PropertyCollector.WaitForUpdatesEx "server policy"; 100 is what the stock simulator took from a real server.
const pageLimit = 100

// waitLimit is the longest wait when the client names none.
const waitLimit = 30 * time.Minute

// await serves the three update calls. timeout 0 answers at once; a nil result
// means that nothing changed in time.
func (c *Collector) await(call *Call, version string, limit int, timeout time.Duration) (*types.UpdateSet, error) {
	cancels := c.cancels.Load()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		changed := c.t.watchers.signal(c) // before looking, so that no wake is missed
		if _, down := c.t.control.down(); down {
			return nil, nil // the gate refuses the answer; what there is to tell stays for the next call
		}
		set, err := c.next(version, limit, cancels)
		if set != nil || err != nil || timeout == 0 {
			return set, err
		}
		if version == "" {
			version = strconv.Itoa(c.current()) // the full state was empty: now wait for more
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, nil
		case <-call.gone: // nobody reads the answer; what happens next stays for the next call
			return nil, nil
		case <-c.session.done:
			return nil, NewFault(&types.RequestCanceled{})
		}
	}
}

func (c *Collector) current() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// next returns the update set that follows a version, or nil when there is none yet.
//
// Source: PropertyCollector.WaitForUpdatesEx (documented): "" is the full state;
// versions are ordered; one that is not truncated may be used again after a failed
// call; any other is InvalidCollectorVersion.
func (c *Collector) next(version string, limit int, cancels int64) (*types.UpdateSet, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() || c.cancels.Load() != cancels {
		return nil, NewFault(&types.RequestCanceled{})
	}
	if version == "" {
		c.restart()
	} else {
		v, err := strconv.Atoi(version)
		if err != nil || v < 1 || v > c.version {
			return nil, NewFault(&types.InvalidCollectorVersion{})
		}
		if v < c.version {
			if set := c.history[v+1]; set != nil {
				return set, nil
			}
			return nil, NewFault(&types.InvalidCollectorVersion{})
		}
	}
	if len(c.backlog) == 0 {
		c.t.world.RLock()
		for _, f := range c.filters {
			c.backlog = f.diff(c.backlog)
		}
		c.t.world.RUnlock()
	}
	if len(c.backlog) == 0 {
		return nil, nil
	}
	return c.publish(limit), nil
}

// restart forgets what the client has seen.
func (c *Collector) restart() {
	c.backlog = nil
	clear(c.history)
	c.version++ // versions from before the restart cannot be resumed
	for _, f := range c.filters {
		f.fresh = true
	}
}

// publish cuts one set off the backlog and gives it the next version.
func (c *Collector) publish(limit int) *types.UpdateSet {
	if limit <= 0 || limit > pageLimit {
		limit = pageLimit
	}
	n := min(limit, len(c.backlog))
	c.version++
	set := &types.UpdateSet{Version: strconv.Itoa(c.version)}
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
	if len(c.backlog) > 0 {
		truncated := true
		set.Truncated = &truncated
	} else {
		c.backlog = nil
	}
	c.history[c.version] = set
	delete(c.history, c.version-historyLimit)
	return set
}

func waitForUpdatesEx(c *Call, req any) (any, error) {
	r := req.(*types.WaitForUpdatesEx)
	pc, err := c.collector()
	if err != nil {
		return nil, err
	}
	limit, timeout := 0, waitLimit
	if o := r.Options; o != nil {
		if o.MaxObjectUpdates < 0 {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "options.maxObjectUpdates"})
		}
		limit = int(o.MaxObjectUpdates)
		if o.MaxWaitSeconds != nil {
			if *o.MaxWaitSeconds < 0 {
				return nil, NewFault(&types.InvalidArgument{InvalidProperty: "options.maxWaitSeconds"})
			}
			timeout = time.Duration(*o.MaxWaitSeconds) * time.Second
		}
	}
	set, err := pc.await(c, r.Version, limit, timeout)
	if err != nil {
		return nil, err
	}
	return &types.WaitForUpdatesExResponse{Returnval: set}, nil
}

func waitForUpdates(c *Call, req any) (any, error) {
	pc, err := c.collector()
	if err != nil {
		return nil, err
	}
	set, err := pc.await(c, req.(*types.WaitForUpdates).Version, 0, waitLimit)
	if err != nil {
		return nil, err
	}
	if set == nil {
		return nil, NewFault(&types.RequestCanceled{})
	}
	return &types.WaitForUpdatesResponse{Returnval: *set}, nil
}

func checkForUpdates(c *Call, req any) (any, error) {
	pc, err := c.collector()
	if err != nil {
		return nil, err
	}
	set, err := pc.await(c, req.(*types.CheckForUpdates).Version, 0, 0)
	if err != nil {
		return nil, err
	}
	return &types.CheckForUpdatesResponse{Returnval: set}, nil
}

func registerCollector(t *Twin) {
	t.HandleMode("CreatePropertyCollector", "PropertyCollector", Free, createPropertyCollector)
	t.HandleMode("DestroyPropertyCollector", "PropertyCollector", Free, destroyPropertyCollector)
	t.HandleMode("CreateFilter", "PropertyCollector", Free, createFilter)
	t.HandleMode("DestroyPropertyFilter", "PropertyFilter", Free, destroyPropertyFilter)
	t.HandleMode("WaitForUpdatesEx", "PropertyCollector", Free, waitForUpdatesEx)
	t.HandleMode("WaitForUpdates", "PropertyCollector", Free, waitForUpdates)
	t.HandleMode("CheckForUpdates", "PropertyCollector", Free, checkForUpdates)
	t.HandleMode("CancelWaitForUpdates", "PropertyCollector", Free, cancelWaitForUpdates)
}
