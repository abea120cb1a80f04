package main

import (
	"reflect"
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// Devices of a draft: add, edit and remove. Documented, on
// VirtualDeviceConfigSpec: a device that is added has a key that is unique within
// the spec (negative by convention) and is given its real key by the server; an
// edit or removal names an existing key; InvalidDeviceSpec carries the index.

// changeDevices applies the changes of a spec, in an order in which what hangs together
// fits (inferred): controllers come before what is plugged into them, and go after it.
func (d *draft) changeDevices(changes []types.BaseVirtualDeviceConfigSpec) error {
	keys := map[int32]int32{} // from keys of the spec to real ones
	const controllersCome, others, controllersGo = 0, 1, 2
	for _, round := range []int{controllersCome, others, controllersGo} {
		for i, change := range changes {
			spec := change.GetVirtualDeviceConfigSpec()
			if spec.Device == nil {
				return invalidDevice(i)
			}
			when := others
			if _, is := spec.Device.(types.BaseVirtualController); is {
				when = controllersCome
				if spec.Operation == types.VirtualDeviceConfigSpecOperationRemove {
					when = controllersGo
				}
			}
			if when != round {
				continue
			}
			if err := d.changeDevice(i, spec, keys); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *draft) changeDevice(index int, spec *types.VirtualDeviceConfigSpec, keys map[int32]int32) error {
	switch spec.Operation {
	case types.VirtualDeviceConfigSpecOperationAdd:
		return d.addDevice(index, spec, keys)
	case types.VirtualDeviceConfigSpecOperationEdit:
		return d.editDevice(index, spec, keys)
	case types.VirtualDeviceConfigSpecOperationRemove:
		return d.removeDevice(index, spec)
	}
	return invalidDevice(index)
}

func invalidDevice(index int) *Fault {
	return Faultf(&types.InvalidDeviceSpec{DeviceIndex: int32(index)}, "Invalid configuration for device '%d'.", index)
}

func invalidBacking(index int) *Fault {
	return Faultf(&types.InvalidDeviceBacking{InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)}},
		"Invalid configuration for device '%d'.", index)
}

func (d *draft) addDevice(index int, spec *types.VirtualDeviceConfigSpec, keys map[int32]int32) error {
	device := cloneValue(spec.Device)
	base := device.GetVirtualDevice()
	asked := base.Key
	if err := d.checkCount(device); err != nil {
		return err
	}
	if controller, is := device.(types.BaseVirtualController); is {
		controller.GetVirtualController().Device = nil
		if bus := &controller.GetVirtualController().BusNumber; d.busTaken(device, *bus) {
			*bus = d.freeBus(device)
		}
	}
	base.Key = d.freeKey(device)
	if err := d.place(index, device, keys); err != nil {
		return err
	}
	if err := d.checkHotPlug(index, device); err != nil {
		return err
	}
	if _, is := device.(types.BaseVirtualController); is {
		keys[asked] = base.Key // not those of others: an unset key is 0, and so is an unset controller
	}
	if err := d.complete(index, device, spec); err != nil {
		return err
	}
	base.DeviceInfo = d.describe(device)
	d.config.Hardware.Device = append(d.config.Hardware.Device, device)
	if parent := d.controllerOf(base); parent != nil {
		parent.Device = append(parent.Device, base.Key)
	}
	return nil
}

// complete fills in what the server decides about a new device.
func (d *draft) complete(index int, device types.BaseVirtualDevice, spec *types.VirtualDeviceConfigSpec) error {
	switch dev := device.(type) {
	case types.BaseVirtualEthernetCard:
		return d.completeNIC(index, dev.GetVirtualEthernetCard())
	case *types.VirtualDisk:
		return d.completeDisk(index, dev, spec)
	case *types.VirtualCdrom, *types.VirtualFloppy, *types.VirtualSerialPort:
		if base := device.GetVirtualDevice(); base.Connectable == nil {
			base.Connectable = &types.VirtualDeviceConnectInfo{AllowGuestControl: true}
		}
	}
	return nil
}

// editDevice models operation edit. Documented: unset members of the device stay;
// the backing is polymorphic and comes whole.
func (d *draft) editDevice(index int, spec *types.VirtualDeviceConfigSpec, keys map[int32]int32) error {
	at := d.indexOf(spec.Device.GetVirtualDevice().Key)
	if at < 0 {
		return invalidDevice(index)
	}
	current := d.config.Hardware.Device[at]
	if reflect.TypeOf(current) != reflect.TypeOf(spec.Device) {
		return invalidDevice(index)
	}
	next, asked := cloneValue(current), cloneValue(spec.Device)
	keepServerOwned(asked, current.GetVirtualDevice())
	if disk, is := asked.(*types.VirtualDisk); is {
		if err := d.checkDiskEdit(index, current.(*types.VirtualDisk), disk); err != nil {
			return err
		}
		if err := growDisk(current.(*types.VirtualDisk), disk); err != nil {
			return err
		}
	}
	mergeFields(reflect.ValueOf(next).Elem(), reflect.ValueOf(asked).Elem())
	if key, temporary := keys[next.GetVirtualDevice().ControllerKey]; temporary {
		next.GetVirtualDevice().ControllerKey = key
	}
	if err := d.checkColdEdit(current, next); err != nil {
		return err
	}
	if moved(current, next) {
		if err := d.moveDevice(index, current, next, asked.GetVirtualDevice(), keys); err != nil {
			return err
		}
	}
	if nic, is := next.(types.BaseVirtualEthernetCard); is {
		card := nic.GetVirtualEthernetCard()
		if err := d.checkNIC(index, card); err != nil {
			return err
		}
		if was := current.(types.BaseVirtualEthernetCard).GetVirtualEthernetCard(); was.MacAddress != card.MacAddress || was.AddressType != card.AddressType {
			if err := d.settleMAC(index, card); err != nil {
				return err
			}
		}
	}
	if info := next.GetVirtualDevice().DeviceInfo; info != nil {
		summarize(next, info.GetDescription())
	}
	d.config.Hardware.Device[at] = next
	return nil
}

// keepServerOwned takes out of an edit what a client cannot change: labels, and the
// place of what is plugged into the mainboard. Disks and drives may move.
func keepServerOwned(asked types.BaseVirtualDevice, current *types.VirtualDevice) {
	device := asked.GetVirtualDevice()
	device.DeviceInfo = nil
	if device.UnitNumber != nil && *device.UnitNumber < 0 {
		device.UnitNumber = nil
	}
	if !needsController(asked) {
		device.ControllerKey = current.ControllerKey
		device.UnitNumber = current.UnitNumber
	}
}

// growDisk checks a new capacity. Documented: capacityInBytes wins over
// capacityInKB when it differs from the current one; a disk cannot shrink
// (InvalidDeviceOperation is what govmomi records).
func growDisk(current, asked *types.VirtualDisk) error {
	want := current.CapacityInBytes
	switch {
	case asked.CapacityInBytes != 0 && asked.CapacityInBytes != current.CapacityInBytes:
		want = asked.CapacityInBytes
	case asked.CapacityInKB != 0 && asked.CapacityInKB != current.CapacityInKB:
		want = asked.CapacityInKB * 1024
	}
	if want < current.CapacityInBytes {
		return NewFault(&types.InvalidDeviceOperation{})
	}
	asked.CapacityInBytes, asked.CapacityInKB = want, want/1024
	return nil
}

// removeDevice models operation remove. Inferred: a controller that still has
// devices cannot go.
func (d *draft) removeDevice(index int, spec *types.VirtualDeviceConfigSpec) error {
	key := spec.Device.GetVirtualDevice().Key
	at := d.indexOf(key)
	if at < 0 {
		return invalidDevice(index)
	}
	device := d.config.Hardware.Device[at]
	if controller, is := device.(types.BaseVirtualController); is && len(controller.GetVirtualController().Device) > 0 {
		return NewFault(&types.InvalidDeviceOperation{InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)}})
	}
	if err := d.checkHotPlug(index, device); err != nil {
		return err
	}
	if parent := d.controllerOf(device.GetVirtualDevice()); parent != nil {
		parent.Device = without(parent.Device, key)
	}
	d.config.Hardware.Device = slices.Delete(d.config.Hardware.Device, at, at+1)
	return nil
}

func without(keys []int32, key int32) []int32 {
	return slices.DeleteFunc(keys, func(k int32) bool { return k == key })
}

func (d *draft) indexOf(key int32) int {
	return slices.IndexFunc(d.config.Hardware.Device, func(dev types.BaseVirtualDevice) bool {
		return dev.GetVirtualDevice().Key == key
	})
}

func (d *draft) controllerOf(device *types.VirtualDevice) *types.VirtualController {
	if at := d.indexOf(device.ControllerKey); at >= 0 {
		if c, is := d.config.Hardware.Device[at].(types.BaseVirtualController); is {
			return c.GetVirtualController()
		}
	}
	return nil
}
