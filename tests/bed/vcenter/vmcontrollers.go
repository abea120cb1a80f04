package main

import (
	"github.com/vmware/govmomi/vim25/types"
)

// Controllers: how many a machine may have, and which units a device may take on one.

// slots is what a controller offers.
type slots struct {
	units    int32
	reserved int32 // the controller's own unit; -1: none
}

// slotsOf tells the units of a controller.
//
// Documented ("Configuration maximums", SCSI, SATA, NVMe and IDE controllers of the
// administration guide): 16 targets on a SCSI controller, 64 on a paravirtual one from
// vmx-14 on, one of them the controller itself (VirtualSCSIController.scsiCtlrUnitNumber,
// unit 7); 30 on SATA; 15 on NVMe, 64 from vmx-21 on; 2 on IDE. Of other controllers no
// limit is modelled.
func slotsOf(controller types.BaseVirtualController, hardware string) slots {
	version := hardwareNumber(hardware)
	switch controller.(type) {
	case *types.ParaVirtualSCSIController:
		if version >= 14 {
			return slots{64, scsiControllerUnit}
		}
		return slots{16, scsiControllerUnit}
	case types.BaseVirtualSCSIController:
		return slots{16, scsiControllerUnit}
	case types.BaseVirtualSATAController:
		return slots{30, -1}
	case *types.VirtualNVMEController:
		if version >= 21 {
			return slots{64, -1}
		}
		return slots{15, -1}
	case *types.VirtualIDEController:
		return slots{2, -1}
	}
	return slots{1 << 30, -1}
}

func (s slots) has(unit int32) bool { return unit >= 0 && unit < s.units && unit != s.reserved }

// mostOf is how many devices of a kind a machine may have. Documented
// ("Configuration maximums", ESXi 8): 4 SCSI, 4 SATA and 4 NVMe controllers, 10 NICs.
func mostOf(device types.BaseVirtualDevice) int {
	switch device.(type) {
	case types.BaseVirtualSCSIController, types.BaseVirtualSATAController, *types.VirtualNVMEController:
		return 4
	case types.BaseVirtualEthernetCard:
		return 10
	}
	return 1 << 30
}

// checkCount refuses one device too many. Inferred: TooManyDevices, which is documented
// for a controller.
func (d *draft) checkCount(device types.BaseVirtualDevice) error {
	first, n := kindOf(device).firstKey, 0
	for _, other := range d.config.Hardware.Device {
		if kindOf(other).firstKey == first {
			n++
		}
	}
	if n >= mostOf(device) {
		return NewFault(&types.TooManyDevices{InvalidVmConfig: types.InvalidVmConfig{Property: "configSpec.deviceChange"}})
	}
	return nil
}

// place finds the controller and the unit of a new device.
//
// Documented: MissingController for a disk or drive without a controller key,
// InvalidController for a key that is no controller, TooManyDevices for a controller
// that is full; an unset or negative unitNumber is chosen by the server. Observed
// (govmomi): InvalidDeviceSpec for a unit that is taken; the same for one that the
// controller does not have is inferred.
func (d *draft) place(index int, device types.BaseVirtualDevice, keys map[int32]int32) error {
	base := device.GetVirtualDevice()
	kind := kindOf(device)
	if kind.parent == nil {
		return nil // a controller on the mainboard
	}
	mapped, renamed := keys[base.ControllerKey]
	if renamed {
		base.ControllerKey = mapped
	}
	_, nic := device.(types.BaseVirtualEthernetCard)
	if base.ControllerKey == 0 {
		if needsController(device) {
			return Faultf(&types.MissingController{InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)}},
				"The device '%d' is referring to a nonexisting controller '0'.", index)
		}
		base.ControllerKey = d.defaultController(kind)
	}
	at := d.indexOf(base.ControllerKey)
	if at < 0 {
		return d.noController(index, base.ControllerKey)
	}
	controller, ok := d.config.Hardware.Device[at].(types.BaseVirtualController)
	if !ok {
		return d.noController(index, base.ControllerKey)
	}
	used := d.unitsOn(base.ControllerKey)
	offered := slotsOf(controller, d.config.Version)
	if base.UnitNumber != nil && *base.UnitNumber >= 0 {
		free := !used[*base.UnitNumber]
		switch {
		case free && offered.has(*base.UnitNumber):
			return nil
		case !nic: // Observed: clients number NICs as they like, the server renumbers
			return invalidDevice(index)
		}
	}
	for unit := kind.firstUnit; unit < offered.units; unit++ {
		if !used[unit] && offered.has(unit) {
			base.UnitNumber = types.NewInt32(unit)
			return nil
		}
	}
	return NewFault(&types.TooManyDevices{InvalidVmConfig: types.InvalidVmConfig{Property: "configSpec.deviceChange"}})
}

func (d *draft) noController(index int, key int32) error {
	return Faultf(&types.InvalidController{InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)}, ControllerKey: key},
		"The device '%d' is referring to a nonexisting controller '%d'.", index, key)
}

// needsController tells which devices have to name their controller. Documented
// (MissingController): "such as a disk or CD-ROM device".
func needsController(device types.BaseVirtualDevice) bool {
	switch device.(type) {
	case *types.VirtualDisk, *types.VirtualCdrom:
		return true
	}
	return false
}

func (d *draft) unitsOn(controller int32) map[int32]bool {
	used := map[int32]bool{}
	for _, other := range d.config.Hardware.Device {
		o := other.GetVirtualDevice()
		if o.ControllerKey == controller && o.UnitNumber != nil {
			used[*o.UnitNumber] = true
		}
	}
	return used
}
