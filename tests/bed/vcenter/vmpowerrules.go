package main

import (
	"github.com/vmware/govmomi/vim25/types"
)

// Which settings of a machine that is not powered off a reconfigure may change.

// powerRule guards one member of a config spec. change tells whether the spec
// would alter the value, since asking for what is there already is no change
// (inferred); fault, if set, replaces InvalidPowerState and may allow the change.
type powerRule struct {
	field  string
	change func(*types.VirtualMachineConfigInfo, *types.VirtualMachineConfigSpec) bool
	fault  func(*types.VirtualMachineConfigInfo, *types.VirtualMachineConfigSpec) types.BaseMethodFault
}

// powerRules is the table.
//
// Documented: InvalidPowerState is the fault of ReconfigVM_Task for changes that
// running hardware cannot take; the hot-add switches are settable only while off
// (what they allow: vmhotplug.go). Observed: vm-operator lists nested HV, IOMMU, performance counters and cores per socket as
// never hot-pluggable. bootOptions, extraConfig, annotation, name, allocation,
// change tracking and instanceUuid are accepted while on.
var powerRules = []powerRule{
	{field: "nestedHVEnabled", change: boolChange(
		func(c *types.VirtualMachineConfigInfo) *bool { return c.NestedHVEnabled },
		func(s *types.VirtualMachineConfigSpec) *bool { return s.NestedHVEnabled })},
	{field: "vPMCEnabled", change: boolChange(
		func(c *types.VirtualMachineConfigInfo) *bool { return c.VPMCEnabled },
		func(s *types.VirtualMachineConfigSpec) *bool { return s.VPMCEnabled })},
	{field: "cpuHotAddEnabled", change: boolChange(
		func(c *types.VirtualMachineConfigInfo) *bool { return c.CpuHotAddEnabled },
		func(s *types.VirtualMachineConfigSpec) *bool { return s.CpuHotAddEnabled })},
	{field: "cpuHotRemoveEnabled", change: boolChange(
		func(c *types.VirtualMachineConfigInfo) *bool { return c.CpuHotRemoveEnabled },
		func(s *types.VirtualMachineConfigSpec) *bool { return s.CpuHotRemoveEnabled })},
	{field: "memoryHotAddEnabled", change: boolChange(
		func(c *types.VirtualMachineConfigInfo) *bool { return c.MemoryHotAddEnabled },
		func(s *types.VirtualMachineConfigSpec) *bool { return s.MemoryHotAddEnabled })},
	{field: "flags.vbsEnabled", change: boolChange(
		func(c *types.VirtualMachineConfigInfo) *bool { return c.Flags.VbsEnabled },
		func(s *types.VirtualMachineConfigSpec) *bool { return flagsOf(s).VbsEnabled })},
	{field: "flags.vvtdEnabled", change: boolChange(
		func(c *types.VirtualMachineConfigInfo) *bool { return c.Flags.VvtdEnabled },
		func(s *types.VirtualMachineConfigSpec) *bool { return flagsOf(s).VvtdEnabled })},
	{field: "firmware", change: func(c *types.VirtualMachineConfigInfo, s *types.VirtualMachineConfigSpec) bool {
		return s.Firmware != "" && s.Firmware != c.Firmware
	}},
	{field: "guestId", change: func(c *types.VirtualMachineConfigInfo, s *types.VirtualMachineConfigSpec) bool {
		return s.GuestId != "" && s.GuestId != c.GuestId
	}},
	{field: "numCoresPerSocket", change: func(c *types.VirtualMachineConfigInfo, s *types.VirtualMachineConfigSpec) bool {
		return s.NumCoresPerSocket != nil && (c.Hardware.NumCoresPerSocket == nil || *s.NumCoresPerSocket != *c.Hardware.NumCoresPerSocket)
	}},
	{
		field: "numCPUs",
		change: func(c *types.VirtualMachineConfigInfo, s *types.VirtualMachineConfigSpec) bool {
			return s.NumCPUs != 0 && s.NumCPUs != c.Hardware.NumCPU
		},
		fault: cpuPlugFault,
	},
	{
		field: "memoryMB",
		change: func(c *types.VirtualMachineConfigInfo, s *types.VirtualMachineConfigSpec) bool {
			return s.MemoryMB != 0 && s.MemoryMB != int64(c.Hardware.MemoryMB)
		},
		fault: memoryPlugFault,
	},
}

// checkPower applies the table to a machine that is on or suspended. A suspended
// one takes no hardware change at all (inferred: its memory image fixes them).
func checkPower(config *types.VirtualMachineConfigInfo, state types.VirtualMachinePowerState, spec *types.VirtualMachineConfigSpec) error {
	if state == types.VirtualMachinePowerStatePoweredOff {
		return nil
	}
	for _, rule := range powerRules {
		if !rule.change(config, spec) {
			continue
		}
		if rule.fault != nil && state == types.VirtualMachinePowerStatePoweredOn {
			if fault := rule.fault(config, spec); fault != nil {
				return NewFault(fault)
			}
			continue
		}
		return invalidPowerState(types.VirtualMachinePowerStatePoweredOff, state)
	}
	return nil
}

func invalidPowerState(requested, existing types.VirtualMachinePowerState) *Fault {
	return NewFault(&types.InvalidPowerState{RequestedState: requested, ExistingState: existing})
}

func boolChange(have func(*types.VirtualMachineConfigInfo) *bool, want func(*types.VirtualMachineConfigSpec) *bool) func(*types.VirtualMachineConfigInfo, *types.VirtualMachineConfigSpec) bool {
	return func(c *types.VirtualMachineConfigInfo, s *types.VirtualMachineConfigSpec) bool {
		return want(s) != nil && *want(s) != isTrue(have(c))
	}
}

func flagsOf(spec *types.VirtualMachineConfigSpec) types.VirtualMachineFlagInfo {
	if spec.Flags == nil {
		return types.VirtualMachineFlagInfo{}
	}
	return *spec.Flags
}
