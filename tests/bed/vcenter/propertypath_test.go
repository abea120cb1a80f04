package main

import "testing"

func TestPathsThatCanExistAreValid(t *testing.T) {
	for _, c := range []struct {
		kind, path string
		want       bool
	}{
		{"VirtualMachine", "name", true},
		{"VirtualMachine", "config.nestedHVEnabled", true},
		{"VirtualMachine", "config.vPMCEnabled", true},
		{"VirtualMachine", "config.flags.vbsEnabled", true},
		{"VirtualMachine", "config.hardware.numCPU", true},
		{"VirtualMachine", "config.bootOptions.efiSecureBootEnabled", true},
		{"VirtualMachine", "config.hardware.device[4000].macAddress", true},
		{"VirtualMachine", `config.extraConfig["nestedhv.io/owner"].value`, true},
		{"VirtualMachine", "guest.ipAddress", true},
		{"VirtualMachine", "summary.runtime.powerState", true},
		{"VirtualMachine", "config.hardware.nestedHVEnabled", false},
		{"VirtualMachine", "config.hardware.device.macAddress", false},
		{"VirtualMachine", "name[1]", false},
		{"DistributedVirtualPortgroup", "config.defaultPortConfig.macManagementPolicy.macLearningPolicy.limit", true},
		{"DistributedVirtualPortgroup", "config.defaultPortConfig.vlan.vlanId", true},
		{"DistributedVirtualPortgroup", "config.defaultPortConfig.vlan.nonsense", false},
		{"DistributedVirtualPortgroup", "vm", true},
		{"VmwareDistributedVirtualSwitch", "config.configVersion", true},
		{"VmwareDistributedVirtualSwitch", "capability.featuresSupported.macLearningSupported", true},
		{"HostSystem", "capability.nestedHVSupported", true},
		{"Task", "info.state", true},
		{"Task", "info.reason.userName", true},
	} {
		path, ok := parsePath(c.path)
		if !ok {
			t.Errorf("%s is not even a path", c.path)
			continue
		}
		if got := path.valid(managedType(c.kind)); got != c.want {
			t.Errorf("%s on %s: valid is %v, want %v", c.path, c.kind, got, c.want)
		}
	}
}

func TestTextThatIsNoPathIsRefused(t *testing.T) {
	for _, text := range []string{"", ".", "a.", ".a", "a..b", "a[", "a[x]", `a["x]`, "a[1]b"} {
		if path, ok := parsePath(text); ok {
			t.Errorf("%q was read as %+v", text, path)
		}
	}
}

func TestATypeIsAllOfItsAncestors(t *testing.T) {
	for _, c := range []struct {
		kind, ancestor string
		want           bool
	}{
		{"VirtualMachine", "ManagedEntity", true},
		{"DistributedVirtualPortgroup", "Network", true},
		{"VmwareDistributedVirtualSwitch", "DistributedVirtualSwitch", true},
		{"ClusterComputeResource", "ComputeResource", true},
		{"Task", "ManagedEntity", false},
		{"Network", "DistributedVirtualPortgroup", false},
		{"NoSuchType", "ManagedEntity", false},
	} {
		if got := isA(c.kind, c.ancestor); got != c.want {
			t.Errorf("isA(%s, %s) is %v", c.kind, c.ancestor, got)
		}
	}
}
