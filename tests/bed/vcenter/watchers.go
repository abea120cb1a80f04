package main

import (
	"maps"
	"slices"
	"sync"

	"github.com/vmware/govmomi/vim25/types"
)

// watchers knows who watches what: for each object the filters that select it or
// pass it on their way, and the views that hold it. Touching an object only marks
// it in those filters and wakes their collectors; nothing is compared here. So a
// change costs the same whether one client watches or none, and however big the
// inventory is.
type watchers struct {
	mu    sync.Mutex
	index map[types.ManagedObjectReference]map[*Filter]struct{}
	views map[*View]struct{}
}

func (w *watchers) init() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.index = map[types.ManagedObjectReference]map[*Filter]struct{}{}
	w.views = map[*View]struct{}{}
}

// touch marks one object as possibly changed.
func (w *watchers) touch(ref types.ManagedObjectReference) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touchLocked(ref)
}

func (w *watchers) touchLocked(ref types.ManagedObjectReference) {
	for f := range w.index[ref] {
		f.dirty[ref] = struct{}{}
		if _, passed := f.deps[ref]; passed {
			f.reselect = true
		}
		f.collector.wakeLocked()
	}
	switch ref.Type {
	case "ResourcePool", "HostSystem", "VirtualApp", "ClusterComputeResource", "ComputeResource":
		w.staleLocked(func(v *View) bool { return !v.byParent() }) // machines come and go without a new parent
	}
}

// arrived shows a new entity to the container views that it belongs to. Appending
// instead of walking the inventory again keeps a creation cheap beside 20,000 objects.
func (w *watchers) arrived(ref types.ManagedObjectReference, ancestors []types.ManagedObjectReference) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for v := range w.views {
		if v.container != nil && v.byParent() && v.admit(ref, ancestors) {
			w.touchLocked(v.self)
		}
	}
}

// moved makes every container view look again: somebody's parent changed.
func (w *watchers) moved() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.staleLocked(func(*View) bool { return true })
	for _, filters := range w.index {
		for f := range filters {
			f.reselect = f.reselect || !f.collector.t.viewer(f.collector.session).everything // permissions come from parents
		}
	}
}

func (w *watchers) staleLocked(which func(*View) bool) {
	for v := range w.views {
		if v.container != nil && which(v) && !v.stale.Swap(true) {
			w.touchLocked(v.self)
		}
	}
}

// prune takes a destroyed object out of every view, so that its watchers see it leave.
func (w *watchers) prune(ref types.ManagedObjectReference) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.index[ref]) == 0 && ref.Type == "Task" {
		return
	}
	for v := range w.views {
		if v.remove(ref) {
			w.touchLocked(v.self)
		}
	}
}

func (w *watchers) addView(v *View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.views[v] = struct{}{}
}

func (w *watchers) dropView(v *View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.views, v)
}

// follow makes f hear of exactly the objects in now.
func (w *watchers) follow(f *Filter, now map[types.ManagedObjectReference]struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ref := range f.followed {
		if _, still := now[ref]; !still {
			w.unfollowLocked(f, ref)
		}
	}
	for ref := range now {
		if _, had := f.followed[ref]; !had {
			w.addLocked(f, ref)
		}
	}
	f.followed = now
}

func (w *watchers) unfollowLocked(f *Filter, ref types.ManagedObjectReference) {
	delete(w.index[ref], f)
	if len(w.index[ref]) == 0 {
		delete(w.index, ref)
	}
}

// followOne makes f hear of one more object.
func (w *watchers) followOne(f *Filter, ref types.ManagedObjectReference) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.followed == nil {
		return // the session ended meanwhile
	}
	f.followed[ref] = struct{}{}
	w.addLocked(f, ref)
}

// unfollowOne makes f hear of one object less.
func (w *watchers) unfollowOne(f *Filter, ref types.ManagedObjectReference) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(f.followed, ref)
	w.unfollowLocked(f, ref)
}

func (w *watchers) addLocked(f *Filter, ref types.ManagedObjectReference) {
	m := w.index[ref]
	if m == nil {
		m = map[*Filter]struct{}{}
		w.index[ref] = m
	}
	m[f] = struct{}{}
}

// unfollow makes f hear of nothing more.
func (w *watchers) unfollow(f *Filter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ref := range f.followed {
		w.unfollowLocked(f, ref)
	}
	f.followed = nil
}

// take hands over what was marked in f since the last time.
func (w *watchers) take(f *Filter) (dirty map[types.ManagedObjectReference]struct{}, reselect bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	dirty, reselect = f.dirty, f.reselect
	f.dirty, f.reselect = map[types.ManagedObjectReference]struct{}{}, false
	return dirty, reselect
}

// setDeps replaces the objects whose change makes f select anew.
func (w *watchers) setDeps(f *Filter, deps map[types.ManagedObjectReference]struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.deps = deps
}

// wake makes the waiters of a collector look again.
func (w *watchers) wake(c *Collector) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.wakeLocked()
}

// wakeAll makes all waiters look again.
func (w *watchers) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[*Collector]struct{}{}
	for _, filters := range w.index {
		for f := range filters {
			if _, done := seen[f.collector]; !done {
				seen[f.collector] = struct{}{}
				f.collector.wakeLocked()
			}
		}
	}
}

// signal returns a channel that closes at the next wake.
func (w *watchers) signal(c *Collector) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return c.changed
}

// lookAgain makes a session's views and filters select anew: what it may see has changed.
func (w *watchers) lookAgain(s *Session) {
	s.mu.Lock()
	owned := slices.Collect(maps.Values(s.owned))
	s.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, obj := range owned {
		switch o := obj.(type) {
		case *View:
			o.hidden()
		case *Filter:
			for ref := range o.followed {
				o.dirty[ref] = struct{}{}
			}
			o.reselect = true
			o.collector.wakeLocked()
		}
	}
}

// forget ends everything an ended session owned.
func (w *watchers) forget(s *Session) {
	s.mu.Lock()
	owned := s.owned
	s.owned = map[types.ManagedObjectReference]any{}
	s.mu.Unlock()
	// Collectors first: once closed, none of them follows anything again.
	for _, obj := range owned {
		if c, ok := obj.(*Collector); ok {
			c.close()
		}
	}
	for _, obj := range owned {
		switch o := obj.(type) {
		case *View:
			w.dropView(o)
		case *Filter:
			w.unfollow(o)
		case historyCollector:
			o.forget()
		}
	}
}
