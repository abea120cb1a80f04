package main

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// routeInventory changes the inventory behind everybody's back.
func (c *control) routeInventory() {
	c.Route("POST /v1/drift", change(c, (*Twin).drift))
	c.Route("POST /v1/host", change(c, (*Twin).controlHost))
	c.Route("POST /v1/host-network", c.changeHostNetwork)
	c.Route("POST /v1/datastore", change(c, (*Twin).controlDatastore))
	c.Route("POST /v1/migrate", change(c, (*Twin).controlMigrate))
	c.routeSwitches()
	c.Route("POST /v1/vm", change(c, (*Twin).controlMachine))
	c.Route("POST /v1/guest", change(c, (*Twin).controlGuest))
	c.Route("GET /v1/rules", func(*http.Request) (any, error) {
		c.t.world.RLock()
		defer c.t.world.RUnlock()
		return c.t.inventory.rules, nil
	})
	c.Route("POST /v1/rules", c.setRules)
}

// change makes a handler of a function that changes the inventory: it decodes the
// body and holds the world.
func change[T any](c *control, f func(*Twin, T) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var body T
		if err := readJSON(r, &body); err != nil {
			return nil, err
		}
		c.t.world.Lock()
		defer c.t.world.Unlock()
		return f(c.t, body)
	}
}

// find returns the object of an id or a name, if it is of the Go type that the
// named field of a request stands for.
func find[T any](t *Twin, field, id, kind string) (T, error) {
	var none T
	ref, err := t.object(id, kind)
	if err != nil {
		return none, err
	}
	if obj, ok := t.registry().Get(ref).(T); ok {
		return obj, nil
	}
	return none, bad("%s: %s is a %s", field, id, ref.Type)
}

// oneOf checks a word of a request against those that are allowed.
func oneOf[T ~string](field, word string, allowed ...T) (T, error) {
	if slices.Contains(allowed, T(word)) {
		return T(word), nil
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	return "", bad("%s: %q is not one of %s", field, word, strings.Join(words, ", "))
}

type driftRequest struct {
	Object string                     `json:"object"`
	User   string                     `json:"user"`
	Set    map[string]json.RawMessage `json:"set"`
	Unset  []string                   `json:"unset"`
	// When names a host that is not connected: the change is made on it now, and
	// vCenter learns of it when the host is back.
	When string `json:"when"`
}

// drift writes properties as another user would have: raw values at property
// paths, without any rule of the API. {"object": "dvportgroup-12",
// "set": {"config.description": "…"}, "unset": ["config.annotation"]}
func (t *Twin) drift(req driftRequest) (any, error) {
	ref, err := t.object(req.Object, "")
	if err != nil {
		return nil, err
	}
	if req.When != "" {
		return nil, t.driftLate(ref, req)
	}
	version, err := t.driftObject(ref, req.User, req.Set, req.Unset)
	if err != nil {
		return nil, err
	}
	return map[string]string{"object": ref.Value, "version": version}, nil
}

// driftLate keeps a drift for the time when its host is connected again.
func (t *Twin) driftLate(ref types.ManagedObjectReference, req driftRequest) error {
	host, err := find[*simulator.HostSystem](t, "when", req.When, "HostSystem")
	if err != nil {
		return err
	}
	if hostConnected(host) {
		return bad("when: host %s is connected, so vCenter sees its changes at once; leave `when` out or disconnect it first", req.When)
	}
	if _, err := t.drafted(ref, req.Set, req.Unset); err != nil {
		return err
	}
	t.postpone(host.Self, lateChange{ref, req.User, req.Set, req.Unset})
	return nil
}

// driftObject writes raw values into an object and what mirrors them; returns the
// object's new version.
func (t *Twin) driftObject(ref types.ManagedObjectReference, user string, set map[string]json.RawMessage, unset []string) (string, error) {
	draft, err := t.drafted(ref, set, unset)
	if err != nil {
		return "", err
	}
	live, _ := t.lookup(nil, ref)
	before, was := t.nameOf(ref), reflect.New(live.Type()).Elem()
	was.Set(live)
	live.Set(draft)
	t.mirror(ref, before, set, unset)
	version := t.bumpVersion(ref)
	t.postDrift(ref, user, was)
	t.noteChange(ref, user, t.now())
	t.Touch(ref)
	t.watchers.moved() // a drift may have changed a parent or a list of children
	return version, nil
}

// drafted is a copy of an object's properties with the values written, so that a bad
// path changes nothing at all.
func (t *Twin) drafted(ref types.ManagedObjectReference, set map[string]json.RawMessage, unset []string) (reflect.Value, error) {
	live, ok := t.lookup(nil, ref)
	if !ok {
		return live, bad("object %q has no properties", ref.Value)
	}
	draft := wireCopy(live)
	for _, path := range keysOf(set) {
		target, err := writable(draft, path)
		if err != nil {
			return draft, err
		}
		if err := assign(target, set[path]); err != nil {
			return draft, bad("set %s: %s", path, err)
		}
	}
	for _, path := range unset {
		target, err := writable(draft, path)
		if err != nil {
			return draft, err
		}
		target.SetZero()
	}
	return draft, nil
}

// mirror brings what an object shows twice in line with what a drift wrote to one
// place: name, config and summary of a machine or port group.
func (t *Twin) mirror(ref types.ManagedObjectReference, before string, set map[string]json.RawMessage, unset []string) {
	_, byConfig := set["config.name"]
	_, whole := set["config"]
	switch e := t.registry().Get(ref).(type) {
	case *simulator.VirtualMachine:
		if e.Config == nil {
			return
		}
		switch {
		case byConfig || whole:
			e.Name = e.Config.Name
		case e.Name != before:
			e.Config.Name = e.Name
		}
		paths := append(slices.Clone(unset), keysOf(set)...)
		if slices.ContainsFunc(paths, func(p string) bool {
			return p == "name" || strings.HasPrefix(p, "config") || strings.HasPrefix(p, "guest") || strings.HasPrefix(p, "runtime")
		}) {
			t.refresh(e)
		}
	case *simulator.DistributedVirtualPortgroup:
		switch {
		case byConfig || whole:
			e.Name = e.Config.Name
		case e.Name != before:
			e.Config.Name = e.Name
		}
	}
}

// writable follows a path to a settable field, making what is unset on the way.
func writable(v reflect.Value, text string) (reflect.Value, error) {
	path, ok := parsePath(text)
	if !ok {
		return v, bad("set: %q is no property path", text)
	}
	for _, step := range path.steps {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			if v.IsNil() {
				if v.Kind() == reflect.Interface {
					return v, bad("set %s: %s is unset, so its type is unknown", text, step.name)
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return v, bad("set %s: nothing is below %s", text, step.name)
		}
		index, ok := fieldIndex(v.Type(), step.name)
		if !ok {
			return v, bad("set %s: %s has no member %s", text, v.Type().Name(), step.name)
		}
		v = v.FieldByIndex(index)
		if step.is {
			if v, ok = element(v, step.key); !ok {
				return v, bad("set %s: no element has the key %s", text, step.key)
			}
		}
	}
	return v, nil
}

// assign decodes JSON into a field, through a pointer where it is optional.
func assign(field reflect.Value, raw json.RawMessage) error {
	fresh := reflect.New(field.Type())
	if err := json.Unmarshal(raw, fresh.Interface()); err != nil {
		return err
	}
	field.Set(fresh.Elem())
	return nil
}

// bumpVersion counts the version of a changed object up, as a real change does.
func (t *Twin) bumpVersion(ref types.ManagedObjectReference) string {
	switch e := t.registry().Get(ref).(type) {
	case *simulator.VirtualMachine:
		if e.Config != nil {
			t.stampConfig(e.Config)
			return e.Config.ChangeVersion
		}
	case *simulator.HostSystem: // it has no version, but its network system shows the same configuration
		t.shareNetworkInfo(e)
	case *simulator.DistributedVirtualPortgroup:
		e.Config.ConfigVersion = nextDecimal(e.Config.ConfigVersion)
		return e.Config.ConfigVersion
	case *simulator.DistributedVirtualSwitch:
		config := e.Config.GetDVSConfigInfo()
		config.ConfigVersion = nextDecimal(config.ConfigVersion)
		return config.ConfigVersion
	}
	return ""
}

func nextDecimal(version string) string {
	n, err := strconv.Atoi(version)
	if err != nil {
		n = 0
	}
	return strconv.Itoa(n + 1)
}

// noteChange records who drifted an object, as an event would tell.
func (t *Twin) noteChange(ref types.ManagedObjectReference, user string, at time.Time) {
	t.control.mu.Lock()
	defer t.control.mu.Unlock()
	t.control.calls = append(t.control.calls, callRecord{at, "drift", ref.Value, displayUser(user), ""})
}

// setRules changes switches for undecided behaviour; what is not named stays: {"busyVM": "reject"}.
func (c *control) setRules(r *http.Request) (any, error) {
	c.t.world.Lock()
	defer c.t.world.Unlock()
	next := c.t.inventory.rules
	if err := readJSON(r, &next); err != nil {
		return nil, err
	}
	if next.MacManagementLeaves != MergeKeep && next.MacManagementLeaves != MergeReset {
		return nil, bad("macManagementLeaves: %q is not %q or %q", next.MacManagementLeaves, MergeKeep, MergeReset)
	}
	if next.BusyVM != ConflictQueue && next.BusyVM != ConflictReject {
		return nil, bad("busyVM: %q is not %q or %q", next.BusyVM, ConflictQueue, ConflictReject)
	}
	if next.SnapshotDepth < 1 || next.SnapshotDepth > maxSnapshotDepth {
		return nil, bad("snapshotDepth: %d is not a number from 1 to %d", next.SnapshotDepth, maxSnapshotDepth)
	}
	c.t.inventory.rules = next
	return next, nil
}
