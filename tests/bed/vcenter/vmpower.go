package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Power operations. All faults come out of the task.

const (
	poweredOn  = types.VirtualMachinePowerStatePoweredOn
	poweredOff = types.VirtualMachinePowerStatePoweredOff
	suspended  = types.VirtualMachinePowerStateSuspended
)

// powerTask runs a power operation in a task.
func (c *Call) powerTask(operation func(*Call, *simulator.VirtualMachine) error) types.ManagedObjectReference {
	return c.machineTask(func(tc *TaskContext) (any, error) {
		vm, err := machineOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if err := available(vm); err != nil {
			return nil, err
		}
		// Documented: power operations on a template are NotSupported.
		if vm.Config.Template {
			return nil, NewFault(&types.NotSupported{})
		}
		if tc.Method == "PowerOnVM_Task" && vm.Runtime.PowerState != poweredOn {
			if err := tc.askQuestion(vm); err != nil {
				return nil, err
			}
			if err := available(vm); err != nil { // somebody may have lost it meanwhile
				return nil, err
			}
		}
		return nil, operation(tc.Call, vm)
	})
}

func powerOnMachine(c *Call, req any) (any, error) {
	if host := req.(*types.PowerOnVM_Task).Host; host != nil && c.Ctx.Map.Get(*host) == nil {
		return nil, notFound(*host)
	}
	return &types.PowerOnVM_TaskResponse{Returnval: c.powerTask((*Call).powerOn)}, nil
}

func powerOffMachine(c *Call, _ any) (any, error) {
	return &types.PowerOffVM_TaskResponse{Returnval: c.powerTask((*Call).powerOff)}, nil
}

func suspendMachine(c *Call, _ any) (any, error) {
	return &types.SuspendVM_TaskResponse{Returnval: c.powerTask((*Call).suspend)}, nil
}

func resetMachine(c *Call, _ any) (any, error) {
	return &types.ResetVM_TaskResponse{Returnval: c.powerTask((*Call).reset)}, nil
}

// powerOn models PowerOnVM_Task.
//
// Documented: InvalidPowerState when it is on already. Observed (vmware/vic pull
// 2510): powering on changes config.changeVersion.
func (c *Call) powerOn(vm *simulator.VirtualMachine) error {
	if vm.Runtime.PowerState == poweredOn {
		return invalidPowerState(poweredOn, poweredOn)
	}
	if err := c.Twin.checkPowerOnHost(c.Ctx.Map.Get(*vm.Runtime.Host).(*simulator.HostSystem), vm); err != nil {
		return err
	}
	if err := checkStaticMACs(vm.Config); err != nil {
		return err
	}
	config := cloneValue(vm.Config)
	for _, device := range config.Hardware.Device {
		if connect := device.GetVirtualDevice().Connectable; connect != nil {
			connect.Connected = connect.StartConnected
		}
	}
	c.Twin.switchEphemeral(c.Ctx.Map, vm.Self, config, true)
	now := c.Twin.now()
	vm.Runtime.BootTime = &now
	c.Twin.setPower(vm, config, poweredOn)
	c.post(&types.VmPoweredOnEvent{VmEvent: c.machineEvent(vm)})
	c.Twin.bootGuest(vm)
	return nil
}

// checkPowerOnHost makes sure that the host can run the machine.
//
// Documented: InvalidState for a host in maintenance mode, or entering it. Inferred: a
// disconnected host is HostNotConnected, and nested HV without the host's
// capability fails here and not at the reconfigure, with the host's words.
func (t *Twin) checkPowerOnHost(host *simulator.HostSystem, vm *simulator.VirtualMachine) error {
	if err := hostAnswers(host); err != nil {
		return err
	}
	switch {
	case !t.inService(host):
		return NewFault(&types.InvalidState{})
	case isTrue(vm.Config.NestedHVEnabled) && (host.Capability == nil || !host.Capability.NestedHVSupported):
		const reason = "Virtualized Intel VT-x/EPT is not supported on this platform."
		return Faultf(&types.GenericVmConfigFault{Reason: reason}, "%s Module 'HV' power on failed. Failed to start the virtual machine.", reason)
	}
	return t.checkHostCPUs(host, vm.Config)
}

// powerOff models PowerOffVM_Task. Documented: InvalidPowerState unless the
// machine is on or suspended.
func (c *Call) powerOff(vm *simulator.VirtualMachine) error {
	if vm.Runtime.PowerState == poweredOff {
		return invalidPowerState(poweredOff, poweredOff)
	}
	c.Twin.stopMachine(c.Ctx.Map, vm)
	c.post(&types.VmPoweredOffEvent{VmEvent: c.machineEvent(vm)})
	return nil
}

// stopMachine takes a machine to powered off, whoever asked for it.
func (t *Twin) stopMachine(r *simulator.Registry, vm *simulator.VirtualMachine) {
	config := cloneValue(vm.Config)
	disconnectDevices(config)
	t.switchEphemeral(r, vm.Self, config, false)
	vm.Runtime.BootTime = nil
	t.endGuest(vm)
	t.setPower(vm, config, poweredOff)
}

// suspend models SuspendVM_Task. Documented: InvalidPowerState unless it is on.
func (c *Call) suspend(vm *simulator.VirtualMachine) error {
	if vm.Runtime.PowerState != poweredOn {
		return invalidPowerState(poweredOn, vm.Runtime.PowerState)
	}
	config := cloneValue(vm.Config)
	disconnectDevices(config)
	now := c.Twin.now()
	vm.Runtime.SuspendTime = &now
	c.Twin.endGuest(vm)
	c.Twin.setPower(vm, config, suspended)
	c.post(&types.VmSuspendedEvent{VmEvent: c.machineEvent(vm)})
	return nil
}

// reset models ResetVM_Task. Documented: InvalidPowerState unless it is on; the
// machine starts over and stays powered on all the time.
func (c *Call) reset(vm *simulator.VirtualMachine) error {
	if vm.Runtime.PowerState != poweredOn {
		return invalidPowerState(poweredOn, vm.Runtime.PowerState)
	}
	c.Twin.endGuest(vm)
	now := c.Twin.now()
	vm.Runtime.BootTime = &now
	c.Twin.refresh(vm)
	c.post(&types.VmResettingEvent{VmEvent: c.machineEvent(vm)})
	c.Twin.bootGuest(vm)
	return nil
}

func disconnectDevices(config *types.VirtualMachineConfigInfo) {
	for _, device := range config.Hardware.Device {
		if connect := device.GetVirtualDevice().Connectable; connect != nil {
			connect.Connected = false
		}
	}
}

// setPower puts a power state and the device states that go with it in force.
func (t *Twin) setPower(vm *simulator.VirtualMachine, config *types.VirtualMachineConfigInfo, state types.VirtualMachinePowerState) {
	if state == poweredOff || vm.Runtime.PowerState == poweredOff {
		showHotPlug(config, state != poweredOff)
	}
	t.stampConfig(config)
	vm.Config = config
	vm.Runtime.PowerState = state
	t.refresh(vm)
}
