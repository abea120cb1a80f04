package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// finished waits for a task's end and returns its info.
func finished(t *testing.T, twin *Twin, ref types.ManagedObjectReference) types.TaskInfo {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		twin.world.RLock()
		info := twin.registry().Get(ref).(*simulator.Task).Info
		twin.world.RUnlock()
		if info.CompleteTime != nil {
			return info
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s did not end", ref)
	return types.TaskInfo{}
}

func taskOf(t *testing.T, res any) types.ManagedObjectReference {
	t.Helper()
	for _, ref := range morefs(res) {
		if ref.Type == "Task" {
			return ref
		}
	}
	t.Fatalf("%T names no task", res)
	return types.ManagedObjectReference{}
}

// reason is the text of a SystemError fault, or fails the test.
func reason(t *testing.T, err error) string {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("no fault but %v", err)
	}
	s, ok := f.VimFault.(*types.SystemError)
	if !ok {
		t.Fatalf("no SystemError but %T", f.VimFault)
	}
	return s.Reason
}

func TestAPanicInAHandlerFailsTheCallAndFreesTheWorld(t *testing.T) {
	twin := newTestTwin(t)
	twin.Handle("QueryUnownedFiles", "VirtualMachine", func(*Call, any) (any, error) { panic("handler broke") })
	c := newClient(t, twin, "alice")
	vm := refs(twin, "VirtualMachine")[0]

	_, err := c.call("QueryUnownedFiles", vm, &types.QueryUnownedFiles{This: vm})

	if !strings.Contains(reason(t, err), "handler broke") {
		t.Errorf("the fault does not tell the panic: %v", err)
	}
	c.must("ReconfigVM_Task", vm, &types.ReconfigVM_Task{This: vm}) // would hang on a world left locked
}

func TestAPanicInATaskBodyFailsTheTaskOnly(t *testing.T) {
	twin := newTestTwin(t)
	twin.Handle("QueryUnownedFiles", "VirtualMachine", func(c *Call, _ any) (any, error) {
		ref := c.StartTask(c.This, "VirtualMachine.test", func(*TaskContext) (any, error) {
			var none *types.VirtualMachineConfigInfo
			return none.Name, nil
		})
		return &taskStarted{Returnval: ref}, nil
	})
	c := newClient(t, twin, "alice")
	vm := refs(twin, "VirtualMachine")[0]

	info := finished(t, twin, taskOf(t, c.must("QueryUnownedFiles", vm, &types.QueryUnownedFiles{This: vm})))

	if info.State != types.TaskInfoStateError || !strings.Contains(info.Error.LocalizedMessage, "nil pointer") {
		t.Errorf("the task ended as %s, %+v", info.State, info.Error)
	}
}

func TestAPanicInWhatAGuestDoesLaterTakesNothingDown(t *testing.T) {
	twin := newTestTwin(t)
	c := newClient(t, twin, "alice")
	vm := refs(twin, "VirtualMachine")[0]
	began := make(chan struct{})
	twin.world.Lock()
	twin.later(vm, twin.inventory.guestOf(vm), 0, func(*simulator.VirtualMachine) {
		close(began)
		panic("guest broke")
	})
	twin.world.Unlock()
	<-began

	c.must("ReconfigVM_Task", vm, &types.ReconfigVM_Task{This: vm}) // would hang on a world left locked
}

// The stock simulator dereferences nil in a goroutine of its own for an unknown
// network; this goes past our pre-validation on purpose.
func TestAPanicInAStockTaskLeavesNoObjectLocked(t *testing.T) {
	twin := newTestTwin(t)
	c := newClient(t, twin, "alice")
	call := &Call{Twin: twin, Session: c.session, Method: "ReconfigVM_Task", User: "alice", Ctx: twin.newContextLocked(c.session)}
	vm := refs(twin, "VirtualMachine")[0]
	nic := &types.VirtualVmxnet3{}
	nic.Key = -1
	nic.Backing = &types.VirtualEthernetCardNetworkBackingInfo{
		VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: "no such network"},
	}
	spec := types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
		&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: nic},
	}}

	twin.world.Lock()
	_, err := call.CallStock(&types.ReconfigVM_Task{This: vm, Spec: spec})
	twin.world.Unlock()
	reason(t, err)

	unlocked := make(chan struct{})
	go func() {
		twin.registry().WithLock(&simulator.Context{}, vm, func() { close(unlocked) })
	}()
	select {
	case <-unlocked:
	case <-time.After(5 * time.Second):
		t.Fatal("the machine is still locked")
	}
	if n := len(refs(twin, "Task")); n != 0 {
		t.Errorf("%d inner tasks are left in the registry", n)
	}
}

func TestAPanicInASynchronousStockMethodLeavesNoObjectLocked(t *testing.T) {
	twin := newTestTwin(t)
	c := newClient(t, twin, "alice")
	var systems []types.ManagedObjectReference
	for _, host := range refs(twin, "HostSystem") {
		systems = append(systems, *twin.registry().Get(host).(*simulator.HostSystem).ConfigManager.NetworkSystem)
	}
	remove := func(ref types.ManagedObjectReference) error {
		call := &Call{Twin: twin, Session: c.session, Method: "RemovePortGroup", Ctx: twin.newContextLocked(c.session)}
		twin.world.Lock()
		defer twin.world.Unlock()
		_, err := call.CallStock(&types.RemovePortGroup{This: ref, PgName: portGroupKey("VM Network")})
		return err
	}
	// The stock method looks for a name where a host shows a key, and then for a
	// network of that name.
	panicked := false
	for range 2 {
		for _, ref := range systems {
			var f *Fault
			if err := remove(ref); errors.As(err, &f) {
				_, isPanic := f.VimFault.(*types.SystemError)
				panicked = panicked || isPanic
			}
		}
	}
	if !panicked {
		t.Error("no stock method panicked: this test has lost its subject")
	}
}
