package main

import (
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Collector is a PropertyCollector: the session's own or one made by
// CreatePropertyCollector. Differences are computed when a client asks, from the
// objects marked since it last did. So changes between two asks are coalesced, an
// abandoned wait computes nothing and loses nothing, and memory is bounded by the
// number of watched objects.
type Collector struct {
	t       *Twin
	session *Session
	self    types.ManagedObjectReference
	closed  atomic.Bool
	cancels atomic.Int64 // CancelWaitForUpdates calls so far

	changed chan struct{} // closed at a wake; guarded by watchers.mu

	mu      sync.Mutex // serialises the calls on this collector; never held while waiting
	filters []*Filter
	history history         // for clients that lost an answer
	backlog []pendingUpdate // computed, not yet handed out (truncated sets)
}

// pendingUpdate is one object's or one missing reference's report for one filter.
type pendingUpdate struct {
	filter  types.ManagedObjectReference
	update  types.ObjectUpdate
	missing *types.MissingObject
}

// Filter is a PropertyFilter with the fingerprints of what its client has seen.
type Filter struct {
	collector *Collector
	self      types.ManagedObjectReference
	spec      types.PropertyFilterSpec
	partial   bool

	// guarded by collector.mu
	fresh    bool // everything has to be reported anew
	members  map[types.ManagedObjectReference][]uint64
	values   map[types.ManagedObjectReference][]reflect.Value // what the client has, of a filter with partialUpdates
	missing  map[types.ManagedObjectReference]struct{}
	plans    map[string]plan
	view     *View  // the view whose content is selected, nil for any other spec
	position uint64 // how far the filter has followed the view

	// guarded by watchers.mu
	dirty    map[types.ManagedObjectReference]struct{}
	deps     map[types.ManagedObjectReference]struct{}
	followed map[types.ManagedObjectReference]struct{}
	reselect bool
}

func newCollector(t *Twin, s *Session, self types.ManagedObjectReference) *Collector {
	return &Collector{
		t: t, session: s, self: self,
		changed: make(chan struct{}),
	}
}

func (c *Collector) wakeLocked() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// close ends the collector: its waiters return, and it looks at nothing again.
func (c *Collector) close() (filters []*Filter) {
	c.closed.Store(true)
	c.mu.Lock()
	filters, c.filters = c.filters, nil
	c.mu.Unlock()
	c.t.watchers.wake(c)
	return filters
}

// properties is the collector as a managed object.
func (c *Collector) properties() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &mo.PropertyCollector{Self: c.self}
	for _, f := range c.filters {
		m.Filter = append(m.Filter, f.self)
	}
	return m
}

// properties is the filter as a managed object.
func (f *Filter) properties() any {
	return &mo.PropertyFilter{Self: f.self, Spec: f.spec, PartialUpdates: f.partial}
}

// collector finds the collector a call is made on; the session's own one is made at its first use.
func (c *Call) collector() (*Collector, error) {
	s := c.Session
	if s == nil {
		return nil, notAuthenticated(c.This)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if pc, ok := s.owned[c.This].(*Collector); ok {
		return pc, nil
	}
	if c.This != c.Twin.content().PropertyCollector {
		return nil, notFound(c.This)
	}
	pc := newCollector(c.Twin, s, c.This)
	s.owned[c.This] = pc
	return pc, nil
}

// createPropertyCollector models PropertyCollector.CreatePropertyCollector.
// Documented: it belongs to the session and is independent of any other.
func createPropertyCollector(c *Call, _ any) (any, error) {
	ref := c.sessionRef("PropertyCollector")
	c.Session.put(ref, newCollector(c.Twin, c.Session, ref))
	return &types.CreatePropertyCollectorResponse{Returnval: ref}, nil
}

// destroyPropertyCollector models PropertyCollector.DestroyPropertyCollector.
// Documented: the one that a service provides may not be destroyed; filters end
// with their collector. Inferred: NotSupported is the fault.
func destroyPropertyCollector(c *Call, _ any) (any, error) {
	pc, err := c.collector()
	if err != nil {
		return nil, err
	}
	if pc.self == c.Twin.content().PropertyCollector {
		return nil, NewFault(&types.NotSupported{})
	}
	for _, f := range pc.close() {
		c.Session.drop(f.self)
		c.Twin.watchers.unfollow(f)
	}
	c.Session.drop(pc.self)
	return &types.DestroyPropertyCollectorResponse{}, nil
}

// createFilter models PropertyCollector.CreateFilter.
//
// Documented: the spec is checked at once: InvalidType, InvalidProperty, InvalidArgument
// for an empty spec or a selection along a property that its type does not have, and
// unless reportMissingObjectsInResults is set, ManagedObjectNotFound.
func createFilter(c *Call, req any) (any, error) {
	r := req.(*types.CreateFilter)
	pc, err := c.collector()
	if err != nil {
		return nil, err
	}
	if err := checkSpec(r.Spec); err != nil {
		return nil, err
	}
	c.Twin.world.RLock()
	_, err = c.Twin.selectObjects(c.Session, []types.PropertyFilterSpec{r.Spec})
	c.Twin.world.RUnlock()
	if err != nil {
		return nil, err
	}
	f := &Filter{
		collector: pc, self: c.sessionRef("PropertyFilter"), spec: r.Spec, partial: r.PartialUpdates,
		fresh: true, plans: map[string]plan{}, view: viewOf(c.Session, r.Spec),
		dirty: map[types.ManagedObjectReference]struct{}{},
	}
	c.Session.put(f.self, f)
	pc.mu.Lock()
	pc.filters = append(pc.filters, f)
	pc.mu.Unlock()
	c.Twin.watchers.wake(pc) // a wait that is under way reports the new filter at once
	return &types.CreateFilterResponse{Returnval: f.self}, nil
}

// destroyPropertyFilter models PropertyFilter.DestroyPropertyFilter. Documented:
// also during a wait, which goes on for the other filters.
func destroyPropertyFilter(c *Call, _ any) (any, error) {
	f, ok := c.Session.get(c.This).(*Filter)
	if !ok {
		return nil, notFound(c.This)
	}
	pc := f.collector
	pc.mu.Lock()
	pc.filters = slices.DeleteFunc(pc.filters, func(o *Filter) bool { return o == f })
	pc.backlog = slices.DeleteFunc(pc.backlog, func(p pendingUpdate) bool { return p.filter == f.self })
	pc.mu.Unlock()
	c.Session.drop(f.self)
	c.Twin.watchers.unfollow(f)
	return &types.DestroyPropertyFilterResponse{}, nil
}

// cancelWaitForUpdates models PropertyCollector.CancelWaitForUpdates. Documented:
// every wait under way ends with RequestCanceled.
func cancelWaitForUpdates(c *Call, _ any) (any, error) {
	pc, err := c.collector()
	if err != nil {
		return nil, err
	}
	pc.cancels.Add(1)
	c.Twin.watchers.wake(pc)
	return &types.CancelWaitForUpdatesResponse{}, nil
}

// diff reports what changed for this filter since it was last asked. The
// collector's mu is held, and the world for reading.
func (f *Filter) diff(out []pendingUpdate) []pendingUpdate {
	t := f.collector.t
	dirty, reselect := t.watchers.take(f)
	started := !f.fresh
	if f.fresh {
		f.members, f.missing = map[types.ManagedObjectReference][]uint64{}, map[types.ManagedObjectReference]struct{}{}
		f.values = map[types.ManagedObjectReference][]reflect.Value{}
		f.fresh, reselect = false, true
	}
	if reselect && started && f.view != nil {
		var followed bool
		out, followed = f.followView(dirty, out)
		reselect = !followed
	}
	if reselect {
		out = f.selectAnew(dirty, out)
	}
	for ref := range dirty {
		if prints, member := f.members[ref]; member {
			out = f.compare(ref, prints, out)
		}
	}
	return out
}

// selectAnew follows a change of what the filter selects: enter and leave.
func (f *Filter) selectAnew(dirty map[types.ManagedObjectReference]struct{}, out []pendingUpdate) []pendingUpdate {
	t := f.collector.t
	if f.view != nil {
		f.position = f.view.position() // before reading: what changes meanwhile is looked at twice
	}
	spec := f.spec
	tolerant := true // a start object that vanished later is a leave, not a fault
	spec.ReportMissingObjectsInResults = &tolerant
	sel, err := t.selectObjects(f.collector.session, []types.PropertyFilterSpec{spec})
	if err != nil {
		return out // the spec was checked when the filter was made; a path cannot turn invalid
	}
	all := sel.members
	sel.members = t.viewer(f.collector.session).seen(all) // a start object may not be seen any more
	now := make(map[types.ManagedObjectReference]struct{}, len(sel.members)+len(sel.deps))
	for _, ref := range sel.members {
		now[ref] = struct{}{}
	}
	for ref := range f.members {
		if _, still := now[ref]; !still {
			out = f.leave(ref, out)
		}
	}
	maps.Copy(now, sel.deps)
	for _, ref := range all {
		now[ref] = struct{}{} // what may not be seen now may be later
	}
	// Follow first, read afterwards: a change in between marks the object again.
	t.watchers.follow(f, now)
	t.watchers.setDeps(f, sel.deps)
	for _, ref := range sel.members {
		if _, had := f.members[ref]; !had {
			out = f.enter(ref, out)
			delete(dirty, ref)
		}
	}
	return f.reportMissing(sel.missing, out)
}

func (f *Filter) planOf(kind string) plan {
	p, ok := f.plans[kind]
	if !ok {
		p = planFor(kind, f.spec.PropSet)
		f.plans[kind] = p
	}
	return p
}

func (f *Filter) enter(ref types.ManagedObjectReference, out []pendingUpdate) []pendingUpdate {
	p := f.planOf(ref.Type)
	if !p.wanted {
		return out
	}
	v, ok := f.collector.t.lookup(f.collector.session, ref)
	eyes := f.collector.t.viewer(f.collector.session)
	if !ok || !eyes.sees(ref) {
		return out
	}
	update := types.ObjectUpdate{Kind: types.ObjectUpdateKindEnter, Obj: ref}
	prints := make([]uint64, len(p.paths))
	known := make([]reflect.Value, len(p.paths))
	for i, path := range p.paths {
		value, state, privilege := eyes.read(ref, v, path)
		if state == valueDenied {
			prints[i] = deniedPrint
			update.MissingSet = append(update.MissingSet, eyes.missing(ref, path, privilege))
		}
		if state != valueFound {
			continue
		}
		prints[i] = fingerprint(value)
		if f.partial {
			known[i] = wireCopy(value)
		}
		update.ChangeSet = append(update.ChangeSet, types.PropertyChange{
			Name: path.text, Op: types.PropertyChangeOpAssign, Val: wireValue(value),
		})
	}
	f.members[ref] = prints
	if f.partial {
		f.values[ref] = known
	}
	return append(out, pendingUpdate{filter: f.self, update: update})
}

func (f *Filter) leave(ref types.ManagedObjectReference, out []pendingUpdate) []pendingUpdate {
	delete(f.members, ref)
	delete(f.values, ref)
	return append(out, pendingUpdate{filter: f.self, update: types.ObjectUpdate{Kind: types.ObjectUpdateKindLeave, Obj: ref}})
}

// compare reports the changed properties of one object: whole, or only what changed
// inside them when the client asked for partial updates.
func (f *Filter) compare(ref types.ManagedObjectReference, prints []uint64, out []pendingUpdate) []pendingUpdate {
	v, ok := f.collector.t.lookup(f.collector.session, ref)
	eyes := f.collector.t.viewer(f.collector.session)
	if !ok || !eyes.sees(ref) {
		return f.leave(ref, out)
	}
	update := types.ObjectUpdate{Kind: types.ObjectUpdateKindModify, Obj: ref}
	for i, path := range f.planOf(ref.Type).paths {
		value, state, privilege := eyes.read(ref, v, path)
		var print uint64
		switch state {
		case valueFound:
			print = fingerprint(value)
		case valueDenied:
			print = deniedPrint
		}
		if print == prints[i] {
			continue
		}
		if state == valueDenied {
			prints[i] = print
			update.MissingSet = append(update.MissingSet, eyes.missing(ref, path, privilege))
			continue
		}
		prints[i] = print
		update.ChangeSet = append(update.ChangeSet, f.changes(ref, i, path, v, value, state)...)
	}
	if len(update.ChangeSet)+len(update.MissingSet) == 0 {
		return out
	}
	return append(out, pendingUpdate{filter: f.self, update: update})
}

// changes words the change of one property of an object.
func (f *Filter) changes(ref types.ManagedObjectReference, i int, path propertyPath, object, value reflect.Value, state outcome) []types.PropertyChange {
	if state != valueFound {
		if f.partial {
			f.values[ref][i] = reflect.Value{}
		}
		return []types.PropertyChange{{Name: path.text, Op: path.lost(object)}}
	}
	if !f.partial {
		return []types.PropertyChange{{Name: path.text, Op: types.PropertyChangeOpAssign, Val: wireValue(value)}}
	}
	before := f.values[ref][i]
	f.values[ref][i] = wireCopy(value)
	return partialChanges(path.text, before, f.values[ref][i], nil)
}

// reportMissing tells once of each start object that is not there, if the client asked for that.
func (f *Filter) reportMissing(missing []types.ManagedObjectReference, out []pendingUpdate) []pendingUpdate {
	if f.spec.ReportMissingObjectsInResults == nil || !*f.spec.ReportMissingObjectsInResults {
		return out
	}
	for _, ref := range missing {
		if _, told := f.missing[ref]; !told {
			f.missing[ref] = struct{}{}
			out = append(out, pendingUpdate{filter: f.self, missing: &types.MissingObject{
				Obj: ref, Fault: *notFound(ref).Localized(),
			}})
		}
	}
	return out
}
