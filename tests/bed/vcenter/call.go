package main

import (
	"fmt"
	"log"
	"reflect"
	"runtime/debug"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Call is one SOAP request after decoding and authentication.
type Call struct {
	Twin *Twin
	// Ctx is bound to the session and good for calling the stock simulator
	// (Ctx.Map, Ctx.WithLock). Object locks are harmless but not needed: a handler
	// runs with the world locked, see Mode.
	Ctx         *simulator.Context
	Session     *Session
	Method      string
	This        types.ManagedObjectReference
	User        string // "DOMAIN\\user", as vCenter prints it
	OperationID string

	body      []byte          // the request as it was sent
	boot      int64           // the start of the service it came to, see restart.go; 0: it came over no wire
	gone      <-chan struct{} // closed when the client hung up
	failTask  *Fault          // an injected fault that the task of this call ends with
	taskDelay *rule           // latency and hold of the task of this call
	chain     int32           // eventChainId of the task of this call
	turn      *turn           // when the task of this call may start, see vmqueue.go
}

// Handler serves one method. It returns the *Response data object
// (for example *types.ReconfigVM_TaskResponse). An error that is a *Fault becomes a SOAP fault.
type Handler func(c *Call, req any) (any, error)

// Mode says what a handler may assume about the world lock.
//
// The idea: all of the inventory is guarded by ONE read-write lock, t.world.
// A mutator holds it alone, so handlers and task bodies need no locks of their
// own, cannot deadlock with each other, and leave nothing locked when they panic.
type Mode int

const (
	Mutator Mode = iota // world held for writing; what the call touched is marked dirty
	Reader              // world held for reading
	Free                // no lock: the handler takes what it needs (long polls)
)

type registration struct {
	handler Handler
	mode    Mode
}

type methodKey struct{ method, kind string }

// Handle registers a mutator for a method; thisType "" means any type of This.
func (t *Twin) Handle(method, thisType string, h Handler) { t.HandleMode(method, thisType, Mutator, h) }

// HandleMode registers a handler with an explicit locking mode.
func (t *Twin) HandleMode(method, thisType string, mode Mode, h Handler) {
	key := methodKey{method, thisType}
	if _, dup := t.handlers[key]; dup {
		panic(fmt.Sprintf("method %s on %q is registered twice", method, thisType))
	}
	t.handlers[key] = registration{h, mode}
}

func (t *Twin) handlerFor(method, kind string) (registration, bool) {
	if r, ok := t.handlers[methodKey{method, kind}]; ok {
		return r, true
	}
	r, ok := t.handlers[methodKey{method, ""}]
	return r, ok
}

// dispatch runs a call: our handler, the deny list, or the stock simulator.
func (t *Twin) dispatch(c *Call, req any) (res any, err error) {
	defer func() {
		if r := recover(); r != nil {
			log.Printf("twin: panic in %s on %s: %v\n%s", c.Method, c.This, r, debug.Stack())
			res, err = nil, systemError(fmt.Sprintf("%s panicked: %v", c.Method, r))
		}
	}()
	if err := checkComplete(req); err != nil {
		return nil, err
	}
	reg, ours := t.handlerFor(c.Method, c.This.Type)
	if !ours {
		if denied(c.Method, c.This.Type) {
			log.Printf("twin: refused, not modelled: %s on %s by %s", c.Method, c.This, c.User)
			return nil, notModelled(c.Method, c.This)
		}
		reg = registration{handler: stockHandler, mode: Mutator}
	}
	switch reg.mode {
	case Free:
		if err := t.authorizeLocked(c, req); err != nil {
			return nil, err
		}
		return reg.handler(c, req)
	case Reader:
		t.world.RLock()
		defer t.world.RUnlock()
		if err := t.admit(c, req); err != nil {
			return nil, err
		}
		res, err = reg.handler(c, req)
		return t.viewer(c.Session).found(c, res), err
	default:
		t.world.Lock()
		defer t.world.Unlock()
		if err := t.admit(c, req); err != nil {
			return nil, err
		}
		defer func() { t.Touch(append(morefs(req), morefs(res)...)...) }()
		res, err = t.runRecorded(c, req, reg.handler)
		return t.viewer(c.Session).found(c, res), err
	}
}

// survive is deferred in what runs outside a call, a timer or a task's own steps, where
// a panic would end the process: it is logged, and the twin goes on.
func survive(what string) {
	if r := recover(); r != nil {
		log.Printf("twin: panic in %s: %v\n%s", what, r, debug.Stack())
	}
}

// admit tells whether a call may go on to its handler. The world is held.
func (t *Twin) admit(c *Call, req any) error {
	if t.restartedSince(c) {
		return errRestarted
	}
	if !t.exists(c.Session, c.This) {
		return notFound(c.This)
	}
	return t.authorize(c, req)
}

// Entity returns the managed entity behind a reference, or a ManagedObjectNotFound fault.
func (c *Call) Entity(ref types.ManagedObjectReference) (mo.Entity, error) {
	if e, ok := c.Ctx.Map.Get(ref).(mo.Entity); ok {
		return e, nil
	}
	return nil, notFound(ref)
}

// morefs lists every managed object reference inside a request or response.
func morefs(v any) []types.ManagedObjectReference {
	var out []types.ManagedObjectReference
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				return
			}
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			if ref, ok := v.Interface().(types.ManagedObjectReference); ok {
				if ref.Value != "" {
					out = append(out, ref)
				}
				return
			}
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(v.Field(i))
				}
			}
		}
	}
	if v != nil {
		walk(reflect.ValueOf(v))
	}
	return out
}
