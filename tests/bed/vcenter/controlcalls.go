package main

import (
	"maps"
	"net/http"
	"strings"
	"time"
)

// callRecord is one call as a test may look at it.
type callRecord struct {
	Time        time.Time `json:"time"`
	Method      string    `json:"method"`
	Object      string    `json:"object"`
	User        string    `json:"user"`
	OperationID string    `json:"operationId"`
}

// callLimit bounds the record; the counters go on for ever.
const callLimit = 10000

type counterKey struct{ user, method string }

// count notes a call, whether it is going to succeed or not.
func (c *control) count(call *Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counters[counterKey{call.User, call.Method}]++
	c.byOpID.count(call.OperationID, call.Method)
	if len(c.calls) >= callLimit {
		c.calls = append(c.calls[:0], c.calls[callLimit/2:]...)
	}
	c.calls = append(c.calls, callRecord{c.t.now(), call.Method, call.This.Value, call.User, call.OperationID})
}

// forgetCalls starts counting anew; control.mu is held.
func (c *control) forgetCalls() {
	c.counters = map[counterKey]int{}
	c.byOpID = operationCounts{}
	c.calls = nil
}

// operationLimit bounds the operation ids that are remembered; the oldest go first.
const operationLimit = 20000

// operationCounts counts calls by operation id and method.
type operationCounts struct {
	counts map[string]map[string]int
	order  []string
}

func (o *operationCounts) count(id, method string) {
	if id == "" {
		return
	}
	if o.counts == nil {
		o.counts = map[string]map[string]int{}
	}
	if o.counts[id] == nil {
		if len(o.order) >= operationLimit {
			delete(o.counts, o.order[0])
			o.order = o.order[1:]
		}
		o.counts[id] = map[string]int{}
		o.order = append(o.order, id)
	}
	o.counts[id][method]++
}

// startingWith copies the counts of the ids that begin with prefix.
func (o *operationCounts) startingWith(prefix string) map[string]map[string]int {
	out := map[string]map[string]int{}
	for id, methods := range o.counts {
		if strings.HasPrefix(id, prefix) {
			out[id] = maps.Clone(methods)
		}
	}
	return out
}

func (c *control) routeCounters() {
	c.Route("GET /v1/counters", func(*http.Request) (any, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		out := map[string]map[string]int{}
		for k, n := range c.counters {
			if out[k.user] == nil {
				out[k.user] = map[string]int{}
			}
			out[k.user][k.method] = n
		}
		return out, nil
	})
	c.Route("DELETE /v1/counters", func(*http.Request) (any, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.forgetCalls()
		return nil, nil
	})
	c.Route("GET /v1/operations", func(r *http.Request) (any, error) {
		prefix := r.URL.Query().Get("prefix")
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.byOpID.startingWith(prefix), nil
	})
	c.Route("GET /v1/calls", func(r *http.Request) (any, error) {
		method, user := r.URL.Query().Get("method"), r.URL.Query().Get("user")
		c.mu.Lock()
		defer c.mu.Unlock()
		out := []callRecord{}
		for _, call := range c.calls {
			if (method == "" || call.Method == method) && (user == "" || call.User == displayUser(user)) {
				out = append(out, call)
			}
		}
		return out, nil
	})
}

// routeSessions lists, ends and limits sessions.
func (c *control) routeSessions() {
	c.Route("GET /v1/sessions", func(*http.Request) (any, error) {
		type session struct {
			Key        string    `json:"key"`
			User       string    `json:"user"`
			LoginTime  time.Time `json:"loginTime"`
			LastActive time.Time `json:"lastActive"`
			Calls      int64     `json:"calls"`
			Agent      string    `json:"agent"`
		}
		out := []session{}
		for _, s := range c.t.sessions.list() {
			out = append(out, session{s.Key, s.UserName, s.LoginTime, s.LastActiveTime, s.CallCount, s.UserAgent})
		}
		return out, nil
	})
	c.Route("POST /v1/sessions/kill", func(r *http.Request) (any, error) {
		var req struct {
			Key  string `json:"key"`
			User string `json:"user"`
		}
		if err := readJSON(r, &req); err != nil {
			return nil, err
		}
		killed := 0
		for _, s := range c.t.sessions.list() {
			if (req.Key == "" || s.Key == req.Key) && (req.User == "" || s.UserName == displayUser(req.User)) && c.t.sessions.end(s.Key) {
				killed++
			}
		}
		return map[string]int{"killed": killed}, nil
	})
	c.Route("POST /v1/sessions/timeout", func(r *http.Request) (any, error) {
		var req struct {
			Seconds float64 `json:"seconds"`
		}
		if err := readJSON(r, &req); err != nil {
			return nil, err
		}
		if req.Seconds < 0 {
			return nil, bad("seconds: %v; it is a time of idling, or 0 for ever", req.Seconds)
		}
		c.t.sessions.setLimits(func(l *sessionLimits) { l.Idle = time.Duration(req.Seconds * float64(time.Second)) })
		return nil, nil
	})
	c.Route("POST /v1/sessions/limits", c.setSessionLimits)
	c.Route("POST /v1/users", c.setUser)
	c.Route("POST /v1/roles", c.setRole)
	c.Route("POST /v1/permissions", c.setPermission)
	c.Route("GET /v1/permissions", c.listPermissions)
}
