package main

import (
	"github.com/vmware/govmomi/vim25/types"
)

// A view remembers its latest changes, so that a filter over 20,000 objects follows
// one that joins or leaves without selecting all of them anew.

// viewLogLimit bounds the memory of a view; a filter that is further behind selects anew.
const viewLogLimit = 4096

// viewLog is the latest changes of a view's content. It is guarded by View.mu.
type viewLog struct {
	first   uint64 // number of the oldest change in the list
	changes []viewChange
}

type viewChange struct {
	ref   types.ManagedObjectReference
	joins bool
}

func (l *viewLog) note(ref types.ManagedObjectReference, joins bool) {
	if len(l.changes) >= viewLogLimit {
		drop := viewLogLimit / 2
		l.first += uint64(drop)
		l.changes = append([]viewChange(nil), l.changes[drop:]...)
	}
	l.changes = append(l.changes, viewChange{ref, joins})
}

func (l *viewLog) next() uint64 { return l.first + uint64(len(l.changes)) }

// forget makes every follower select anew: the content was computed afresh.
func (l *viewLog) forget() {
	l.first = l.next() + 1
	l.changes = nil
}

// position is where a follower that reads the content now will have to go on.
func (v *View) position() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.log.next()
}

// since tells what became of the objects that changed after a position: whether
// they are in the view now. Not ok: too much happened, or the view is gone.
func (v *View) since(t *Twin, position uint64) (last map[types.ManagedObjectReference]bool, next uint64, ok bool) {
	v.content(t)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.destroyed || position < v.log.first || position > v.log.next() {
		return nil, 0, false
	}
	last = map[types.ManagedObjectReference]bool{}
	for _, change := range v.log.changes[position-v.log.first:] {
		last[change.ref] = change.joins
	}
	return last, v.log.next(), true
}

// viewOf finds the view that a filter follows, if it selects exactly a view's content.
func viewOf(s *Session, spec types.PropertyFilterSpec) *View {
	if len(spec.ObjectSet) != 1 || len(spec.ObjectSet[0].SelectSet) != 1 {
		return nil
	}
	start := spec.ObjectSet[0]
	hop, ok := start.SelectSet[0].(*types.TraversalSpec)
	if !ok || hop.Path != "view" || len(hop.SelectSet) > 0 || (hop.Skip != nil && *hop.Skip) || start.Skip == nil || !*start.Skip {
		return nil
	}
	v, ok := s.get(start.Obj).(*View)
	if !ok || !isA(v.self.Type, hop.Type) {
		return nil
	}
	return v
}

// followView reports what joined and left the filter's view; false when the
// filter has to select anew.
func (f *Filter) followView(dirty map[types.ManagedObjectReference]struct{}, out []pendingUpdate) ([]pendingUpdate, bool) {
	t := f.collector.t
	last, next, ok := f.view.since(t, f.position)
	if !ok {
		return out, false
	}
	f.position = next
	for ref, joined := range last {
		_, member := f.members[ref]
		switch {
		case joined && !member:
			t.watchers.followOne(f, ref)
			out = f.enter(ref, out)
			delete(dirty, ref)
		case !joined:
			t.watchers.unfollowOne(f, ref)
			if member {
				out = f.leave(ref, out)
			}
		}
	}
	return out, true
}
