package main

import (
	"reflect"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// reconfigureMachine models ReconfigVM_Task. The order of checks is changeVersion,
// template, power, values (inferred from the faults that traces show first).
func reconfigureMachine(c *Call, req any) (any, error) {
	spec := &req.(*types.ReconfigVM_Task).Spec
	vm, err := machineOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	if !c.Twin.inventory.rules.ConcurrentAccessInTask {
		if err := checkChangeVersion(vm, spec); err != nil {
			return nil, err
		}
	}
	ref := c.machineTask(func(tc *TaskContext) (any, error) {
		return nil, tc.reconfigureMachine(c.This, spec)
	})
	return &types.ReconfigVM_TaskResponse{Returnval: ref}, nil
}

func (c *Call) reconfigureMachine(ref types.ManagedObjectReference, spec *types.VirtualMachineConfigSpec) error {
	vm, err := machineOf(c.Ctx.Map, ref)
	if err != nil {
		return err
	}
	if err := available(vm); err != nil {
		return err
	}
	if err := checkChangeVersion(vm, spec); err != nil {
		return err
	}
	if err := checkTemplate(vm, spec); err != nil {
		return err
	}
	d, err := c.draftOf(vm)
	if err != nil {
		return err
	}
	asked := cloneValue(spec)
	version := vm.Config.Version
	if c.Twin.inventory.rules.ReconfigureTakesVersion {
		version = orDefault(asked.Version, version)
	}
	dropUnsupported(version, asked)
	if err := checkPower(vm.Config, vm.Runtime.PowerState, asked); err != nil {
		return err
	}
	if err := d.apply(asked); err != nil {
		return err
	}
	if err := d.checkPorts(); err != nil {
		return err
	}
	if !c.Twin.inventory.rules.NoOpBumpsConfigVersion && reflect.DeepEqual(vm.Config, d.config) {
		return nil
	}
	before := vm.Config
	d.commit()
	c.postMachineReconfigured(vm, spec, before)
	c.reportConflicts(vm, before, spec.InstanceUuid)
	return nil
}

// draftOf starts a draft of an existing machine.
func (c *Call) draftOf(vm *simulator.VirtualMachine) (*draft, error) {
	host, ok := c.Ctx.Map.Get(*vm.Runtime.Host).(*simulator.HostSystem)
	if !ok {
		return nil, notFound(*vm.Runtime.Host)
	}
	d := &draft{call: c, vm: vm, config: cloneValue(vm.Config), host: host}
	if folder, err := folderOf(c.Ctx.Map, *vm.Parent); err == nil {
		d.folder = folder // a machine in a vApp has no folder of its own
	}
	return d, nil
}

// checkChangeVersion fences a reconfigure.
//
// Documented: with changeVersion set the changes are applied only if it equals
// the current one, else ConcurrentAccess. Observed (vmware/vic issues 6929 and
// 6642): the task begins and then fails.
func checkChangeVersion(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) error {
	if spec.ChangeVersion != "" && vm.Config != nil && spec.ChangeVersion != vm.Config.ChangeVersion {
		return NewFault(&types.ConcurrentAccess{})
	}
	return nil
}

// checkTemplate protects templates.
//
// Documented: only name and annotation of a template may change. Observed: even
// an empty sub-object in the spec is NotSupported (govmomi issue 1430).
func checkTemplate(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) error {
	if !vm.Config.Template {
		return nil
	}
	allowed := types.VirtualMachineConfigSpec{Name: spec.Name, Annotation: spec.Annotation, ChangeVersion: spec.ChangeVersion}
	if !reflect.DeepEqual(*spec, allowed) {
		return NewFault(&types.NotSupported{})
	}
	return nil
}

// renameMachine models Rename_Task on a machine. Documented: DuplicateName and
// InvalidName, allowed on a template and while on; InvalidState while it is not connected.
func renameMachine(c *Call, req any) (any, error) {
	name := req.(*types.Rename_Task).NewName
	ref := c.availableMachineTask(func(tc *TaskContext, vm *simulator.VirtualMachine) error {
		if err := checkName(escapeName(name)); err != nil {
			return err
		}
		d, err := tc.draftOf(vm)
		if err != nil {
			return err
		}
		if err := d.applyName(name); err != nil {
			return err
		}
		was := vm.Name
		d.commit()
		tc.Twin.postRenamed(vm.Self, was, vm.Name, tc.User, tc.chain)
		return nil
	})
	return &types.Rename_TaskResponse{Returnval: ref}, nil
}
