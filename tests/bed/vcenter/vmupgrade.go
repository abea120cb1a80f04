package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Hardware upgrade, and powering on several machines in one call.

func registerMachineExtras(t *Twin) {
	t.Handle("UpgradeVM_Task", "VirtualMachine", upgradeMachine)
	t.Handle("PowerOnMultiVM_Task", "Datacenter", powerOnMany)
}

// upgradeMachine models UpgradeVM_Task.
//
// Documented: InvalidPowerState unless it is off, AlreadyUpgraded when it has the
// version or a newer one, InvalidState for a host in maintenance mode or a bad
// version string, NoDiskFound without a disk; without a version the newest that the host supports. Inferred:
// NotSupported for a template.
func upgradeMachine(c *Call, req any) (any, error) {
	asked := req.(*types.UpgradeVM_Task).Version
	ref := c.availableMachineTask(func(tc *TaskContext, vm *simulator.VirtualMachine) error {
		host := tc.Ctx.Map.Get(*vm.Runtime.Host).(*simulator.HostSystem)
		version := orDefault(asked, hardwareKey(newestHardware(host)))
		target := hardwareNumber(version)
		switch {
		case vm.Config.Template:
			return NewFault(&types.NotSupported{})
		case vm.Runtime.PowerState != poweredOff:
			return invalidPowerState(poweredOff, vm.Runtime.PowerState)
		case host.Runtime.InMaintenanceMode, target == 0, target > newestHardware(host):
			return NewFault(&types.InvalidState{})
		case target <= hardwareNumber(vm.Config.Version):
			return Faultf(&types.AlreadyUpgraded{}, "Virtual machine compatibility is already up-to-date.")
		case vm.Summary.Config.NumVirtualDisks == 0:
			return NewFault(&types.NoDiskFound{})
		}
		config := cloneValue(vm.Config)
		config.Version = version
		tc.Twin.stampConfig(config)
		vm.Config = config
		tc.Twin.refresh(vm)
		tc.post(&types.VmUpgradeCompleteEvent{VmEvent: tc.machineEvent(vm), Version: version})
		return nil
	})
	return &types.UpgradeVM_TaskResponse{Returnval: ref}, nil
}

// powerOnMany models PowerOnMultiVM_Task, which replaces PowerOnVM_Task since 5.1.
//
// Documented: the result lists a task per machine that was attempted, and faults
// for those that were not; a fault of one machine is in that machine's own task.
func powerOnMany(c *Call, req any) (any, error) {
	machines := req.(*types.PowerOnMultiVM_Task).Vm
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(*TaskContext) (any, error) {
		result := types.ClusterPowerOnVmResult{}
		for _, vm := range machines {
			if _, err := machineOf(c.Ctx.Map, vm); err != nil {
				result.NotAttempted = append(result.NotAttempted, types.ClusterNotAttemptedVmInfo{Vm: vm, Fault: *asFault(err).Localized()})
				continue
			}
			one := *c
			one.This, one.Method = vm, "PowerOnVM_Task"
			one.failTask, one.taskDelay, one.turn = nil, nil, nil
			task := one.powerTask((*Call).powerOn)
			result.Attempted = append(result.Attempted, types.ClusterAttemptedVmInfo{Vm: vm, Task: &task})
		}
		return result, nil
	})
	return &types.PowerOnMultiVM_TaskResponse{Returnval: ref}, nil
}
