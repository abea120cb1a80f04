package main

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// junk fills requests with what no client should send. Each kind is one way to be wrong.
type junk struct {
	name string
	text string
	num  int64
	flag bool
	ref  func(self types.ManagedObjectReference) types.ManagedObjectReference
	deep int // how far optional parts are made; 0: the request has nothing but This
	pick int // which of several concrete types stands for an abstract one
}

func junkKinds(vm types.ManagedObjectReference) []junk {
	itself := func(self types.ManagedObjectReference) types.ManagedObjectReference { return self }
	nobody := func(types.ManagedObjectReference) types.ManagedObjectReference {
		return types.ManagedObjectReference{Type: "VirtualMachine", Value: "vm-999999"}
	}
	wrong := func(types.ManagedObjectReference) types.ManagedObjectReference { return vm }
	none := func(types.ManagedObjectReference) types.ManagedObjectReference { return types.ManagedObjectReference{} }
	return []junk{
		{name: "empty", ref: none},
		{name: "hollow", ref: none, deep: 5},
		{name: "itself", text: "add", num: 1, flag: true, ref: itself, deep: 6, pick: 1},
		{name: "wrong type", text: "edit", num: -1, ref: wrong, deep: 6, pick: 2},
		{name: "missing", text: "[LocalDS_0] x", num: 1 << 40, flag: true, ref: nobody, deep: 6, pick: 3},
		{name: "remove", text: "remove", num: 4000, ref: wrong, deep: 6, pick: 4},
	}
}

// concrete lists what may stand for some abstract types; for the others the base type does.
var concrete = map[string][]any{
	"BaseVirtualDevice": {
		types.VirtualDevice{}, types.VirtualVmxnet3{}, types.VirtualDisk{}, types.VirtualCdrom{}, types.ParaVirtualSCSIController{},
	},
	"BaseVirtualDeviceBackingInfo": {
		types.VirtualDeviceBackingInfo{}, types.VirtualEthernetCardDistributedVirtualPortBackingInfo{},
		types.VirtualDiskFlatVer2BackingInfo{}, types.VirtualEthernetCardNetworkBackingInfo{},
		types.VirtualEthernetCardOpaqueNetworkBackingInfo{},
	},
	"BaseDVSConfigSpec": {types.DVSConfigSpec{}, types.VMwareDVSConfigSpec{}},
	"BaseDVPortSetting": {types.DVPortSetting{}, types.VMwareDVSPortSetting{}},
	"BaseVmwareDistributedVirtualSwitchVlanSpec": {
		types.VmwareDistributedVirtualSwitchVlanSpec{}, types.VmwareDistributedVirtualSwitchVlanIdSpec{},
		types.VmwareDistributedVirtualSwitchTrunkVlanSpec{}, types.VmwareDistributedVirtualSwitchPvlanSpec{},
	},
	"BaseSelectionSpec":                           {types.SelectionSpec{}, types.TraversalSpec{}},
	"BaseVirtualMachineBootOptionsBootableDevice": {types.VirtualMachineBootOptionsBootableDiskDevice{}},
}

// fill writes junk into a value.
func (j junk) fill(v reflect.Value, self types.ManagedObjectReference, depth int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(j.text)
	case reflect.Bool:
		v.SetBool(j.flag)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(j.num)
		if v.Kind() != reflect.Int64 {
			v.SetInt(int64(int32(j.num)) % 100000)
		}
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			j.fill(v.Elem(), self, depth-1)
		}
	case reflect.Slice:
		if depth > 0 && v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			for i := range 2 {
				j.fill(v.Index(i), self, depth-1)
			}
		}
	case reflect.Interface:
		if kind := j.stand(v.Type()); depth > 0 && kind != nil {
			fresh := reflect.New(kind)
			j.fill(fresh.Elem(), self, depth-1)
			if fresh.Type().Implements(v.Type()) {
				v.Set(fresh)
			}
		}
	case reflect.Struct:
		if v.Type() == goTime {
			return
		}
		if v.Type() == reflect.TypeFor[types.ManagedObjectReference]() {
			v.Set(reflect.ValueOf(j.ref(self)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				j.fill(v.Field(i), self, depth)
			}
		}
	}
}

// stand chooses a concrete type for an abstract one.
func (j junk) stand(abstract reflect.Type) reflect.Type {
	if list := concrete[abstract.Name()]; len(list) > 0 {
		return reflect.TypeOf(list[j.pick%len(list)])
	}
	kind, ok := typeOf(strings.TrimPrefix(abstract.Name(), "Base"))
	if !ok {
		return nil
	}
	return kind
}

// request is a method's request with This and junk; false if govmomi knows no such request.
func (j junk) request(method string, this types.ManagedObjectReference) (any, bool) {
	kind, ok := typeOf(method)
	if !ok || kind.Kind() != reflect.Struct {
		return nil, false
	}
	if _, has := kind.FieldByName("This"); !has {
		return nil, false
	}
	req := reflect.New(kind)
	if j.deep > 0 {
		j.fill(req.Elem(), this, j.deep)
	}
	req.Elem().FieldByName("This").Set(reflect.ValueOf(this))
	return req.Interface(), true
}

// methodsOf lists what can be called on an object.
func methodsOf(twin *Twin, obj any, kind string) []string {
	out := map[string]bool{}
	for _, m := range stockMethods(obj) {
		out[m] = true
	}
	for key := range twin.handlers {
		if key.kind == kind || key.kind == "" {
			out[key.method] = true
		}
	}
	return slices.Sorted(maps.Keys(out))
}

// Every method of every type of object takes every kind of junk: the process lives,
// nothing stays locked, no handler of ours panics, and the twin is as good as before.
func TestJunkTakesNothingDown(t *testing.T) {
	twin := newTestTwin(t, "-app", "1", "-pod", "1", "-folder", "1", "-nsx", "1", "-pg-nsx", "1", "-seed", "1")
	twin.world.Lock()
	vm := ordered(twin.registry().AllReference("VirtualMachine"))[0].Reference()
	samples := map[string]types.ManagedObjectReference{}
	for _, obj := range ordered(twin.registry().AllReference("")) {
		if _, had := samples[obj.Reference().Type]; !had {
			samples[obj.Reference().Type] = obj.Reference()
		}
	}
	clean := twin.takeCheckpoint()
	twin.world.Unlock()

	kinds := junkKinds(vm)
	if testing.Short() || raceEnabled {
		kinds = []junk{kinds[0], kinds[2], kinds[4]}
	}
	calls := 0
	for _, kind := range slices.Sorted(maps.Keys(samples)) {
		this := samples[kind]
		for _, method := range methodsOf(twin, twin.registry().Get(this), kind) {
			for _, j := range kinds {
				if req, ok := j.request(method, this); ok {
					calls++
					throw(t, twin, j.name, method, this, req)
				}
			}
			settle(t, twin, method+" on "+kind)
			twin.world.Lock()
			twin.epoch.Add(1)
			twin.dropTasks()
			twin.restoreCheckpoint(clean)
			twin.world.Unlock()
		}
	}
	t.Logf("%d calls on %d types", calls, len(samples))

	c := newClient(t, twin, "alice")
	info := finished(t, twin, taskOf(t, c.must("ReconfigVM_Task", vm, &types.ReconfigVM_Task{
		This: vm, Spec: types.VirtualMachineConfigSpec{Annotation: "alive"},
	})))
	if info.State != types.TaskInfoStateSuccess {
		t.Errorf("a plain reconfigure ends as %s, %+v", info.State, info.Error)
	}
	if d := twin.dump(); len(d.VMs) != len(refs(twin, "VirtualMachine")) {
		t.Error("the dump is not whole")
	}
}

// throw makes one call and looks at how it ends.
func throw(t *testing.T, twin *Twin, name, method string, this types.ManagedObjectReference, req any) {
	t.Helper()
	session := twin.sessions.start("alice", "", nil, twin.now())
	gone := make(chan struct{})
	close(gone) // a client that hung up: no call waits for anything
	call := &Call{
		Twin: twin, Session: session, Method: method, This: this, User: session.UserName,
		Ctx: twin.newContextLocked(session), gone: gone,
	}
	done := make(chan error, 1)
	go func() {
		_, err := twin.dispatch(call, req)
		done <- err
	}()
	select {
	case err := <-done:
		var f *Fault
		if errors.As(err, &f) {
			if s, is := f.VimFault.(*types.SystemError); is && isOurs(twin, method, this.Type) && brokeDown(s.Reason) {
				t.Errorf("%s on %s with junk %q: %s", method, this.Type, name, s.Reason)
			}
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%s on %s with junk %q does not return", method, this.Type, name)
	}
	twin.sessions.end(session.Key)
}

func isOurs(twin *Twin, method, kind string) bool {
	_, ours := twin.handlerFor(method, kind)
	return ours
}

// brokeDown tells the reason of a caught panic from a fault that was meant.
func brokeDown(reason string) bool {
	return strings.Contains(reason, "panicked") || strings.Contains(reason, "runtime error") ||
		strings.Contains(reason, "interface conversion")
}

// settle waits for all tasks, and for the world to be free.
func settle(t *testing.T, twin *Twin, what string) {
	t.Helper()
	ended := make(chan struct{})
	go func() { twin.running.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("a task of %s does not end", what)
	}
	twin.world.Lock()
	defer twin.world.Unlock()
	for _, obj := range twin.registry().AllReference("Task") {
		task, ok := obj.(*simulator.Task)
		if !ok || task.Info.Error == nil {
			continue
		}
		s, is := task.Info.Error.Fault.(*types.SystemError)
		if is && isOurs(twin, task.Info.Name, task.Info.Entity.Type) && brokeDown(s.Reason) {
			t.Errorf("the task of %s: %s", what, s.Reason)
		}
	}
}
