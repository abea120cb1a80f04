package main

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// faultRule makes the next calls that match it fail.
type faultRule struct {
	ID     int    `json:"id"`
	Method string `json:"method"` // empty: any method
	Object string `json:"object"` // This, by id or name; empty: any
	User   string `json:"user"`   // empty: any
	// Where: soap, task, drop-before, drop-after, http, slow or stall.
	Where   string          `json:"where"`
	Status  int             `json:"status"`  // of http
	Fault   string          `json:"fault"`   // type name of soap and task, e.g. ConcurrentAccess
	Fields  json.RawMessage `json:"fields"`  // members of the fault
	Message string          `json:"message"` // empty: vCenter's own text
	Seconds float64         `json:"seconds"` // of slow; of stall the longest time, 0 until released
	Count   int             `json:"count"`   // calls still to fail; 0: without end
	Skip    int             `json:"skip"`    // matching calls to let pass first
	// Probability that a matching call is struck, from the twin's seed.
	Probability float64 `json:"probability"`

	built *Fault
}

// faultPlaces lists where a fault can strike.
var faultPlaces = []string{"soap", "task", "drop-before", "drop-after", "http", "slow", "stall"}

// build checks the rule and makes its fault.
func (f *faultRule) build() error {
	if !slices.Contains(faultPlaces, f.Where) {
		return bad("where: %q is not one of %v", f.Where, faultPlaces)
	}
	if f.Count < 0 || f.Skip < 0 {
		return bad("count, skip: %d, %d; count is the number of calls to fail, 0 without end; skip is 0 or more", f.Count, f.Skip)
	}
	if f.Probability <= 0 || f.Probability > 1 {
		return bad("probability: %v; it is above 0 and at most 1", f.Probability)
	}
	if f.Seconds < 0 || (f.Seconds == 0 && f.Where == "slow") {
		return bad("seconds: %v; where slow needs a time above 0, stall 0 (until released) or more", f.Seconds)
	}
	switch f.Where {
	case "http":
		if f.Status < 400 || f.Status > 599 {
			return bad("status: %d; where http needs an HTTP status from 400 to 599", f.Status)
		}
	case "soap", "task":
		if f.Where == "task" && f.Method != "" && !startsTask(f.Method) {
			return bad("method: %s starts no task that could end with the fault; use where soap", f.Method)
		}
		kind, ok := typeOf(f.Fault)
		if !ok {
			return bad("fault: %q is no vim25 type; give a name such as ConcurrentAccess", f.Fault)
		}
		value := reflect.New(kind)
		fault, ok := value.Interface().(types.BaseMethodFault)
		if !ok {
			return bad("fault: %q is no fault", f.Fault)
		}
		if len(f.Fields) > 0 {
			if err := json.Unmarshal(f.Fields, fault); err != nil {
				return bad("fields: %s", err)
			}
		}
		f.built = &Fault{VimFault: fault, Message: f.Message}
	}
	return nil
}

// startsTask tells whether a method's answer is a task, which its name says.
func startsTask(method string) bool { return strings.HasSuffix(method, "_Task") }

// on is the fault for one call. Required members that the rule left out are
// completed, since clients cannot read a fault without them: enumerations, and
// references, which name the object the call was made on.
func (f *faultRule) on(call *Call) *Fault {
	fault := wireCopy(reflect.ValueOf(f.built.VimFault))
	v := fault.Elem()
	for i := range v.NumField() {
		if ref, ok := v.Field(i).Addr().Interface().(*types.ManagedObjectReference); ok && ref.Value == "" {
			*ref = call.This
		}
	}
	return &Fault{VimFault: fault.Interface().(types.BaseMethodFault), Message: f.built.Message}
}

// chaos is what the gate has to do to one call beside serving it.
type chaos struct {
	drop, dropAfter bool
	status          int
	fault           *Fault
	stalled         *stalledCall
}

// before applies the rules to a call: it waits out the latency of the method,
// picks the faults that strike and notes what the call's task has to suffer.
func (c *control) before(call *Call) chaos {
	var out chaos
	c.mu.Lock()
	for i := 0; i < len(c.faults); i++ {
		f := c.faults[i]
		if !matches(call, f.Method, f.Object, f.User) || (f.Where == "task" && !startsTask(call.Method)) {
			continue
		}
		if f.Probability < 1 && c.random.chance() >= f.Probability {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Count == 1 {
			c.faults = slices.Delete(c.faults, i, i+1)
		} else if f.Count > 1 {
			f.Count--
		}
		switch f.Where {
		case "soap":
			out.fault = f.on(call)
		case "task":
			call.failTask = f.on(call)
		case "drop-before":
			out.drop = true
		case "drop-after":
			out.dropAfter = true
		case "http":
			out.status = f.Status
		case "slow", "stall":
			out.stalled = c.stall(call, f)
		}
		break
	}
	call.taskDelay = c.taskRule(call)
	delay := c.delayOf(call, func(l latencyRule) float64 { return l.Seconds })
	c.mu.Unlock()
	if out.stalled != nil {
		out.stalled.wait(call.gone)
		c.mu.Lock()
		delete(c.stalled, out.stalled)
		c.mu.Unlock()
	}
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-call.gone:
		}
	}
	return out
}

func (c *control) routeFaults() {
	c.Route("POST /v1/faults", func(r *http.Request) (any, error) {
		f := &faultRule{Count: 1, Probability: 1, Where: "soap"}
		if err := readJSON(r, f); err != nil {
			return nil, err
		}
		if err := f.build(); err != nil {
			return nil, err
		}
		if err := c.aim(f.Method, &f.Object); err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.nextID++
		f.ID = c.nextID
		c.faults = append(c.faults, f)
		return map[string]int{"id": f.ID}, nil
	})
	c.Route("GET /v1/faults", func(*http.Request) (any, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		out := []faultRule{}
		for _, f := range c.faults {
			out = append(out, *f)
		}
		return out, nil
	})
	c.Route("DELETE /v1/faults", func(*http.Request) (any, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.faults = nil
		return nil, nil
	})
}
