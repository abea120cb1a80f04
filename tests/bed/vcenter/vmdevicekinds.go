package main

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/types"
)

// How vSphere numbers and names devices. Observed on real machines: the first
// key of each kind, and labels that count from 0 for controllers and from 1 for
// what a user plugs in.

const (
	pciController      = 100
	scsiControllerUnit = 7 // the unit that a SCSI controller takes on its own bus
	firstNICUnit       = 7
)

// deviceKind is one row of the numbering.
type deviceKind struct {
	firstKey  int32
	label     string
	countFrom int
	parent    []reflect.Type // controllers that can hold it, best first; nil: on the mainboard
	firstUnit int32
}

func kindOf(device types.BaseVirtualDevice) deviceKind {
	pci := []reflect.Type{reflect.TypeOf(&types.VirtualPCIController{})}
	switch device.(type) {
	case types.BaseVirtualEthernetCard:
		return deviceKind{firstKey: 4000, label: "Network adapter", countFrom: 1, parent: pci, firstUnit: firstNICUnit}
	case *types.VirtualDisk:
		return deviceKind{firstKey: 2000, label: "Hard disk", countFrom: 1, parent: diskControllers()}
	case *types.VirtualCdrom:
		return deviceKind{firstKey: 3000, label: "CD/DVD drive", countFrom: 1, parent: cdromControllers()}
	case types.BaseVirtualSCSIController:
		return deviceKind{firstKey: 1000, label: "SCSI controller", parent: pci, firstUnit: 3}
	case types.BaseVirtualSATAController:
		return deviceKind{firstKey: 15000, label: "SATA controller", parent: pci, firstUnit: 24}
	case *types.VirtualNVMEController:
		return deviceKind{firstKey: 31000, label: "NVME controller", parent: pci, firstUnit: 30}
	case *types.VirtualUSBXHCIController:
		return deviceKind{firstKey: 14000, label: "USB xHCI controller", parent: pci, firstUnit: 23}
	case *types.VirtualUSBController:
		return deviceKind{firstKey: 7000, label: "USB controller", parent: pci, firstUnit: 22}
	case *types.VirtualIDEController:
		return deviceKind{firstKey: 200, label: "IDE"}
	case *types.VirtualTPM:
		return deviceKind{firstKey: 11000, label: "Virtual TPM", parent: pci, firstUnit: 40}
	case *types.VirtualSerialPort:
		return deviceKind{firstKey: 9000, label: "Serial port", countFrom: 1, parent: []reflect.Type{reflect.TypeOf(&types.VirtualSIOController{})}}
	case *types.VirtualFloppy:
		return deviceKind{firstKey: 8000, label: "Floppy drive", countFrom: 1, parent: []reflect.Type{reflect.TypeOf(&types.VirtualSIOController{})}}
	}
	return deviceKind{firstKey: 13000, label: "Device", countFrom: 1, parent: pci, firstUnit: 50}
}

func diskControllers() []reflect.Type {
	return []reflect.Type{
		reflect.TypeOf(&types.ParaVirtualSCSIController{}), reflect.TypeOf(&types.VirtualLsiLogicSASController{}),
		reflect.TypeOf(&types.VirtualLsiLogicController{}), reflect.TypeOf(&types.VirtualBusLogicController{}),
		reflect.TypeOf(&types.VirtualNVMEController{}), reflect.TypeOf(&types.VirtualAHCIController{}),
		reflect.TypeOf(&types.VirtualIDEController{}),
	}
}

func cdromControllers() []reflect.Type {
	return []reflect.Type{reflect.TypeOf(&types.VirtualAHCIController{}), reflect.TypeOf(&types.VirtualIDEController{})}
}

// freeKey is the next key of a device's kind.
func (d *draft) freeKey(device types.BaseVirtualDevice) int32 {
	key := kindOf(device).firstKey
	for d.indexOf(key) >= 0 {
		key++
	}
	return key
}

// defaultController is the first controller that can hold a kind of device.
func (d *draft) defaultController(kind deviceKind) int32 {
	for _, want := range kind.parent {
		for _, device := range d.config.Hardware.Device {
			if reflect.TypeOf(device) == want {
				return device.GetVirtualDevice().Key
			}
		}
	}
	return 0
}

func (d *draft) busTaken(device types.BaseVirtualDevice, bus int32) bool {
	first := kindOf(device).firstKey
	for _, other := range d.config.Hardware.Device {
		if c, is := other.(types.BaseVirtualController); is && kindOf(other).firstKey == first && c.GetVirtualController().BusNumber == bus {
			return true
		}
	}
	return false
}

func (d *draft) freeBus(device types.BaseVirtualDevice) int32 {
	bus := int32(0)
	for d.busTaken(device, bus) {
		bus++
	}
	return bus
}

// describe makes the label and summary of a new device.
func (d *draft) describe(device types.BaseVirtualDevice) *types.Description {
	kind := kindOf(device)
	taken := map[string]bool{}
	for _, other := range d.config.Hardware.Device {
		if info := other.GetVirtualDevice().DeviceInfo; info != nil {
			taken[info.GetDescription().Label] = true
		}
	}
	n := kind.countFrom
	label := fmt.Sprintf("%s %d", kind.label, n)
	for taken[label] {
		n++
		label = fmt.Sprintf("%s %d", kind.label, n)
	}
	info := &types.Description{Label: label, Summary: label}
	summarize(device, info)
	return info
}

// summarize writes the summary of a device that says what it is connected to, or how
// big it is, as it is now. Observed: govmomi's tests of its command line, which were
// written for real servers (govc/test/device.bats), and what its simulator carries; of
// disks the sample in community.vmware vmware_guest_disk_info ("10,240 KB").
func summarize(device types.BaseVirtualDevice, info *types.Description) {
	file := func(word string) {
		info.Summary = info.Label
		if b, is := device.GetVirtualDevice().Backing.(types.BaseVirtualDeviceFileBackingInfo); is {
			info.Summary = word + " " + b.GetVirtualDeviceFileBackingInfo().FileName
		}
	}
	switch dev := device.(type) {
	case types.BaseVirtualEthernetCard:
		info.Summary = nicSummary(dev.GetVirtualEthernetCard())
	case *types.VirtualDisk:
		info.Summary = thousands(dev.CapacityInKB) + " KB"
	case *types.VirtualCdrom:
		file("ISO")
	case *types.VirtualFloppy:
		file("Image")
	case *types.VirtualSerialPort:
		file("File")
		if b, is := dev.Backing.(*types.VirtualSerialPortURIBackingInfo); is {
			info.Summary = "Remote " + b.ServiceURI
		}
	}
}

// thousands writes a number in groups of three digits.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func nicSummary(nic *types.VirtualEthernetCard) string {
	switch b := nic.Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		return b.DeviceName
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		return "DVSwitch: " + b.Port.SwitchUuid
	}
	return ""
}

// mainboard is what every machine has without asking: the stock simulator's copy
// of the devices of a real machine.
func mainboard() []types.BaseVirtualDevice { return cloneValue(esx.VirtualDevice) }
