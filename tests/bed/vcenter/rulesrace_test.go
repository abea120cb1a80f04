package main

import (
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// finished waits for a task to end and returns its info.
func (c *client) finished(task types.ManagedObjectReference) types.TaskInfo {
	c.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		c.twin.world.RLock()
		info := c.twin.registry().Get(task).(*simulator.Task).Info
		c.twin.world.RUnlock()
		if info.CompleteTime != nil {
			return info
		}
	}
	c.t.Fatalf("%s does not end", task.Value)
	return types.TaskInfo{}
}

// race runs n calls at once and counts the tasks that succeeded.
func race(t *testing.T, twin *Twin, n int, call func(*client) types.ManagedObjectReference) int {
	t.Helper()
	var wg sync.WaitGroup
	results := make(chan bool, n)
	for range n {
		wg.Go(func() {
			c := newClient(t, twin, `LAB\racer`)
			results <- c.finished(call(c)).State == types.TaskInfoStateSuccess
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for ok := range results {
		if ok {
			won++
		}
	}
	return won
}

func theSwitch(t *testing.T, twin *Twin) *simulator.DistributedVirtualSwitch {
	t.Helper()
	dvs, ok := twin.registry().Any("VmwareDistributedVirtualSwitch").(*simulator.DistributedVirtualSwitch)
	if !ok {
		t.Fatal("the model has no switch")
	}
	return dvs
}

func TestOnlyOneOfManyWins(t *testing.T) {
	twin := newTestTwin(t)
	dvs := theSwitch(t, twin)
	machine := twin.registry().Any("VirtualMachine").(*simulator.VirtualMachine)
	group := twin.registry().Get(dvs.Portgroup[1]).(*simulator.DistributedVirtualPortgroup)
	groupVersion, machineVersion := group.Config.ConfigVersion, machine.Config.ChangeVersion

	races := map[string]func(*client) types.ManagedObjectReference{
		"creating a port group of one name": func(c *client) types.ManagedObjectReference {
			return c.must("CreateDVPortgroup_Task", dvs.Self, &types.CreateDVPortgroup_Task{
				This: dvs.Self, Spec: types.DVPortgroupConfigSpec{Name: "raced"},
			}).(*types.CreateDVPortgroup_TaskResponse).Returnval
		},
		"reconfiguring a port group of one version": func(c *client) types.ManagedObjectReference {
			return c.must("ReconfigureDVPortgroup_Task", group.Self, &types.ReconfigureDVPortgroup_Task{
				This: group.Self, Spec: types.DVPortgroupConfigSpec{ConfigVersion: groupVersion, Description: "raced"},
			}).(*types.ReconfigureDVPortgroup_TaskResponse).Returnval
		},
		"reconfiguring a machine of one version": func(c *client) types.ManagedObjectReference {
			return c.must("ReconfigVM_Task", machine.Self, &types.ReconfigVM_Task{
				This: machine.Self, Spec: types.VirtualMachineConfigSpec{ChangeVersion: machineVersion, Annotation: "raced"},
			}).(*types.ReconfigVM_TaskResponse).Returnval
		},
		"cloning to one name": func(c *client) types.ManagedObjectReference {
			return c.must("CloneVM_Task", machine.Self, &types.CloneVM_Task{
				This: machine.Self, Folder: *machine.Parent, Name: "raced-clone",
			}).(*types.CloneVM_TaskResponse).Returnval
		},
	}
	for name, call := range races {
		t.Run(name, func(t *testing.T) {
			if won := race(t, twin, 8, call); won != 1 {
				t.Errorf("%d of 8 won, want 1", won)
			}
		})
	}
}

func TestASpecOfTheCallerIsNotWrittenTo(t *testing.T) {
	twin := newTestTwin(t)
	c := newClient(t, twin, `LAB\someone`)
	machine := twin.registry().Any("VirtualMachine").(*simulator.VirtualMachine)
	spec := types.VirtualMachineConfigSpec{Flags: &types.VirtualMachineFlagInfo{VbsEnabled: yes()}}
	task := c.must("CloneVM_Task", machine.Self, &types.CloneVM_Task{
		This: machine.Self, Folder: *machine.Parent, Name: "copy", Spec: types.VirtualMachineCloneSpec{Config: &spec},
	}).(*types.CloneVM_TaskResponse).Returnval
	if info := c.finished(task); info.Error != nil {
		t.Fatal(info.Error.LocalizedMessage)
	}
	if spec.NestedHVEnabled != nil || spec.BootOptions != nil {
		t.Error("the companions of VBS were written into the caller's spec, which events and retries still hold")
	}
}
