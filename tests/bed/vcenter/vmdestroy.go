package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The end of a machine, and its life as a template.

// destroyMachine models Destroy_Task. Documented: InvalidPowerState while it is
// on, in the task; the files go too, so InvalidState while they are out of reach.
func destroyMachine(c *Call, _ any) (any, error) {
	ref := c.availableMachineTask(func(tc *TaskContext, _ *simulator.VirtualMachine) error {
		return tc.removeMachine(c.This)
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}

// unregisterMachine models UnregisterVM, which is no task: its faults are
// synchronous. Documented: InvalidPowerState while it is on. Inferred: one that is
// out of reach can be taken out of the inventory all the same.
func unregisterMachine(c *Call, _ any) (any, error) {
	kept := c.storeMachine(c.This)
	if err := c.removeMachine(c.This); err != nil {
		return nil, err
	}
	c.keepFiles(kept)
	return &types.UnregisterVMResponse{}, nil
}

// keepFiles leaves the files of a machine that went on their datastore.
func (c *Call) keepFiles(kept *storedMachine) {
	if kept != nil {
		c.Twin.inventory.stored[kept.config.Files.VmPathName] = kept
	}
}

func (c *Call) removeMachine(ref types.ManagedObjectReference) error {
	vm, err := machineOf(c.Ctx.Map, ref)
	if err != nil {
		return err
	}
	if vm.Runtime.ConnectionState == types.VirtualMachineConnectionStateConnected && vm.Runtime.PowerState == poweredOn {
		return invalidPowerState(poweredOff, poweredOn)
	}
	c.post(&types.VmRemovedEvent{VmEvent: c.machineEvent(vm)})
	c.Twin.unlinkMachine(c.Ctx, vm)
	return nil
}

// markAsTemplate models MarkAsTemplate. Documented: InvalidPowerState unless it
// is off, NotSupported for a template; a template is in no resource pool.
func markAsTemplate(c *Call, _ any) (any, error) {
	vm, err := machineOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	if err := available(vm); err != nil {
		return nil, err
	}
	switch {
	case vm.Config.Template:
		return nil, NewFault(&types.NotSupported{})
	case vm.Runtime.PowerState != poweredOff:
		return nil, invalidPowerState(poweredOff, vm.Runtime.PowerState)
	}
	if pool := poolOf(c.Ctx.Map, vm.ResourcePool); pool != nil {
		simulator.RemoveReference(&pool.Vm, vm.Self)
		c.Twin.Touch(pool.Self)
	}
	vm.ResourcePool = nil
	c.setTemplate(vm, true)
	return &types.MarkAsTemplateResponse{}, nil
}

// markAsMachine models MarkAsVirtualMachine. Documented: the pool is required, a
// host is optional; NotSupported unless it is a template.
func markAsMachine(c *Call, req any) (any, error) {
	r := req.(*types.MarkAsVirtualMachine)
	vm, err := machineOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	if err := available(vm); err != nil {
		return nil, err
	}
	pool := poolOf(c.Ctx.Map, &r.Pool)
	switch {
	case !vm.Config.Template:
		return nil, NewFault(&types.NotSupported{})
	case pool == nil:
		return nil, notFound(r.Pool)
	}
	if r.Host != nil {
		if _, ok := c.Ctx.Map.Get(*r.Host).(*simulator.HostSystem); !ok {
			return nil, notFound(*r.Host)
		}
		c.Twin.moveToHost(vm, *r.Host)
	}
	vm.ResourcePool = &r.Pool
	pool.Vm = append(pool.Vm, vm.Self)
	c.Twin.Touch(pool.Self)
	c.setTemplate(vm, false)
	return &types.MarkAsVirtualMachineResponse{}, nil
}

func (c *Call) setTemplate(vm *simulator.VirtualMachine, template bool) {
	config := cloneValue(vm.Config)
	config.Template = template
	c.Twin.stampConfig(config)
	vm.Config = config
	c.Twin.refresh(vm)
}
