package main

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// latencyRule slows a method down: the call itself, and the task it starts.
type latencyRule struct {
	Method      string  `json:"method"` // empty: every method but the waits for updates
	Seconds     float64 `json:"seconds"`
	TaskSeconds float64 `json:"taskSeconds"`
	Jitter      float64 `json:"jitter"` // standard deviation divided by mean
}

// latencyProfiles are latencies by name. "vcenter" is near to what a vCenter in the
// same building shows: a read in some milliseconds, a small task in about 0.3 s.
var latencyProfiles = map[string][]latencyRule{
	"none":    nil,
	"vcenter": {{Seconds: 0.005, TaskSeconds: 0.3}},
}

func profileNames() string {
	return strings.Join(slices.Sorted(maps.Keys(latencyProfiles)), ", ")
}

// startLatency is what the flags say: the profile, and above it vcsim's -delay and -method-delay.
func (cfg Config) startLatency() []latencyRule {
	out := slices.Clone(latencyProfiles[cfg.LatencyProfile])
	for _, l := range cfg.latency() {
		out = withLatency(out, l)
	}
	return out
}

// withLatency replaces the rule of the same method.
func withLatency(rules []latencyRule, l latencyRule) []latencyRule {
	for i := range rules {
		if rules[i].Method == l.Method {
			rules[i] = l
			return rules
		}
	}
	return append(rules, l)
}

// delayOf finds the latency of a call: its method's own, else the general one; control.mu is held.
func (c *control) delayOf(call *Call, pick func(latencyRule) float64) time.Duration {
	var found latencyRule
	for _, l := range c.latency {
		if l.Method == call.Method {
			found = l
			break
		}
		if l.Method == "" && call.Method != "WaitForUpdatesEx" && call.Method != "WaitForUpdates" {
			found = l
		}
	}
	seconds := pick(found)
	if found.Jitter > 0 && seconds > 0 {
		seconds = max(0, seconds*(1+found.Jitter*c.random.normal()))
	}
	return time.Duration(seconds * float64(time.Second))
}

func (c *control) routeLatency() {
	c.Route("POST /v1/latency", func(r *http.Request) (any, error) {
		var l latencyRule
		if err := readJSON(r, &l); err != nil {
			return nil, err
		}
		if l.Seconds < 0 || l.TaskSeconds < 0 || l.Jitter < 0 {
			return nil, bad("seconds, taskSeconds, jitter: %v, %v, %v; each is 0 or more", l.Seconds, l.TaskSeconds, l.Jitter)
		}
		if err := c.aim(l.Method, new(string)); err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.latency = withLatency(c.latency, l)
		return nil, nil
	})
	c.Route("POST /v1/latency/profile", func(r *http.Request) (any, error) {
		var req struct {
			Name string `json:"name"`
		}
		if err := readJSON(r, &req); err != nil {
			return nil, err
		}
		profile, ok := latencyProfiles[req.Name]
		if !ok {
			return nil, bad("name: %q is not one of %s", req.Name, profileNames())
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.latency = slices.Clone(profile)
		return nil, nil
	})
	c.Route("GET /v1/latency", func(*http.Request) (any, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return append([]latencyRule{}, c.latency...), nil
	})
	c.Route("DELETE /v1/latency", func(*http.Request) (any, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.latency = nil
		return nil, nil
	})
}
