package main

import (
	"net/http"
	"time"
)

// hold keeps tasks of matching calls in state running until they are released.
type hold struct {
	ID     int    `json:"id"`
	Method string `json:"method"`
	Object string `json:"object"`
	User   string `json:"user"`
}

// heldTask is a task that waits for its release.
type heldTask struct {
	Hold   int    `json:"hold"`
	Task   string `json:"task"`
	Method string `json:"method"`
	Entity string `json:"entity"`
	freed  chan struct{}
	done   bool
}

// release lets the task go; control.mu is held.
func (h *heldTask) release() {
	if !h.done {
		h.done = true
		close(h.freed)
	}
}

// rule is what the task of one call has to suffer before its work.
type rule struct {
	delay time.Duration
	hold  *hold
}

// taskRule finds what applies to a call's task; control.mu is held.
func (c *control) taskRule(call *Call) *rule {
	r := &rule{delay: c.delayOf(call, func(l latencyRule) float64 { return l.TaskSeconds })}
	for _, h := range c.holds {
		if matches(call, h.Method, h.Object, h.User) {
			r.hold = h
		}
	}
	if r.delay == 0 && r.hold == nil {
		return nil
	}
	return r
}

// waitForTask delays or holds a task. The world is not held.
func (c *control) waitForTask(tc *TaskContext) {
	r := tc.taskDelay
	if r == nil {
		return
	}
	if r.delay > 0 {
		select {
		case <-time.After(r.delay):
		case <-tc.cancelled:
		}
	}
	if r.hold == nil {
		return
	}
	c.mu.Lock()
	valid := false
	for _, h := range c.holds {
		valid = valid || h == r.hold
	}
	if !valid { // released before the task came here
		c.mu.Unlock()
		return
	}
	held := &heldTask{
		Hold: r.hold.ID, Task: tc.Task.Value, Method: tc.Method, Entity: tc.task.Info.Entity.Value,
		freed: make(chan struct{}),
	}
	c.waiting[tc.Task] = held
	c.mu.Unlock()
	select {
	case <-held.freed:
	case <-tc.cancelled:
	}
	c.mu.Lock()
	delete(c.waiting, tc.Task)
	c.mu.Unlock()
}

// releaseTasks ends holds and stalls and lets their tasks and calls go: {"id": 3}, or all of them with {}.
func (c *control) releaseTasks(r *http.Request) (any, error) {
	var req struct {
		ID int `json:"id"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var kept []*hold
	for _, h := range c.holds {
		if req.ID != 0 && h.ID != req.ID {
			kept = append(kept, h)
		}
	}
	c.holds = kept
	c.releaseStalls(req.ID)
	released := []string{}
	for ref, w := range c.waiting {
		if req.ID == 0 || w.Hold == req.ID {
			w.release()
			released = append(released, ref.Value)
		}
	}
	return map[string]any{"released": released}, nil
}

func (c *control) routeTasks() {
	c.Route("POST /v1/hold", func(r *http.Request) (any, error) {
		h := &hold{}
		if err := readJSON(r, h); err != nil {
			return nil, err
		}
		if err := c.aim(h.Method, &h.Object); err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.nextID++
		h.ID = c.nextID
		c.holds = append(c.holds, h)
		return map[string]int{"id": h.ID}, nil
	})
	c.Route("GET /v1/hold", func(*http.Request) (any, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		tasks, calls := []heldTask{}, []stalledCall{}
		for _, w := range c.waiting {
			tasks = append(tasks, *w)
		}
		for s := range c.stalled {
			calls = append(calls, *s)
		}
		return map[string]any{"holds": append([]*hold{}, c.holds...), "tasks": tasks, "calls": calls}, nil
	})
	c.Route("POST /v1/release", c.releaseTasks)
}
