package main

import (
	"reflect"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestCloneValueSharesNothing(t *testing.T) {
	twin := &Twin{inventory: newInventory()}
	original := twin.freshConfig(hardwareVersion)
	kept := cloneValue(original)
	if !reflect.DeepEqual(original, kept) {
		t.Fatal("a copy differs from its original")
	}
	original.Hardware.Device[0].GetVirtualDevice().Key = 4711
	*original.NestedHVEnabled = true
	original.BootOptions.BootDelay = 7
	if kept.Hardware.Device[0].GetVirtualDevice().Key == 4711 || *kept.NestedHVEnabled || kept.BootOptions.BootDelay == 7 {
		t.Error("a change of the original shows in the copy")
	}
}

func TestMergeSetKeepsWhatIsUnsetAtAnyDepth(t *testing.T) {
	config := types.VirtualMachineConfigInfo{
		Annotation:  "old",
		BootOptions: &types.VirtualMachineBootOptions{EfiSecureBootEnabled: types.NewBool(true), BootDelay: 5},
	}
	shared := config.BootOptions
	mergeSet(&config, &types.VirtualMachineConfigInfo{
		NestedHVEnabled: types.NewBool(false),
		BootOptions:     &types.VirtualMachineBootOptions{BootDelay: 9},
	})
	if config.Annotation != "old" || !*config.BootOptions.EfiSecureBootEnabled || config.BootOptions.BootDelay != 9 {
		t.Errorf("got %q, %+v", config.Annotation, config.BootOptions)
	}
	if config.NestedHVEnabled == nil || *config.NestedHVEnabled {
		t.Error("an explicit false must be taken")
	}
	if shared.BootDelay != 5 {
		t.Error("the nested object that a reader may hold was written to")
	}
}

func TestMergeNamedTellsWhatItDoesNotKnow(t *testing.T) {
	config := types.VirtualMachineConfigInfo{}
	spec := types.VirtualMachineConfigSpec{
		Annotation: "new", NumCPUs: 4,
		Flags:     &types.VirtualMachineFlagInfo{VbsEnabled: types.NewBool(true)},
		VmProfile: []types.BaseVirtualMachineProfileSpec{&types.VirtualMachineDefinedProfileSpec{ProfileId: "gold"}},
	}
	unknown := mergeNamed(&config, &spec, ownSpecFields)
	if !reflect.DeepEqual(unknown, []string{"VmProfile"}) {
		t.Errorf("unknown: %v", unknown)
	}
	if config.Annotation != "new" || !*config.Flags.VbsEnabled {
		t.Errorf("got %+v", config)
	}
}

func TestEscapeName(t *testing.T) {
	for given, want := range map[string]string{
		"plain": "plain", "a/b": "a%2fb", `a\b`: "a%5cb", "50%": "50%25", "a%2fb": "a%2fb", "a%2Fb": "a%2Fb", "%25": "%25", "%2": "%252",
	} {
		if got := escapeName(given); got != want {
			t.Errorf("escapeName(%q) = %q, want %q", given, got, want)
		}
	}
	folder := types.ManagedObjectReference{Type: "Folder", Value: "group-1"}
	if keyOf(folder, "Lab%2F1") != keyOf(folder, "lab%2f1") {
		t.Error("names that differ in case only must collide")
	}
}

func TestConfigChanges(t *testing.T) {
	before := &types.VirtualMachineConfigInfo{
		Annotation: "old", Hardware: types.VirtualHardware{NumCPU: 1},
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "a", Value: "1"}},
	}
	after := &types.VirtualMachineConfigInfo{
		NestedHVEnabled: types.NewBool(true), Hardware: types.VirtualHardware{NumCPU: 4},
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "a", Value: "2"}, &types.OptionValue{Key: "b", Value: "3"}},
	}
	got := configChanges(before, after)
	want := "config.annotation: \"old\" -> \"\"; \n\nconfig.hardware.numCPU: 1 -> 4; \n\n" +
		"config.extraConfig(\"a\").value: \"1\" -> \"2\"; \n\nconfig.nestedHVEnabled: <unset> -> true; \n\n"
	if got.Modified != want {
		t.Errorf("modified: %q, want %q", got.Modified, want)
	}
	if got.Added != "config.extraConfig(\"b\"): (key = \"b\", value = \"3\"); \n\n" || got.Deleted != "" {
		t.Errorf("added %q, deleted %q", got.Added, got.Deleted)
	}
}
