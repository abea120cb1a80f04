package main

import (
	"github.com/vmware/govmomi/vim25/types"
)

// What can be plugged into a machine that is not off, and what of a device may change
// there. CPUs and memory have their rules in vmpowerrules.go.

// power is the state of the machine that a draft is of; what does not exist yet is off.
func (d *draft) power() types.VirtualMachinePowerState {
	if d.vm == nil {
		return poweredOff
	}
	return d.vm.Runtime.PowerState
}

// checkHotPlug refuses to add or remove a device that needs the machine to be off.
//
// Documented (DeviceHotPlugNotSupported): "cannot be hot-added or hot-removed from the
// virtual machine at this time". Which devices: observed for IDE (VMware's
// ansible-vsphere-gos-validation issue 143; pull request 73 for what can be added);
// documented for the others ("power off the virtual machine" in the administration
// guide, adding serial ports, a vTPM, passthrough devices). Inferred: floppy and
// parallel ports are like serial ones, and a suspended machine takes and gives nothing.
func (d *draft) checkHotPlug(index int, device types.BaseVirtualDevice) error {
	switch d.power() {
	case poweredOff:
		return nil
	case suspended:
		return invalidPowerState(poweredOff, suspended)
	}
	cold := false
	switch device.(type) {
	case *types.VirtualIDEController, *types.VirtualFloppy, *types.VirtualSerialPort, *types.VirtualParallelPort,
		*types.VirtualTPM, *types.VirtualPCIPassthrough:
		cold = true
	}
	if at := d.indexOf(device.GetVirtualDevice().ControllerKey); at >= 0 {
		_, ide := d.config.Hardware.Device[at].(*types.VirtualIDEController)
		cold = cold || ide
	}
	if cold {
		return Faultf(&types.DeviceHotPlugNotSupported{InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)}},
			"Device '%d' cannot be added or removed while the virtual machine is on.", index)
	}
	return nil
}

// checkColdEdit refuses an edit that needs the machine to be off.
//
// Documented ("power off the virtual machine"): a static MAC address (networking
// guide), the mode of a disk and the bus sharing of a controller (administration
// guide). Inferred: another place on a controller, and that the fault is the one that
// ReconfigVM_Task documents for what running hardware cannot take.
func (d *draft) checkColdEdit(current, next types.BaseVirtualDevice) error {
	if d.power() != poweredOff && coldEdit(current, next) {
		return invalidPowerState(poweredOff, d.power())
	}
	return nil
}

func coldEdit(current, next types.BaseVirtualDevice) bool {
	switch is := next.(type) {
	case types.BaseVirtualEthernetCard:
		return readdressed(next, current)
	case *types.VirtualDisk:
		was, now := backingOf(current.(*types.VirtualDisk)), backingOf(is)
		if was != nil && now != nil && now.DiskMode != was.DiskMode {
			return true
		}
	case types.BaseVirtualSCSIController:
		return is.GetVirtualSCSIController().SharedBus != current.(types.BaseVirtualSCSIController).GetVirtualSCSIController().SharedBus
	}
	return moved(current, next)
}

// moved tells whether an edit puts a device elsewhere.
func moved(current, next types.BaseVirtualDevice) bool {
	was, is := current.GetVirtualDevice(), next.GetVirtualDevice()
	sameUnit := was.UnitNumber == is.UnitNumber || was.UnitNumber != nil && is.UnitNumber != nil && *was.UnitNumber == *is.UnitNumber
	return was.ControllerKey != is.ControllerKey || !sameUnit
}

// moveDevice puts an edited disk or drive on the controller and unit that it asks for.
//
// Observed (PowerCLI, Set-HardDisk -Controller, which is such an edit): a disk moves to
// another controller. Without a unit the server chooses one, as for a new device.
func (d *draft) moveDevice(index int, current, next types.BaseVirtualDevice, asked *types.VirtualDevice, keys map[int32]int32) error {
	was, is := current.GetVirtualDevice(), next.GetVirtualDevice()
	if asked.ControllerKey != 0 && asked.UnitNumber == nil {
		is.UnitNumber = nil
	}
	if err := d.place(index, next, keys); err != nil {
		return err
	}
	if was.ControllerKey == is.ControllerKey {
		return nil
	}
	if parent := d.controllerOf(was); parent != nil {
		parent.Device = without(parent.Device, was.Key)
	}
	if parent := d.controllerOf(is); parent != nil {
		parent.Device = append(parent.Device, is.Key)
	}
	return nil
}
