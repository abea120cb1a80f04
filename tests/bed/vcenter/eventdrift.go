package main

import (
	"reflect"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// A drift of the control API leaves the events that the same change made by the rules
// would leave, in the name of the user it stands for. Nobody sent a spec, so configSpec
// is empty and configChanges says everything.

// postDrift tells of the difference between an object before a drift and now.
func (t *Twin) postDrift(ref types.ManagedObjectReference, user string, before reflect.Value) {
	user = displayUser(user)
	about := t.eventAbout(ref)
	switch was := before.Interface().(type) {
	case mo.VirtualMachine:
		if vm, ok := t.registry().Get(ref).(*simulator.VirtualMachine); ok {
			t.postMachineDrift(types.VmEvent{Event: about}, &was, vm, user)
		}
	case mo.DistributedVirtualPortgroup:
		pg := portgroupOf(t.registry(), ref)
		if pg == nil {
			return
		}
		t.postRenamed(ref, was.Config.Name, pg.Config.Name, user, 0)
		if changes := configChanges(&was.Config, &pg.Config); changed(changes) {
			t.record(&types.DVPortgroupReconfiguredEvent{
				DVPortgroupEvent: types.DVPortgroupEvent{Event: about}, ConfigChanges: changes,
			}, user, 0)
		}
	case mo.DistributedVirtualSwitch:
		dvs, err := switchOf(t.registry(), ref)
		if err != nil {
			return
		}
		t.postRenamed(ref, was.Name, dvs.Name, user, 0)
		if changes := configChanges(was.Config, dvs.Config); changed(changes) {
			t.record(&types.DvsReconfiguredEvent{
				DvsEvent: types.DvsEvent{Event: about}, ConfigSpec: &types.VMwareDVSConfigSpec{}, ConfigChanges: changes,
			}, user, 0)
		}
	}
}

func (t *Twin) postMachineDrift(about types.VmEvent, was *mo.VirtualMachine, vm *simulator.VirtualMachine, user string) {
	t.postRenamed(vm.Self, was.Name, vm.Name, user, 0)
	if vm.Config != nil {
		about.Template = vm.Config.Template
	}
	if changes := configChanges(was.Config, vm.Config); changed(changes) {
		t.record(&types.VmReconfiguredEvent{VmEvent: about, ConfigChanges: changes}, user, 0)
	}
	if was.Runtime.PowerState == vm.Runtime.PowerState {
		return
	}
	switch vm.Runtime.PowerState {
	case types.VirtualMachinePowerStatePoweredOn:
		t.record(&types.VmPoweredOnEvent{VmEvent: about}, user, 0)
	case types.VirtualMachinePowerStatePoweredOff:
		t.record(&types.VmPoweredOffEvent{VmEvent: about}, user, 0)
	case types.VirtualMachinePowerStateSuspended:
		t.record(&types.VmSuspendedEvent{VmEvent: about}, user, 0)
	}
}

func changed(changes *types.ChangesInfoEventArgument) bool {
	return changes.Modified != "" || changes.Added != "" || changes.Deleted != ""
}
