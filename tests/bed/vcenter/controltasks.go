package main

import (
	"net/http"
	"time"
)

// latencyRule slows a method down: the call itself, and the task it starts.
type latencyRule struct {
	Method      string  `json:"method"` // empty: every method but the waits for updates
	Seconds     float64 `json:"seconds"`
	TaskSeconds float64 `json:"taskSeconds"`
}

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

// delayOf finds the latency of a call: its method's own, else the general one.
func (c *control) delayOf(call *Call, pick func(latencyRule) float64) time.Duration {
	seconds := 0.0
	for _, l := range c.latency {
		if l.Method == call.Method {
			seconds = pick(l)
			break
		}
		if l.Method == "" && call.Method != "WaitForUpdatesEx" && call.Method != "WaitForUpdates" {
			seconds = pick(l)
		}
	}
	return time.Duration(seconds * float64(time.Second))
}

// waitForTask delays or holds a task. The world is not held.
func (c *control) waitForTask(tc *TaskContext) {
	r := tc.taskDelay
	if r == nil {
		return
	}
	if r.delay > 0 {
		time.Sleep(r.delay)
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
	<-held.freed
	c.mu.Lock()
	delete(c.waiting, tc.Task)
	c.mu.Unlock()
}

// addLatency replaces the rule of the same method.
func (c *control) addLatency(r *http.Request) (any, error) {
	var l latencyRule
	if err := readJSON(r, &l); err != nil {
		return nil, err
	}
	if l.Seconds < 0 || l.TaskSeconds < 0 {
		return nil, bad("seconds, taskSeconds: %v, %v; both are 0 or more", l.Seconds, l.TaskSeconds)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.latency {
		if c.latency[i].Method == l.Method {
			c.latency[i] = l
			return nil, nil
		}
	}
	c.latency = append(c.latency, l)
	return nil, nil
}

// releaseTasks ends holds and lets their tasks go: {"id": 3}, or all of them with {}.
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
	c.Route("POST /v1/latency", c.addLatency)
	c.Route("DELETE /v1/latency", func(*http.Request) (any, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.latency = nil
		return nil, nil
	})
	c.Route("POST /v1/hold", func(r *http.Request) (any, error) {
		h := &hold{}
		if err := readJSON(r, h); err != nil {
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
		tasks := []heldTask{}
		for _, w := range c.waiting {
			tasks = append(tasks, *w)
		}
		return map[string]any{"holds": append([]*hold{}, c.holds...), "tasks": tasks}, nil
	})
	c.Route("POST /v1/release", c.releaseTasks)
}
