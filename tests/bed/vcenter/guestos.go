package main

import (
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Guest operating systems: the ids that the API knows, and what an environment
// browser (environment.go) tells about them.

const defaultGuestID = string(types.VirtualMachineGuestOsIdentifierOtherGuest)

// windowsGuest is one row of what the twin knows about a Windows guest.
type windowsGuest struct {
	id, fullName string
	since        int    // first hardware version that offers it
	scsi, nic    string // recommended devices
	ide          bool   // disks on IDE are supported
	efi          bool   // recommended firmware, with secure boot as default
	vbs          bool
	memoryMB     int32
	diskGiB      int32
}

// windowsGuests: observed. Devices, firmware, IDE and sizes of 2019, 2022 and 2025
// are those of the vmx-22 sample in vm-operator's test data; the others follow
// vSphere's guest OS guide. The year in an id is one behind: "Next" is the release
// after. Server 2025 needs ESXi 8 (vmware/packer-examples-for-vsphere issue 833).
var windowsGuests = []windowsGuest{
	{id: "windows8Server64Guest", fullName: "Microsoft Windows Server 2012 (64-bit)", since: 8, scsi: lsiSAS, nic: e1000e, ide: true, memoryMB: 4096, diskGiB: 40},
	{id: "windows9Server64Guest", fullName: "Microsoft Windows Server 2016 (64-bit)", since: 10, scsi: lsiSAS, nic: e1000e, ide: true, efi: true, vbs: true, memoryMB: 4096, diskGiB: 40},
	{id: "windows2019srv_64Guest", fullName: "Microsoft Windows Server 2019 (64-bit)", since: 10, scsi: lsiSAS, nic: e1000e, ide: true, efi: true, vbs: true, memoryMB: 4096, diskGiB: 90},
	{id: "windows2019srvNext_64Guest", fullName: "Microsoft Windows Server 2022 (64-bit)", since: 10, scsi: pvscsi, nic: vmxnet3, ide: true, efi: true, vbs: true, memoryMB: 4096, diskGiB: 90},
	{id: "windows2022srvNext_64Guest", fullName: "Microsoft Windows Server 2025 (64-bit)", since: 20, scsi: pvscsi, nic: vmxnet3, efi: true, vbs: true, memoryMB: 4096, diskGiB: 90},
	{id: "windowsHyperVGuest", fullName: "Microsoft Hyper-V", since: 8, scsi: lsiSAS, nic: e1000e, ide: true, memoryMB: 4096, diskGiB: 40},
	{id: "windows9Guest", fullName: "Microsoft Windows 10 (32-bit)", since: 10, scsi: lsiSAS, nic: e1000e, ide: true, memoryMB: 2048, diskGiB: 32},
	{id: "windows9_64Guest", fullName: "Microsoft Windows 10 (64-bit)", since: 10, scsi: lsiSAS, nic: e1000e, ide: true, efi: true, vbs: true, memoryMB: 4096, diskGiB: 48},
	{id: "windows11_64Guest", fullName: "Microsoft Windows 11 (64-bit)", since: 14, scsi: lsiSAS, nic: vmxnet3, efi: true, vbs: true, memoryMB: 4096, diskGiB: 64},
	{id: "windows12_64Guest", fullName: "Microsoft Windows 12 (64-bit)", since: 20, scsi: pvscsi, nic: vmxnet3, efi: true, vbs: true, memoryMB: 4096, diskGiB: 64},
}

const (
	pvscsi  = "ParaVirtualSCSIController"
	lsiSAS  = "VirtualLsiLogicSASController"
	e1000e  = "VirtualE1000e"
	vmxnet3 = "VirtualVmxnet3"
)

// guestFullName is config.guestFullName of an id, and whether the API knows it.
// Documented: VirtualMachineGuestOsIdentifier lists the ids.
func guestFullName(id string) (string, bool) {
	for _, g := range windowsGuests {
		if g.id == id {
			return g.fullName, true
		}
	}
	switch id {
	case "otherGuest":
		return "Other (32-bit)", true
	case "otherGuest64":
		return "Other (64-bit)", true
	}
	if slices.Contains(simulator.GuestID, types.VirtualMachineGuestOsIdentifier(id)) {
		return strings.TrimSuffix(id, "Guest"), true
	}
	return "", false
}

func guestFamilyOf(id string) string {
	switch {
	case strings.HasPrefix(id, "win"):
		return string(types.VirtualMachineGuestOsFamilyWindowsGuest)
	case strings.HasPrefix(id, "darwin"):
		return string(types.VirtualMachineGuestOsFamilyDarwinGuestFamily)
	case strings.HasPrefix(id, "other") && !strings.Contains(id, "inux"):
		return string(types.VirtualMachineGuestOsFamilyOtherGuestFamily)
	}
	return string(types.VirtualMachineGuestOsFamilyLinuxGuest)
}

func configOptionFor(key string, ids []string) *types.VirtualMachineConfigOption {
	version := hardwareNumber(key)
	var all, matching []types.GuestOsDescriptor
	for _, id := range simulator.GuestID {
		descriptor, offered := describeGuest(string(id), version)
		if !offered {
			continue
		}
		all = append(all, descriptor)
		if slices.Contains(ids, string(id)) {
			matching = append(matching, descriptor)
		}
	}
	if len(matching) == 0 {
		matching = all
	}
	return &types.VirtualMachineConfigOption{
		Version:              key,
		Description:          key,
		GuestOSDescriptor:    matching,
		HardwareOptions:      hardwareOption(version),
		Capabilities:         machineCapability(key),
		DefaultDevice:        mainboard(),
		SupportedMonitorType: []string{"release"},
	}
}

// describeGuest is the descriptor of an id on a hardware version. A guest that
// the twin knows no more about than its id gets the common devices.
func describeGuest(id string, version int) (types.GuestOsDescriptor, bool) {
	name, _ := guestFullName(id)
	g := windowsGuest{id: id, fullName: name, since: 4, scsi: pvscsi, nic: vmxnet3, ide: true, memoryMB: 2048, diskGiB: 16}
	for _, known := range windowsGuests {
		if known.id == id {
			g = known
		}
	}
	controllers := []string{pvscsi, lsiSAS, "VirtualLsiLogicController", "VirtualNVMEController", "VirtualAHCIController"}
	if g.ide {
		controllers = append(controllers, "VirtualIDEController")
	}
	firmware := types.GuestOsDescriptorFirmwareTypeBios
	if g.efi {
		firmware = types.GuestOsDescriptorFirmwareTypeEfi
	}
	windows := strings.HasPrefix(id, "win")
	return types.GuestOsDescriptor{
		Id:                              g.id,
		Family:                          guestFamilyOf(g.id),
		FullName:                        g.fullName,
		SupportedMaxCPUs:                maxCPUs,
		NumSupportedPhysicalSockets:     64,
		NumSupportedCoresPerSocket:      256,
		SupportedMinMemMB:               4,
		SupportedMaxMemMB:               24 * 1024 * 1024,
		RecommendedMemMB:                g.memoryMB,
		SupportedDiskControllerList:     controllers,
		RecommendedSCSIController:       g.scsi,
		RecommendedDiskController:       g.scsi,
		SupportedNumDisks:               256,
		RecommendedDiskSizeMB:           g.diskGiB * 1024,
		RecommendedCdromController:      "VirtualAHCIController",
		SupportedEthernetCard:           []string{e1000e, vmxnet3, "VirtualE1000"},
		RecommendedEthernetCard:         g.nic,
		SupportsWakeOnLan:               true,
		SupportsMemoryHotAdd:            true,
		SupportsCpuHotAdd:               true,
		SupportedFirmware:               []string{"bios", "efi"},
		RecommendedFirmware:             string(firmware),
		SupportLevel:                    string(types.GuestOsDescriptorSupportLevelSupported),
		SupportedForCreate:              true,
		VRAMSizeInKB:                    types.IntOption{Min: 2048, Max: 131072, DefaultValue: 8192},
		NumSupportedFloppyDevices:       2,
		SupportsPvscsiControllerForBoot: true,
		DiskUuidEnabled:                 windows,
		SupportsHotPlugPCI:              true,
		SupportsSecureBoot:              types.NewBool(g.efi),
		DefaultSecureBoot:               types.NewBool(g.efi),
		VvtdSupported:                   &types.BoolOption{Supported: g.vbs && version >= 14},
		VbsSupported:                    &types.BoolOption{Supported: g.vbs && version >= 14},
		SupportsTPM20:                   types.NewBool(g.efi && version >= 14),
	}, version >= g.since
}

func hardwareOption(version int) types.VirtualHardwareOption {
	numCPU := make([]int32, 0, maxCPUs)
	for n := int32(1); n <= maxCPUs; n++ {
		numCPU = append(numCPU, n)
	}
	return types.VirtualHardwareOption{
		HwVersion:         int32(version),
		NumCPU:            numCPU,
		NumCoresPerSocket: types.IntOption{Min: 1, Max: 256, DefaultValue: 1},
		MemoryMB:          types.LongOption{Min: 4, Max: maxMemoryMB, DefaultValue: 32},
		NumPCIControllers: types.IntOption{Min: 1, Max: 1, DefaultValue: 1},
		NumIDEControllers: types.IntOption{Min: 2, Max: 2, DefaultValue: 2},
		NumUSBControllers: types.IntOption{Max: 1},
		NumSIOControllers: types.IntOption{Min: 1, Max: 1, DefaultValue: 1},
		NumPS2Controllers: types.IntOption{Min: 1, Max: 1, DefaultValue: 1},
		ResourceConfigOption: types.ResourceConfigOption{
			CpuAllocationOption:    allocationOption(),
			MemoryAllocationOption: allocationOption(),
		},
	}
}

func allocationOption() types.ResourceAllocationOption {
	return types.ResourceAllocationOption{SharesOption: types.SharesOption{
		SharesOption: types.IntOption{Max: 1000000, DefaultValue: 1000}, DefaultLevel: types.SharesLevelNormal,
	}}
}
