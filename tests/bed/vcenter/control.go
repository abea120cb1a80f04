package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// control is the twin's back door for tests: JSON over HTTP on loopback. It holds
// the injected faults, latencies and holds, and counts the calls.
// The routes are described in README.md.
type control struct {
	t   *Twin
	mux *http.ServeMux
	// routes are the patterns of all endpoints, for those who ask what there is.
	routes []string

	mu       sync.Mutex
	nextID   int
	faults   []*faultRule
	latency  []latencyRule
	holds    []*hold
	waiting  map[types.ManagedObjectReference]*heldTask
	counters map[counterKey]int
	byOpID   operationCounts
	calls    []callRecord
	outage   outage
	stalled  map[*stalledCall]struct{}
	random   *randomness // of probabilities and jitter
}

func newControl(t *Twin) *control {
	c := &control{t: t, mux: http.NewServeMux()}
	c.reset()
	c.Route("GET /v1/routes", func(*http.Request) (any, error) { return c.routes, nil })
	c.Route("GET /v1/health", func(*http.Request) (any, error) { return map[string]bool{"ok": true}, nil })
	c.Route("POST /v1/reset", func(*http.Request) (any, error) { return nil, t.Reset() })
	c.Route("POST /v1/clock", c.setClock)
	c.Route("POST /v1/outage", c.setOutage)
	c.routeFaults()
	c.routeTasks()
	c.routeLatency()
	c.routeRestart()
	c.routeCounters()
	c.routeSessions()
	c.routeInventory()
	c.routeDump()
	c.Route("POST /v1/seed", c.seed)
	return c
}

// Handler is the HTTP face of the control API.
func (c *control) Handler() http.Handler { return c.mux }

// badRequest is an error of the caller: it names the field, what came and what is allowed.
type badRequest struct{ text string }

func (e *badRequest) Error() string { return e.text }

func bad(format string, args ...any) error { return &badRequest{fmt.Sprintf(format, args...)} }

// Route adds an endpoint: what f returns is the JSON answer; nil answers {}.
func (c *control) Route(pattern string, f func(r *http.Request) (any, error)) {
	c.routes = append(c.routes, pattern)
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		res, err := f(r)
		status := http.StatusOK
		if err != nil {
			status = http.StatusInternalServerError
			var b *badRequest
			if errors.As(err, &b) {
				status = http.StatusBadRequest
			}
			res = map[string]string{"error": err.Error()}
		}
		if res == nil {
			res = struct{}{}
		}
		body, err := json.Marshal(res)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(append(body, '\n')) // the client's loss, if it went away
	})
}

// readJSON decodes a request body and refuses unknown fields, so that a typing
// error in a test is an error and not a no-op.
func readJSON(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, 16<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return bad("%s: %s", r.URL.Path, err)
	}
	return nil
}

// object finds a managed object by its id ("vm-12") or by its inventory name, of
// one type or of any (""). The world is held.
func (t *Twin) object(id, kind string) (types.ManagedObjectReference, error) {
	var found []types.ManagedObjectReference
	for _, obj := range t.registry().AllReference(kind) {
		ref := obj.Reference()
		if ref.Value == id {
			return ref, nil
		}
		if t.nameOf(ref) == id && ref.Type != "Task" {
			found = append(found, ref)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return types.ManagedObjectReference{}, bad("object %q: no managed object has this id or name", id)
	}
	return types.ManagedObjectReference{}, bad("object %q: %d objects have this name; use an id of %v", id, len(found), found)
}

// aim reads what a rule says of calls: a method of the API, and an object by id or by
// name, which becomes its id. What no call could ever match is an error and not a rule
// that does nothing.
func (c *control) aim(method string, object *string) error {
	if method != "" && !apiMethods[method] {
		return bad("method: %q is no method of the API; give a name such as ReconfigVM_Task", method)
	}
	if *object == "" {
		return nil
	}
	c.t.world.RLock()
	defer c.t.world.RUnlock()
	ref, err := c.t.object(*object, "")
	*object = ref.Value
	return err
}

// setClock skews the twin's clock: {"skewSeconds": 3600}.
func (c *control) setClock(r *http.Request) (any, error) {
	var req struct {
		SkewSeconds float64 `json:"skewSeconds"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	c.t.skew.Store(int64(req.SkewSeconds * float64(time.Second)))
	c.t.tidy()
	return nil, nil
}

// reset forgets all rules and counters and lets held tasks go.
func (c *control) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.waiting {
		w.release()
	}
	c.releaseStalls(0)
	c.faults, c.latency, c.holds = nil, c.t.cfg.startLatency(), nil
	c.stalled, c.random = map[*stalledCall]struct{}{}, newRandomness(c.t.cfg.Seed)
	c.waiting = map[types.ManagedObjectReference]*heldTask{}
	c.forgetCalls()
	c.outage = outage{}
	c.t.skew.Store(0)
}

// matches compares a rule's method, object and user with a call; empty means any.
func matches(c *Call, method, object, user string) bool {
	return (method == "" || method == c.Method) &&
		(object == "" || object == c.This.Value) &&
		(user == "" || strings.EqualFold(displayUser(user), c.User))
}
