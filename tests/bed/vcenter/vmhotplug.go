package main

import (
	"github.com/vmware/govmomi/vim25/types"
)

// What can be plugged into a machine that is not off: CPUs, memory, devices; and what
// of a device may change there. Other settings have their rules in vmpowerrules.go.

const (
	// hotPlugFactor bounds the memory of a running machine by what it started with.
	// Documented: VMware KB 2020846, sixteen times.
	hotPlugFactor = 16
	// hotPlugIncrement is the step of its growth in MB. That there is one is documented
	// (VirtualMachineConfigInfo.hotPlugMemoryIncrementSize), its size is inferred.
	hotPlugIncrement = 128
)

// showHotPlug tells how the memory of a machine that starts can grow, or of one that
// ends that it cannot. Documented (VirtualMachineConfigInfo.hotPlugMemoryLimit,
// .hotPlugMemoryIncrementSize): only with memory hot add; observed (ManageIQ's
// inventory collector): both change with the power state.
func showHotPlug(config *types.VirtualMachineConfigInfo, running bool) {
	config.HotPlugMemoryLimit, config.HotPlugMemoryIncrementSize = 0, 0
	if running && isTrue(config.MemoryHotAddEnabled) {
		config.HotPlugMemoryLimit = int64(config.Hardware.MemoryMB) * hotPlugFactor
		config.HotPlugMemoryIncrementSize = hotPlugIncrement
	}
}

// cpuPlugFault is what a running machine says to another number of CPUs.
//
// Documented: CpuHotPlugNotSupported; hot add and VBS exclude each other (security
// guide of 6.7; KB 52584). Observed: shrinking in spite of hot add on 8.0.3
// (terraform-provider-vsphere issue 2337). That VBS is refused here, and not where it
// is set, is inferred from VMware's tests, which skip hot add for guests with VBS
// (ansible-vsphere-gos-validation issue 144).
func cpuPlugFault(c *types.VirtualMachineConfigInfo, s *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	up := s.NumCPUs > c.Hardware.NumCPU
	if !isTrue(c.Flags.VbsEnabled) && (up && isTrue(c.CpuHotAddEnabled) || !up && isTrue(c.CpuHotRemoveEnabled)) {
		return nil
	}
	return &types.CpuHotPlugNotSupported{}
}

// memoryPlugFault is what a running machine says to another amount of memory.
//
// Documented: MemoryHotPlugNotSupported; no more than hotPlugMemoryLimit, in steps of
// hotPlugMemoryIncrementSize. Observed (terraform-provider-vsphere issues 255 and 1352,
// of a limit that Linux has): the server refuses more, "Invalid virtual machine
// configuration", which are the words of InvalidVmConfig; VBS as for CPUs.
func memoryPlugFault(c *types.VirtualMachineConfigInfo, s *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	step, limit := max(c.HotPlugMemoryIncrementSize, 1), c.HotPlugMemoryLimit
	switch {
	case s.MemoryMB < int64(c.Hardware.MemoryMB), !isTrue(c.MemoryHotAddEnabled), isTrue(c.Flags.VbsEnabled):
		return &types.MemoryHotPlugNotSupported{}
	case s.MemoryMB%step != 0, limit > 0 && s.MemoryMB > limit:
		return &types.InvalidVmConfig{Property: "configSpec.memoryMB"}
	}
	return nil
}

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
