package main

import (
	"net/http"
	"time"
)

// outage is a time in which the server cannot be reached.
type outage struct {
	until  time.Time
	status int
}

// outageRequest says how the server is away: every connection breaks, or gets an HTTP
// status (503 is what vCenter's proxy answers while the service starts), or is refused.
type outageRequest struct {
	Seconds float64 `json:"seconds"`
	Status  int     `json:"status"`
	Refuse  bool    `json:"refuse"`
}

func (o outageRequest) check(t *Twin) error {
	switch {
	case o.Seconds < 0:
		return bad("seconds: %v; it is 0 or more", o.Seconds)
	case o.Status != 0 && (o.Status < 400 || o.Status > 599):
		return bad("status: %d; give 400 to 599, or 0 to break connections", o.Status)
	case o.Status != 0 && o.Refuse:
		return bad("status, refuse: a refused connection gets no status; give one of them")
	case o.Refuse && t.door == nil:
		return bad("refuse: this twin runs inside another program and does not own its listener")
	}
	return nil
}

// setOutage makes the server unreachable for a while: {"seconds": 5, "status": 503}.
// Waits that are under way end too.
func (c *control) setOutage(r *http.Request) (any, error) {
	var req outageRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if err := req.check(c.t); err != nil {
		return nil, err
	}
	c.away(req)
	return nil, nil
}

// away begins an outage that was checked, in the place of the one that there is.
func (c *control) away(o outageRequest) {
	length := time.Duration(o.Seconds * float64(time.Second))
	c.mu.Lock()
	c.outage = outage{time.Now().Add(length), o.Status}
	c.mu.Unlock()
	switch {
	case o.Refuse:
		c.t.door.shut(length)
	case c.t.door != nil:
		c.t.door.open()
	}
	c.t.watchers.wakeAll()
}

// down tells whether there is an outage, and what to answer; 0 means to break the connection.
func (c *control) down() (status int, is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outage.status, time.Now().Before(c.outage.until)
}
