package main

import "time"

// stalledCall is a call that hangs before it is executed: for a time, until it is
// released, or until the client or its session gives up. Then it goes on: a server
// that hung does not know who still waits.
type stalledCall struct {
	Rule   int           `json:"rule"`
	Method string        `json:"method"`
	Object string        `json:"object"`
	User   string        `json:"user"`
	length time.Duration // 0: until released
	ended  <-chan struct{}
	freed  chan struct{}
}

// stall notes a call that is going to hang; control.mu is held.
func (c *control) stall(call *Call, f *faultRule) *stalledCall {
	s := &stalledCall{
		Rule: f.ID, Method: call.Method, Object: call.This.Value, User: call.User,
		length: time.Duration(f.Seconds * float64(time.Second)), freed: make(chan struct{}),
	}
	if call.Session != nil {
		s.ended = call.Session.done
	}
	c.stalled[s] = struct{}{}
	return s
}

// wait hangs.
func (s *stalledCall) wait(gone <-chan struct{}) {
	var over <-chan time.Time
	if s.length > 0 {
		timer := time.NewTimer(s.length)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-s.freed:
	case <-s.ended:
	case <-gone:
	}
}

// releaseStalls ends the stall rules and lets their calls go, of one rule or of all (0); control.mu is held.
func (c *control) releaseStalls(rule int) {
	var kept []*faultRule
	for _, f := range c.faults {
		if f.Where != "stall" || (rule != 0 && f.ID != rule) {
			kept = append(kept, f)
		}
	}
	c.faults = kept
	for s := range c.stalled {
		if rule == 0 || s.Rule == rule {
			close(s.freed)
			delete(c.stalled, s)
		}
	}
}
