package main

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// routeInventory changes the inventory behind everybody's back.
func (c *control) routeInventory() {
	c.Route("POST /v1/drift", c.drift)
	c.Route("POST /v1/host", c.setHost)
	c.Route("POST /v1/host-network", c.changeHostNetwork)
	c.routeSwitches()
	c.Route("POST /v1/vm", c.setMachine)
	c.Route("POST /v1/guest", c.setGuest)
	c.Route("GET /v1/rules", func(*http.Request) (any, error) {
		c.t.world.RLock()
		defer c.t.world.RUnlock()
		return c.t.inventory.rules, nil
	})
	c.Route("POST /v1/rules", c.setRules)
}

// drift writes properties as another user would have: raw values at property
// paths, without any rule of the API. {"object": "dvportgroup-12",
// "set": {"config.description": "…"}, "unset": ["config.annotation"]}
func (c *control) drift(r *http.Request) (any, error) {
	var req struct {
		Object string                     `json:"object"`
		User   string                     `json:"user"`
		Set    map[string]json.RawMessage `json:"set"`
		Unset  []string                   `json:"unset"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	t := c.t
	t.world.Lock()
	defer t.world.Unlock()
	ref, err := t.object(req.Object, "")
	if err != nil {
		return nil, err
	}
	// Work on a copy, so that a bad path changes nothing at all.
	live, ok := t.lookup(nil, ref)
	if !ok {
		return nil, bad("object %q has no properties", req.Object)
	}
	draft := deepCopy(live)
	for _, path := range keysOf(req.Set) {
		target, err := writable(draft, path)
		if err != nil {
			return nil, err
		}
		if err := assign(target, req.Set[path]); err != nil {
			return nil, bad("set %s: %s", path, err)
		}
	}
	for _, path := range req.Unset {
		target, err := writable(draft, path)
		if err != nil {
			return nil, err
		}
		target.SetZero()
	}
	live.Set(draft)
	version := t.bumpVersion(ref)
	t.noteChange(ref, req.User, t.now())
	t.Touch(ref)
	t.watchers.moved() // a drift may have changed a parent or a list of children
	return map[string]string{"object": ref.Value, "version": version}, nil
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
			e.Config.ChangeVersion = t.now().Format("2006-01-02T15:04:05.000000Z")
			e.Config.Modified = t.now()
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

// setHost switches what a host can do and how it is reached:
// {"host": "DC0_C0_H0", "nestedHV": false, "connectionState": "disconnected", "maintenance": true}
func (c *control) setHost(r *http.Request) (any, error) {
	var req struct {
		Host            string  `json:"host"`
		NestedHV        *bool   `json:"nestedHV"`
		ConnectionState *string `json:"connectionState"`
		Maintenance     *bool   `json:"maintenance"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	t := c.t
	t.world.Lock()
	defer t.world.Unlock()
	ref, err := t.object(req.Host, "HostSystem")
	if err != nil {
		return nil, err
	}
	host, ok := t.registry().Get(ref).(*simulator.HostSystem)
	if !ok {
		return nil, bad("host: %s is a %s", req.Host, ref.Type)
	}
	if req.ConnectionState != nil {
		state := types.HostSystemConnectionState(*req.ConnectionState)
		switch state {
		case types.HostSystemConnectionStateConnected, types.HostSystemConnectionStateDisconnected, types.HostSystemConnectionStateNotResponding:
		default:
			return nil, bad("connectionState: %q is not connected, disconnected or notResponding", state)
		}
		host.Runtime.ConnectionState = state
		t.followHost(host)
	}
	if req.NestedHV != nil {
		host.Capability.NestedHVSupported = *req.NestedHV
	}
	if req.Maintenance != nil {
		host.Runtime.InMaintenanceMode = *req.Maintenance
	}
	t.Touch(ref)
	return nil, nil
}

// followHost gives the machines of a host the state its connection leaves them in.
// Source: VirtualMachineConnectionState "disconnected": its host is disconnected (documented).
func (t *Twin) followHost(host *simulator.HostSystem) {
	state := types.VirtualMachineConnectionStateConnected
	if host.Runtime.ConnectionState != types.HostSystemConnectionStateConnected {
		state = types.VirtualMachineConnectionStateDisconnected
	}
	for _, ref := range host.Vm {
		if vm, ok := t.registry().Get(ref).(*simulator.VirtualMachine); ok {
			vm.Runtime.ConnectionState = state
			vm.Summary.Runtime.ConnectionState = state
			t.Touch(ref)
		}
	}
}

// machine finds a virtual machine by id or name.
func (t *Twin) machine(id string) (*simulator.VirtualMachine, error) {
	ref, err := t.object(id, "VirtualMachine")
	if err != nil {
		return nil, err
	}
	vm, ok := t.registry().Get(ref).(*simulator.VirtualMachine)
	if !ok {
		return nil, bad("vm: %s is a %s", id, ref.Type)
	}
	return vm, nil
}

// setMachine sets what only a host could: {"vm": "vm-12", "connectionState": "inaccessible"}.
func (c *control) setMachine(r *http.Request) (any, error) {
	var req struct {
		VM              string `json:"vm"`
		ConnectionState string `json:"connectionState"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	t := c.t
	t.world.Lock()
	defer t.world.Unlock()
	vm, err := t.machine(req.VM)
	if err != nil {
		return nil, err
	}
	state := types.VirtualMachineConnectionState(req.ConnectionState)
	switch state {
	case types.VirtualMachineConnectionStateConnected, types.VirtualMachineConnectionStateDisconnected,
		types.VirtualMachineConnectionStateInaccessible, types.VirtualMachineConnectionStateInvalid,
		types.VirtualMachineConnectionStateOrphaned:
	default:
		return nil, bad("connectionState: %q is not connected, disconnected, inaccessible, invalid or orphaned", req.ConnectionState)
	}
	vm.Runtime.ConnectionState = state
	vm.Summary.Runtime.ConnectionState = state
	t.Touch(vm.Self)
	return nil, nil
}

// setGuest says what the guest of a machine is like; durations are in seconds:
// {"vm": "vm-12", "tools": true, "ipAddress": "10.0.0.7", "hostName": "lab-1", "shutdownSeconds": 2, "hangShutdown": false}
func (c *control) setGuest(r *http.Request) (any, error) {
	var req struct {
		VM              string  `json:"vm"`
		Tools           bool    `json:"tools"`
		BootSeconds     float64 `json:"bootSeconds"`
		ShutdownSeconds float64 `json:"shutdownSeconds"`
		HangShutdown    bool    `json:"hangShutdown"`
		IPAddress       string  `json:"ipAddress"`
		HostName        string  `json:"hostName"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	t := c.t
	t.world.Lock()
	defer t.world.Unlock()
	vm, err := t.machine(req.VM)
	if err != nil {
		return nil, err
	}
	t.SetGuest(vm, GuestProfile{
		Tools: req.Tools, HangShutdown: req.HangShutdown, IPAddress: req.IPAddress, HostName: req.HostName,
		Boot:     time.Duration(req.BootSeconds * float64(time.Second)),
		Shutdown: time.Duration(req.ShutdownSeconds * float64(time.Second)),
	})
	t.Touch(vm.Self)
	return nil, nil
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
