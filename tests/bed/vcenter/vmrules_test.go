package main

import (
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func yes() *bool { return types.NewBool(true) }
func no() *bool  { return types.NewBool(false) }

func TestCheckPower(t *testing.T) {
	config := &types.VirtualMachineConfigInfo{
		Firmware: "bios", GuestId: "otherGuest", NestedHVEnabled: no(),
		Hardware: types.VirtualHardware{NumCPU: 2, NumCoresPerSocket: types.NewInt32(1), MemoryMB: 4096},
	}
	hot := cloneValue(config)
	hot.CpuHotAddEnabled, hot.MemoryHotAddEnabled = yes(), yes()
	showHotPlug(hot, true)
	vbs := cloneValue(hot)
	vbs.Flags.VbsEnabled = yes()
	type spec = types.VirtualMachineConfigSpec
	power, cpu, memory := &types.InvalidPowerState{}, &types.CpuHotPlugNotSupported{}, &types.MemoryHotPlugNotSupported{}
	cases := []struct {
		name   string
		config *types.VirtualMachineConfigInfo
		state  types.VirtualMachinePowerState
		spec   spec
		want   types.BaseMethodFault
	}{
		{"off takes everything", config, poweredOff, spec{NestedHVEnabled: yes(), NumCPUs: 8, Firmware: "efi"}, nil},
		{"nested HV", config, poweredOn, spec{NestedHVEnabled: yes()}, power},
		{"nested HV as it is", config, poweredOn, spec{NestedHVEnabled: no()}, nil},
		{"unset flag counts as off", config, poweredOn, spec{Flags: &types.VirtualMachineFlagInfo{VbsEnabled: no()}}, nil},
		{"VBS", config, poweredOn, spec{Flags: &types.VirtualMachineFlagInfo{VbsEnabled: yes()}}, power},
		{"firmware", config, poweredOn, spec{Firmware: "efi"}, power},
		{"cores per socket", config, poweredOn, spec{NumCoresPerSocket: types.NewInt32(2)}, power},
		{"boot options", config, poweredOn, spec{BootOptions: &types.VirtualMachineBootOptions{EfiSecureBootEnabled: yes()}}, nil},
		{"CPU without hot add", config, poweredOn, spec{NumCPUs: 4}, cpu},
		{"CPU with hot add", hot, poweredOn, spec{NumCPUs: 4}, nil},
		{"fewer CPUs in spite of hot add", hot, poweredOn, spec{NumCPUs: 1}, cpu},
		{"memory without hot add", config, poweredOn, spec{MemoryMB: 8192}, memory},
		{"memory with hot add", hot, poweredOn, spec{MemoryMB: 8192}, nil},
		{"less memory in spite of hot add", hot, poweredOn, spec{MemoryMB: 2048}, memory},
		{"memory beyond the limit", hot, poweredOn, spec{MemoryMB: 16*4096 + 128}, &types.InvalidVmConfig{}},
		{"memory in another step", hot, poweredOn, spec{MemoryMB: 8000}, &types.InvalidVmConfig{}},
		{"CPU with hot add and VBS", vbs, poweredOn, spec{NumCPUs: 4}, cpu},
		{"memory with hot add and VBS", vbs, poweredOn, spec{MemoryMB: 8192}, memory},
		{"suspended takes no hardware", hot, suspended, spec{NumCPUs: 4}, power},
		{"suspended takes a note", hot, suspended, spec{Annotation: "x"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { assertFault(t, checkPower(c.config, c.state, &c.spec), c.want) })
	}
}

func TestFillVBS(t *testing.T) {
	type spec = types.VirtualMachineConfigSpec
	on := func() *types.VirtualMachineFlagInfo { return &types.VirtualMachineFlagInfo{VbsEnabled: yes()} }
	filled := spec{Flags: on()}
	if err := fillVBS(&filled); err != nil {
		t.Fatal(err)
	}
	if !*filled.NestedHVEnabled || !*filled.Flags.VvtdEnabled || !*filled.BootOptions.EfiSecureBootEnabled || filled.Firmware != "efi" {
		t.Errorf("companions missing: %+v", filled)
	}
	for name, bad := range map[string]spec{
		"nested HV":   {Flags: on(), NestedHVEnabled: no()},
		"IOMMU":       {Flags: &types.VirtualMachineFlagInfo{VbsEnabled: yes(), VvtdEnabled: no()}},
		"secure boot": {Flags: on(), BootOptions: &types.VirtualMachineBootOptions{EfiSecureBootEnabled: no()}},
		"firmware":    {Flags: on(), Firmware: "bios"},
	} {
		t.Run(name, func(t *testing.T) { assertFault(t, fillVBS(&bad), &types.InvalidVmConfig{}) })
	}
	untouched := spec{Flags: &types.VirtualMachineFlagInfo{VbsEnabled: no()}}
	if err := fillVBS(&untouched); err != nil || untouched.NestedHVEnabled != nil || untouched.Firmware != "" {
		t.Errorf("vbsEnabled=false must fill nothing: %v, %+v", err, untouched)
	}
}

func TestDropUnsupported(t *testing.T) {
	full := func() *types.VirtualMachineConfigSpec {
		return &types.VirtualMachineConfigSpec{
			NestedHVEnabled: yes(), VPMCEnabled: yes(), Annotation: "x",
			Flags:       &types.VirtualMachineFlagInfo{VvtdEnabled: yes(), VbsEnabled: yes(), DiskUuidEnabled: yes()},
			BootOptions: &types.VirtualMachineBootOptions{EfiSecureBootEnabled: yes(), BootDelay: 5},
		}
	}
	old := full()
	dropUnsupported("vmx-08", old)
	if old.NestedHVEnabled != nil || old.VPMCEnabled != nil || old.Flags.VbsEnabled != nil || old.BootOptions.EfiSecureBootEnabled != nil {
		t.Errorf("vmx-08 must ignore what it cannot do: %+v", old)
	}
	if old.Annotation != "x" || !*old.Flags.DiskUuidEnabled || old.BootOptions.BootDelay != 5 {
		t.Errorf("vmx-08 must take what it can do: %+v", old)
	}
	between := full()
	dropUnsupported("vmx-13", between)
	if between.NestedHVEnabled == nil || between.BootOptions.EfiSecureBootEnabled == nil || between.Flags.VbsEnabled != nil {
		t.Errorf("vmx-13 has nested HV and secure boot, no VBS: %+v", between)
	}
	current := full()
	dropUnsupported("vmx-21", current)
	if current.Flags.VbsEnabled == nil || current.NestedHVEnabled == nil {
		t.Errorf("vmx-21 has them all: %+v", current)
	}
}

func TestCheckHardware(t *testing.T) {
	config := &types.VirtualMachineConfigInfo{
		Version: "vmx-19", Hardware: types.VirtualHardware{NumCPU: 4, NumCoresPerSocket: types.NewInt32(2), MemoryMB: 4096},
	}
	type spec = types.VirtualMachineConfigSpec
	bad := &types.InvalidArgument{}
	cases := []struct {
		name string
		spec spec
		want types.BaseMethodFault
	}{
		{"nothing", spec{}, nil},
		{"CPUs that fill the sockets", spec{NumCPUs: 6}, nil},
		{"CPUs that do not", spec{NumCPUs: 5}, bad},
		{"cores that do not divide", spec{NumCoresPerSocket: types.NewInt32(3)}, bad},
		{"automatic cores on an old version", spec{NumCoresPerSocket: types.NewInt32(0)}, bad},
		{"automatic cores on a new version", spec{Version: "vmx-20", NumCoresPerSocket: types.NewInt32(0)}, nil},
		{"memory in odd steps", spec{MemoryMB: 4098}, bad},
		{"too many CPUs", spec{NumCPUs: 770}, bad},
		{"unknown firmware", spec{Firmware: "uefi"}, bad},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { assertFault(t, checkHardware(config, &c.spec), c.want) })
	}
}

func TestMergeExtraConfig(t *testing.T) {
	option := func(key string, value any) types.BaseOptionValue { return &types.OptionValue{Key: key, Value: value} }
	got := mergeExtraConfig(
		[]types.BaseOptionValue{option("a", "1"), option("b", "2")},
		[]types.BaseOptionValue{option("a", ""), option("b", "3"), option("c", "4"), option("gone", ""), option("vhv.enable", "TRUE")},
	)
	want := map[string]any{"b": "3", "c": "4"}
	if len(got) != len(want) {
		t.Fatalf("got %d options", len(got))
	}
	for _, o := range got {
		if v := o.GetOptionValue(); want[v.Key] != v.Value {
			t.Errorf("%s = %v", v.Key, v.Value)
		}
	}
}

func TestGuestsOfAnOldVersion(t *testing.T) {
	for version, want := range map[int]bool{19: false, 20: true, 21: true} {
		if _, offered := describeGuest("windows2022srvNext_64Guest", version); offered != want {
			t.Errorf("Server 2025 offered on vmx-%d: %t", version, offered)
		}
	}
	if _, known := guestFullName("windows2025srv_64Guest"); known {
		t.Error("windows2025srv_64Guest is no id of the API")
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		version, floor string
		want           bool
	}{{"6.5.0", "6.6.0", false}, {"6.6.0", "6.6.0", true}, {"8.0.3", "6.6.0", true}, {"10.0.0", "6.6.0", true}, {"7", "6.6.0", true}} {
		if got := atLeast(c.version, c.floor); got != c.want {
			t.Errorf("atLeast(%s, %s) = %t", c.version, c.floor, got)
		}
	}
	if nextConfigVersion("9") != "10" || nextConfigVersion("") != "1" {
		t.Error("configVersion must count up")
	}
}
