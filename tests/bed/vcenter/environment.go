package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Environment browsers: which hardware versions, guests and capabilities a cluster,
// a stand-alone host or a machine has at its disposal. They are computed from the
// hosts that are there at the moment, so a host that joins, leaves or is upgraded
// needs no second thought.

func registerEnvironment(t *Twin) {
	t.HandleMode("QueryConfigOptionDescriptor", "EnvironmentBrowser", Reader, queryConfigOptionDescriptor)
	t.HandleMode("QueryConfigOptionEx", "EnvironmentBrowser", Reader, queryConfigOptionEx)
	t.HandleMode("QueryConfigOption", "EnvironmentBrowser", Reader, queryConfigOption)
	t.HandleMode("QueryTargetCapabilities", "EnvironmentBrowser", Reader, queryTargetCapabilities)
}

// hardwareOf is the newest hardware version of an ESXi release. Documented: KB 2007240
// and KB 1003746, "Virtual machine hardware versions".
var hardwareOf = []struct {
	release string
	version int
}{
	{"9.0", 22}, {"8.0.2", 21}, {"8.0", 20}, {"7.0.2", 19}, {"7.0.1", 18}, {"7.0", 17}, {"6.7.2", 15}, {"6.7", 14}, {"6.5", 13}, {"6.0", 11}, {"5.5", 10},
}

// hardwareVersions are those that an ESXi offers up to its newest. Observed
// (ansible-vsphere-gos-validation pull 118, ESXi 7.0.3): 4 and 7 to 19.
var hardwareVersions = []int{4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}

func newestHardware(host *simulator.HostSystem) int {
	for _, row := range hardwareOf {
		if atLeast(host.Config.Product.Version, row.release) {
			return row.version
		}
	}
	return 9
}

// hardwareKey writes a hardware version as vSphere does: vmx-09, vmx-21.
func hardwareKey(version int) string { return fmt.Sprintf("vmx-%02d", version) }

// environment is what a browser belongs to: hosts, and a machine if it is a machine's.
type environment struct {
	hosts   []*simulator.HostSystem
	machine *simulator.VirtualMachine
}

// giveBrowser makes the environment browser of a machine. Documented: a machine has
// one of its own, VirtualMachine.environmentBrowser.
func (t *Twin) giveBrowser(vm *simulator.VirtualMachine) {
	browser := &simulator.EnvironmentBrowser{}
	browser.Self = types.ManagedObjectReference{Type: "EnvironmentBrowser", Value: "envbrowser-" + strings.TrimPrefix(vm.Self.Value, "vm-")}
	t.registry().Put(browser)
	vm.EnvironmentBrowser = browser.Self
	t.inventory.browsers[browser.Self] = vm.Self
}

// environmentOf finds what a browser belongs to.
func (c *Call) environmentOf() environment {
	r := c.Ctx.Map
	var env environment
	var compute *mo.ComputeResource
	if ref, ok := c.Twin.inventory.browsers[c.This]; ok {
		if env.machine, ok = r.Get(ref).(*simulator.VirtualMachine); ok {
			if host, err := hostOf(r, *env.machine.Runtime.Host); err == nil {
				compute = computeOf(r, host.Parent)
			}
		}
	}
	for _, obj := range append(r.AllReference("ClusterComputeResource"), r.AllReference("ComputeResource")...) {
		ref := obj.Reference()
		if some := computeOf(r, &ref); some != nil && some.EnvironmentBrowser != nil && *some.EnvironmentBrowser == c.This {
			compute = some
		}
	}
	if compute != nil {
		for _, ref := range compute.Host {
			if host, err := hostOf(r, ref); err == nil {
				env.hosts = append(env.hosts, host)
			}
		}
	}
	return env
}

// queryConfigOptionDescriptor models QueryConfigOptionDescriptor.
//
// Documented: one row per hardware version with the hosts that support it; the
// latest version is the default; without hosts there is none.
func queryConfigOptionDescriptor(c *Call, _ any) (any, error) {
	env, newest := c.environmentOf(), 0
	for _, host := range env.hosts {
		newest = max(newest, newestHardware(host))
	}
	res := &types.QueryConfigOptionDescriptorResponse{}
	for _, version := range hardwareVersions {
		if version > newest {
			break
		}
		row := types.VirtualMachineConfigOptionDescriptor{
			Key: hardwareKey(version), Description: hardwareKey(version), DefaultConfigOption: version == newest,
			CreateSupported: true, RunSupported: true, UpgradeSupported: true,
		}
		for _, host := range env.hosts {
			if newestHardware(host) >= version {
				row.Host = append(row.Host, host.Self)
			}
		}
		res.Returnval = append(res.Returnval, row)
	}
	return res, nil
}

// queryConfigOptionEx models QueryConfigOptionEx.
//
// Documented: guestId filters guestOSDescriptor, and the whole list comes back when
// nothing matches; null when the key is unknown or the cluster has no hosts
// (vm-operator takes that as "this hardware version does not exist here"); without a
// spec the browser of a machine tells of that machine's version, with its guest only.
func queryConfigOptionEx(c *Call, req any) (any, error) {
	spec := req.(*types.QueryConfigOptionEx).Spec
	if spec == nil {
		spec = &types.EnvironmentBrowserConfigOptionQuerySpec{}
		if env := c.environmentOf(); env.machine != nil {
			config := c.Twin.configOf(env.machine)
			spec.Key, spec.GuestId = config.Version, []string{config.GuestId}
		}
	}
	return &types.QueryConfigOptionExResponse{Returnval: c.configOption(spec.Key, spec.Host, spec.GuestId)}, nil
}

// queryConfigOption models QueryConfigOption. Documented: as QueryConfigOptionEx
// without a filter for guests.
func queryConfigOption(c *Call, req any) (any, error) {
	r := req.(*types.QueryConfigOption)
	return &types.QueryConfigOptionResponse{Returnval: c.configOption(r.Key, r.Host, nil)}, nil
}

// configOption is the option of a hardware version. Documented: a host alone asks for
// the default of that host, nothing at all for the default of the browser. Observed
// (vm-operator): hosts are not merged, the one with the lowest product version that
// supports the key answers.
func (c *Call) configOption(key string, host *types.ManagedObjectReference, ids []string) *types.VirtualMachineConfigOption {
	newest := 0
	for _, candidate := range c.environmentOf().hosts {
		if host == nil || candidate.Self == *host {
			newest = max(newest, newestHardware(candidate))
		}
	}
	version := newest
	if key != "" {
		version = hardwareNumber(key)
	}
	if version > newest || !slices.Contains(hardwareVersions, version) {
		return nil
	}
	return configOptionFor(hardwareKey(version), ids)
}

// queryTargetCapabilities models QueryTargetCapabilities.
//
// Documented: those of one host, or the intersection of all; null without hosts.
// Only boolean members are intersected; of the others the first host's stand
// (inferred, the twin's hosts are alike in them).
func queryTargetCapabilities(c *Call, req any) (any, error) {
	asked := req.(*types.QueryTargetCapabilities).Host
	var common *types.HostCapability
	for _, host := range c.environmentOf().hosts {
		switch {
		case asked != nil && host.Self != *asked:
		case common == nil:
			common = cloneValue(host.Capability)
		default:
			intersect(common, host.Capability)
		}
	}
	return &types.QueryTargetCapabilitiesResponse{Returnval: common}, nil
}
