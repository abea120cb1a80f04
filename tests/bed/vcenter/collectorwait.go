package main

import (
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// waitLimit is the longest wait when the client names none.
const waitLimit = 30 * time.Minute

// demand is what a caller of the three update calls asks for.
type demand struct {
	version string
	limit   int  // objects at most; 0 leaves it to the server
	whole   bool // CheckForUpdates and WaitForUpdates know no truncated sets
	timeout time.Duration
}

// await serves the three update calls. timeout 0 answers at once; a nil result
// means that nothing changed in time.
func (c *Collector) await(call *Call, d demand) (*types.UpdateSet, error) {
	cancels := c.cancels.Load()
	timer := time.NewTimer(d.timeout)
	defer timer.Stop()
	for {
		changed := c.t.watchers.signal(c) // before looking, so that no wake is missed
		if _, down := c.t.control.down(); down {
			return nil, nil // the gate refuses the answer; what there is to tell stays for the next call
		}
		set, err := c.next(&d, cancels)
		if set != nil || err != nil || d.timeout == 0 {
			return set, err
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

// waitForUpdatesEx models PropertyCollector.WaitForUpdatesEx.
//
// Documented: maxWaitSeconds below 0 and maxObjectUpdates of 0 or less are illegal;
// null after the time; sets may be truncated.
func waitForUpdatesEx(c *Call, req any) (any, error) {
	r := req.(*types.WaitForUpdatesEx)
	pc, err := c.collector()
	if err != nil {
		return nil, err
	}
	d := demand{version: r.Version, timeout: waitLimit}
	if o := r.Options; o != nil {
		if o.MaxObjectUpdates < 0 || (o.MaxObjectUpdates == 0 && sentZero(c.body, "options", "maxObjectUpdates")) {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "options.maxObjectUpdates"})
		}
		d.limit = int(o.MaxObjectUpdates)
		if o.MaxWaitSeconds != nil {
			if *o.MaxWaitSeconds < 0 {
				return nil, NewFault(&types.InvalidArgument{InvalidProperty: "options.maxWaitSeconds"})
			}
			d.timeout = time.Duration(*o.MaxWaitSeconds) * time.Second
		}
	}
	set, err := pc.await(c, d)
	if err != nil {
		return nil, err
	}
	return &types.WaitForUpdatesExResponse{Returnval: set}, nil
}

// waitForUpdates models PropertyCollector.WaitForUpdates. Documented: deprecated,
// waits without a limit of its own, never truncated.
func waitForUpdates(c *Call, req any) (any, error) {
	pc, err := c.collector()
	if err != nil {
		return nil, err
	}
	set, err := pc.await(c, demand{version: req.(*types.WaitForUpdates).Version, whole: true, timeout: waitLimit})
	if err != nil {
		return nil, err
	}
	if set == nil {
		return nil, NewFault(&types.RequestCanceled{})
	}
	return &types.WaitForUpdatesResponse{Returnval: *set}, nil
}

// checkForUpdates models PropertyCollector.CheckForUpdates. Documented: deprecated,
// one calculation, null when nothing changed, never truncated.
func checkForUpdates(c *Call, req any) (any, error) {
	pc, err := c.collector()
	if err != nil {
		return nil, err
	}
	set, err := pc.await(c, demand{version: req.(*types.CheckForUpdates).Version, whole: true})
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
