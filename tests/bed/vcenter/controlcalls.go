package main

import (
	"net/http"
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
	if len(c.calls) >= callLimit {
		c.calls = append(c.calls[:0], c.calls[callLimit/2:]...)
	}
	c.calls = append(c.calls, callRecord{c.t.now(), call.Method, call.This.Value, call.User, call.OperationID})
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
		c.counters = map[counterKey]int{}
		c.calls = nil
		return nil, nil
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
		c.t.sessions.setTimeout(time.Duration(req.Seconds * float64(time.Second)))
		return nil, nil
	})
	c.Route("POST /v1/users", func(r *http.Request) (any, error) {
		var req struct {
			Name     string `json:"name"`
			Password string `json:"password"`
		}
		if err := readJSON(r, &req); err != nil {
			return nil, err
		}
		if req.Name == "" {
			return nil, bad("name: empty; give the login name, such as alice@lab.example")
		}
		c.t.sessions.setUser(req.Name, req.Password)
		return nil, nil
	})
}
