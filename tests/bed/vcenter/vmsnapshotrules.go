package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What can be kept in a snapshot, and what a snapshot forbids.

// maxSnapshotDepth is the longest chain of snapshots. Documented: configuration maximums.
const maxSnapshotDepth = 32

// checkSnapshot refuses what cannot be kept.
//
// Documented: InvalidState while the configuration is out of reach, InvalidName,
// SnapshotLocked for a locked tree, TooManySnapshotLevels, SnapshotNoChange for a
// suspended machine that has not changed since its last snapshot,
// MemorySnapshotOnIndependentDisk, SnapshotIncompatibleDeviceInVm for a shared bus.
// Observed (jetbrains-infra/packer-builder-vsphere pull 17): a template takes no
// snapshot. Inferred: that is NotSupported, and an invalid name is an empty one or
// one that is too long for an entity.
func (c *Call) checkSnapshot(vm *simulator.VirtualMachine, asked snapshotRequest) error {
	if err := available(vm); err != nil {
		return err
	}
	if vm.Config.Template {
		return NewFault(&types.NotSupported{})
	}
	if err := checkName(escapeName(asked.name)); err != nil {
		return err
	}
	if err := checkSnapshotLock(vm); err != nil {
		return err
	}
	if vm.Snapshot != nil &&
		snapshotLevel(vm.Snapshot.RootSnapshotList, vm.Snapshot.CurrentSnapshot) >= c.Twin.inventory.rules.SnapshotDepth {
		return Faultf(&types.TooManySnapshotLevels{}, "Snapshot hierarchy is too deep.")
	}
	if vm.Runtime.PowerState == suspended && c.Twin.inventory.snapshotsOf(vm.Self).version == vm.Config.ChangeVersion {
		return Faultf(&types.SnapshotNoChange{}, "Snapshot not taken since the state of the virtual machine has not changed since the last snapshot operation.")
	}
	if bus := sharedBus(vm.Config); bus != "" {
		fault := NewFault(&types.SharedBusControllerNotSupported{DeviceNotSupported: types.DeviceNotSupported{Device: bus}})
		return Faultf(&types.SnapshotIncompatibleDeviceInVm{Fault: *fault.Localized()},
			"Detected an incompatible device in the virtual machine for snapshots: %s.", bus)
	}
	if vm.Runtime.PowerState == suspended || vm.Runtime.PowerState == poweredOn && asked.memory {
		for _, disk := range disksOf(vm.Config) {
			if isIndependent(backingOf(disk)) {
				return Faultf(&types.MemorySnapshotOnIndependentDisk{}, "Cannot take a memory snapshot, since the virtual machine is configured with independent disks.")
			}
		}
	}
	return nil
}

// checkSnapshotLock models VirtualMachineFlagInfo.snapshotLocked. Documented:
// SnapshotLocked, "an attempt to create or delete a snapshot on a virtual machine
// that has its snapshot locked".
func checkSnapshotLock(vm *simulator.VirtualMachine) error {
	if isTrue(vm.Config.Flags.SnapshotLocked) {
		return Faultf(&types.SnapshotLocked{}, "The snapshots of the virtual machine are locked.")
	}
	return nil
}

// sharedBus names a controller whose bus other machines share, or "".
func sharedBus(config *types.VirtualMachineConfigInfo) string {
	for _, device := range config.Hardware.Device {
		if scsi, ok := device.(types.BaseVirtualSCSIController); ok {
			sharing := scsi.GetVirtualSCSIController().SharedBus
			if sharing != "" && sharing != types.VirtualSCSISharingNoSharing {
				return device.GetVirtualDevice().DeviceInfo.GetDescription().Label
			}
		}
	}
	return ""
}

// checkDiskEdit refuses what a disk with parents, or any disk of a machine with
// snapshots, cannot take.
//
// Observed (cluster-api-provider-vsphere issue 1189): a disk with parents does not
// grow, "Invalid operation for device '0'. Disks with parents cannot be expanded."
// Documented: DisallowedDiskModeChange, the mode "cannot be changed as long as a
// virtual machine has an existing snapshot".
func (d *draft) checkDiskEdit(index int, current, asked *types.VirtualDisk) error {
	was, wants := backingOf(current), backingOf(asked)
	if was == nil {
		return nil
	}
	if wants != nil && !isDiskMode(wants.DiskMode) {
		return invalidBacking(index)
	}
	if was.Parent != nil && asked.CapacityInBytes > current.CapacityInBytes {
		return Faultf(&types.InvalidDeviceOperation{
			InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)}, BadOp: types.VirtualDeviceConfigSpecOperationEdit,
		}, "Invalid operation for device '%d'. Disks with parents cannot be expanded.", index)
	}
	if wants != nil && wants.DiskMode != "" && wants.DiskMode != was.DiskMode && d.vm != nil && d.vm.Snapshot != nil {
		return Faultf(&types.DisallowedDiskModeChange{InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)}},
			"The disk mode of device '%d' cannot be changed while the virtual machine has snapshots.", index)
	}
	return nil
}
