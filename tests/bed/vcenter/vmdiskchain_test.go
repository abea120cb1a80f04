package main

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

// configWith is a configuration with one disk whose files are given, the written one first.
func configWith(files ...string) *types.VirtualMachineConfigInfo {
	var backing *diskBacking
	for _, file := range slices.Backward(files) {
		backing = &diskBacking{
			VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: "[ds] " + file}, Parent: backing,
		}
	}
	disk := &types.VirtualDisk{VirtualDevice: types.VirtualDevice{Key: 2000, Backing: backing}}
	return &types.VirtualMachineConfigInfo{
		Files:    types.VirtualMachineFileInfo{VmPathName: "[ds] vm/vm.vmx"},
		Hardware: types.VirtualHardware{Device: []types.BaseVirtualDevice{disk}},
	}
}

func TestOnlyFilesThatNobodyElseNeedsAreCombined(t *testing.T) {
	for name, c := range map[string]struct {
		configs []*types.VirtualMachineConfigInfo
		pinned  map[string]bool
		want    *combination
	}{
		"a snapshot keeps its file": {
			configs: []*types.VirtualMachineConfigInfo{configWith("vm/b", "vm/a"), configWith("vm/a")},
		},
		"without the snapshot the child goes into the parent": {
			configs: []*types.VirtualMachineConfigInfo{configWith("vm/b", "vm/a")},
			want:    &combination{"[ds] vm/b", "[ds] vm/a"},
		},
		"two children keep their parent": {
			configs: []*types.VirtualMachineConfigInfo{configWith("vm/b", "vm/a"), configWith("vm/c", "vm/a")},
		},
		"a parent that is read elsewhere stays": {
			configs: []*types.VirtualMachineConfigInfo{configWith("vm/b", "vm/a")},
			pinned:  map[string]bool{"[ds] vm/a": true},
		},
		"a child that is read elsewhere stays": {
			configs: []*types.VirtualMachineConfigInfo{configWith("vm/c", "vm/b", "vm/a"), configWith("vm/c")},
			pinned:  map[string]bool{"[ds] vm/b": true},
		},
		"the base of another machine stays": {
			configs: []*types.VirtualMachineConfigInfo{configWith("vm/b", "golden/a")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := combinable(c.configs, c.pinned)
			if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("combinable is %v, want %v", got, c.want)
			}
		})
	}
}

func TestCombiningKeepsTheFileOfTheParentEverywhere(t *testing.T) {
	running, kept := configWith("vm/c", "vm/b", "vm/a"), configWith("vm/b", "vm/a")
	pair := combination{"[ds] vm/b", "[ds] vm/a"}

	pair.combine(running)
	pair.combine(kept)

	for config, want := range map[*types.VirtualMachineConfigInfo][]string{running: {"[ds] vm/c", "[ds] vm/a"}, kept: {"[ds] vm/a"}} {
		var got []string
		for _, unit := range chain(backingOf(disksOf(config)[0])) {
			got = append(got, unit.FileName)
		}
		if !slices.Equal(got, want) {
			t.Errorf("the files are %v, want %v", got, want)
		}
	}
}

func TestDeltasAreNumberedAfterTheirBase(t *testing.T) {
	taken := map[string]bool{"[ds] vm/vm-000001.vmdk": true}
	for file, want := range map[string]string{
		"[ds] vm/vm.vmdk":          "[ds] vm/vm-000002.vmdk",
		"[ds] vm/vm-000001.vmdk":   "[ds] vm/vm-000002.vmdk",
		"[ds] vm/other.vmdk":       "[ds] vm/other-000001.vmdk",
		"[ds] vm-000001/disk.vmdk": "[ds] vm-000001/disk-000001.vmdk",
	} {
		if got := deltaFile(file, taken); got != want {
			t.Errorf("the delta of %s is %s, want %s", file, got, want)
		}
	}
}
