package main

import (
	"context"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// The sweep is a belt: it marks every watched object once per interval, a few at a
// time, so that a change nobody announced is found at last. It looks at slices of
// the inventory, because comparing 20,000 objects in one go would hold up the
// changes that were announced.

// sweepStep is the time between two slices.
const sweepStep = 250 * time.Millisecond

// sweep runs until the context ends.
func (t *Twin) sweep(ctx context.Context) {
	if t.cfg.SweepInterval <= 0 {
		return
	}
	tick := time.NewTicker(sweepStep)
	defer tick.Stop()
	steps := max(1, int(t.cfg.SweepInterval/sweepStep))
	var rest []types.ManagedObjectReference
	slice := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if len(rest) == 0 {
			rest = t.watchers.watched()
			t.watchers.moved()
			slice = (len(rest) + steps - 1) / steps
		}
		n := min(slice, len(rest))
		t.Touch(rest[:n]...)
		rest = rest[n:]
	}
}

// watched lists the objects that somebody watches.
func (w *watchers) watched() []types.ManagedObjectReference {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]types.ManagedObjectReference, 0, len(w.index))
	for ref := range w.index {
		out = append(out, ref)
	}
	return out
}
