package main

import (
	"github.com/vmware/govmomi/vim25/types"
)

// What a virtual machine's hardware version can do, and which combinations of
// settings are refused. Pure functions.

// hardwareNumber is the number in "vmx-19"; 0 for anything else.
func hardwareNumber(version string) int {
	v, err := types.ParseHardwareVersion(version)
	if err != nil {
		return 0
	}
	return int(v)
}

// applyVersion sets the hardware version. Documented: meant for create; later
// changes go through UpgradeVM_Task. What a reconfigure does with it: nothing
// found, the rule switch decides.
func (d *draft) applyVersion(version string) error {
	if version == "" || version == d.config.Version {
		return nil
	}
	if !d.creating && !d.call.Twin.inventory.rules.ReconfigureTakesVersion {
		return nil
	}
	n := hardwareNumber(version)
	if n == 0 || n > newestHardware(d.host) {
		return NewFault(&types.InvalidArgument{InvalidProperty: "configSpec.version"})
	}
	d.config.Version = version
	return nil
}

// versionGate names a setting that needs a hardware version.
type versionGate struct {
	name  string
	since int
	drop  func(*types.VirtualMachineConfigSpec)
}

// versionGates: nested HV, counters and hot add as in vm-operator's compute_overwrite.go
// (observed); secure boot, IOMMU and VBS as the vSphere security guide has them (documented).
var versionGates = []versionGate{
	{"nestedHVEnabled", 9, func(s *types.VirtualMachineConfigSpec) { s.NestedHVEnabled = nil }},
	{"vPMCEnabled", 9, func(s *types.VirtualMachineConfigSpec) { s.VPMCEnabled = nil }},
	{"memoryHotAddEnabled", 7, func(s *types.VirtualMachineConfigSpec) { s.MemoryHotAddEnabled = nil }},
	{"cpuHotAddEnabled", 11, func(s *types.VirtualMachineConfigSpec) { s.CpuHotAddEnabled = nil }},
	{"bootOptions.efiSecureBootEnabled", 13, func(s *types.VirtualMachineConfigSpec) {
		if s.BootOptions != nil {
			s.BootOptions.EfiSecureBootEnabled = nil
		}
	}},
	{"flags.vvtdEnabled", 14, func(s *types.VirtualMachineConfigSpec) {
		if s.Flags != nil {
			s.Flags.VvtdEnabled = nil
		}
	}},
	{"flags.vbsEnabled", 14, func(s *types.VirtualMachineConfigSpec) {
		if s.Flags != nil {
			s.Flags.VbsEnabled = nil
		}
	}},
	{"sevEnabled", 18, func(s *types.VirtualMachineConfigSpec) { s.SevEnabled = nil }},
}

// dropUnsupported takes settings out of a spec that the hardware version cannot do.
//
// Observed (vm-operator compute_overwrite.go, code of the vendor): vSphere ignores
// them silently and the task succeeds; only a read-back tells.
func dropUnsupported(version string, spec *types.VirtualMachineConfigSpec) {
	have := hardwareNumber(version)
	for _, gate := range versionGates {
		if have < gate.since {
			gate.drop(spec)
		}
	}
}

// fillVBS completes a spec that turns on virtualization based security.
//
// Documented (VirtualMachineFlagInfo.vbsEnabled): when creating, unset
// companions are set (IOMMU, nested HV, secure boot, EFI), an explicit
// contradiction is an error. The fault type is inferred.
func fillVBS(spec *types.VirtualMachineConfigSpec) error {
	if spec.Flags == nil || !isTrue(spec.Flags.VbsEnabled) {
		return nil
	}
	if spec.BootOptions == nil {
		spec.BootOptions = &types.VirtualMachineBootOptions{}
	}
	companions := []struct {
		path  string
		value **bool
	}{
		{"configSpec.flags.vvtdEnabled", &spec.Flags.VvtdEnabled},
		{"configSpec.nestedHVEnabled", &spec.NestedHVEnabled},
		{"configSpec.bootOptions.efiSecureBootEnabled", &spec.BootOptions.EfiSecureBootEnabled},
	}
	for _, c := range companions {
		if *c.value != nil && !**c.value {
			return NewFault(&types.InvalidVmConfig{Property: c.path})
		}
		*c.value = types.NewBool(true)
	}
	if spec.Firmware == string(types.GuestOsDescriptorFirmwareTypeBios) {
		return NewFault(&types.InvalidVmConfig{Property: "configSpec.firmware"})
	}
	spec.Firmware = string(types.GuestOsDescriptorFirmwareTypeEfi)
	return nil
}

// checkSecureBoot refuses secure boot without EFI.
//
// Observed: of the VBS companions only this one comes back as an error from the
// server (community.vmware issue 351); the property is govmomi's record of it.
func checkSecureBoot(config *types.VirtualMachineConfigInfo) error {
	if config.BootOptions != nil && isTrue(config.BootOptions.EfiSecureBootEnabled) &&
		config.Firmware != string(types.GuestOsDescriptorFirmwareTypeEfi) {
		return NewFault(&types.InvalidVmConfig{Property: "msg.hostd.configSpec.efi"})
	}
	return nil
}

const (
	maxCPUs     = 768
	maxMemoryMB = 24 * 1024 * 1024
)

// checkHardware validates the numbers of a spec against each other.
//
// Documented: 768 virtual CPUs and 24 TiB at most on ESXi 8; memory in steps of
// 4 MB. Observed (vm-operator): numCoresPerSocket 0 needs vmx-20. Inferred: CPUs
// must fill whole sockets, and the fault is InvalidArgument.
func checkHardware(config *types.VirtualMachineConfigInfo, spec *types.VirtualMachineConfigSpec) error {
	bad := func(property string) error {
		return NewFault(&types.InvalidArgument{InvalidProperty: "configSpec." + property})
	}
	if spec.NumCPUs < 0 || spec.NumCPUs > maxCPUs {
		return bad("numCPUs")
	}
	if spec.MemoryMB < 0 || spec.MemoryMB > maxMemoryMB || spec.MemoryMB%4 != 0 {
		return bad("memoryMB")
	}
	switch spec.Firmware {
	case "", string(types.GuestOsDescriptorFirmwareTypeBios), string(types.GuestOsDescriptorFirmwareTypeEfi):
	default:
		return bad("firmware")
	}
	version := config.Version
	if spec.Version != "" {
		version = spec.Version
	}
	cores, cpus := int32(1), config.Hardware.NumCPU
	if config.Hardware.NumCoresPerSocket != nil {
		cores = *config.Hardware.NumCoresPerSocket
	}
	if spec.NumCPUs != 0 {
		cpus = spec.NumCPUs
	}
	if spec.NumCoresPerSocket != nil {
		cores = *spec.NumCoresPerSocket
		if cores < 0 || cores == 0 && hardwareNumber(version) < 20 {
			return bad("numCoresPerSocket")
		}
	}
	if cores > 1 && cpus%cores != 0 {
		return bad("numCoresPerSocket")
	}
	return nil
}
