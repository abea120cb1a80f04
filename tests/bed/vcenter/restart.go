package main

import (
	"errors"
	"net/http"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// A restart of the vCenter service, and a restart from a backup.
//
// Sessions live in the memory of the service, and with them collectors, filters and
// views (documented: they last as long as the session). The inventory is in its
// database, so every id stays. Task objects are gone: a client that asks for one gets
// ManagedObjectNotFound (inferred). What a running task did to a host is undecided at
// that moment: the host may finish it, or never have heard of it. So the request says which.

// errRestarted is the end of a call that had come to the service before it was
// restarted and had not begun: nobody carries it out, and nobody answers it.
var errRestarted = errors.New("the service was restarted before the call began")

// restartedSince tells whether the service that a call came to is no more.
func (t *Twin) restartedSince(c *Call) bool { return c.boot != 0 && c.boot != t.boots.Load() }

// restartRequest is how the service goes down and what becomes of running tasks.
type restartRequest struct {
	outageRequest
	// Running tasks: "lost" is without any effect, "finish" works on and nobody can ask for it.
	Tasks string `json:"tasks"`
}

func (r *restartRequest) check(t *Twin) error {
	if r.Tasks == "" {
		r.Tasks = "lost"
	}
	if r.Tasks != "lost" && r.Tasks != "finish" {
		return bad("tasks: %q is not lost or finish", r.Tasks)
	}
	return r.outageRequest.check(t)
}

// restart plays a restart of the service: {"seconds": 5, "status": 503, "refuse": false, "tasks": "lost"}.
func (c *control) restart(r *http.Request) (any, error) {
	var req restartRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if err := req.check(c.t); err != nil {
		return nil, err
	}
	return c.bounce(req, func() {})
}

// bounce restarts the service and runs between with the world held while it is down.
func (c *control) bounce(req restartRequest, between func()) (any, error) {
	t := c.t
	if req.Seconds > 0 {
		c.away(req.outageRequest) // before the sessions end, so that nobody sees a living server without his session
	}
	t.world.Lock()
	defer t.world.Unlock()
	t.boots.Add(1) // before the sessions end, which lets stalled calls go
	ended := len(t.sessions.list())
	t.sessions.endAll()
	lost := t.dropTasks()
	if req.Tasks == "lost" {
		t.interruptTasks()
		t.epoch.Add(1)
		c.letGo()
	}
	between()
	t.watchers.moved()
	return map[string]int{"sessions": ended, "tasks": lost}, nil
}

// letGo ends what waits for a release; the holds themselves stay.
func (c *control) letGo() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, held := range c.waiting {
		held.release()
	}
	for s := range c.stalled {
		close(s.freed)
		delete(c.stalled, s)
	}
}

// interruptTasks ends in the history what never finished (inferred: a task cannot run for ever in it).
func (t *Twin) interruptTasks() {
	now := t.now()
	for _, r := range t.tasks.records {
		if info := &r.task.Info; info.CompleteTime == nil {
			info.CompleteTime, info.State = &now, types.TaskInfoStateError
			info.Error = systemError("the service was restarted while the task ran").Localized()
		}
	}
}

// dropTasks removes every task object and returns how many had not ended. The world is held.
func (t *Twin) dropTasks() (unfinished int) {
	ctx := t.newContext(nil)
	for _, obj := range t.registry().AllReference("Task") {
		if task, ok := obj.(*simulator.Task); ok && task.Info.CompleteTime == nil {
			unfinished++
		}
		t.registry().Remove(ctx, obj.Reference())
	}
	for _, e := range t.registry().All("") {
		if e.Entity().RecentTask != nil {
			e.Entity().RecentTask = nil
			t.Touch(e.Reference())
		}
	}
	manager := t.registry().Get(*t.content().TaskManager).(*simulator.TaskManager)
	manager.RecentTask = []types.ManagedObjectReference{}
	clear(t.tasks.live)
	return unfinished
}
