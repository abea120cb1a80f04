package main

import (
	"log"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Hosts that come, go and change behind vCenter's back. These are the functions for
// whoever moves hosts in the inventory:
//
//	hostNetworksCame   the host is in the inventory: list its networks
//	hostNetworksGone   the host is about to leave it: its networks go with it
//	hostNetworksMoved  the host has another parent: bring both parents' lists in line
//	learnHostNetworks  vCenter hears what changed on the host meanwhile

// adoptHostNetworks completes the hosts that the stock model builder made.
func (t *Twin) adoptHostNetworks(ctx *simulator.Context) {
	for _, obj := range ordered(ctx.Map.AllReference("Network")) {
		network, ok := obj.(*mo.Network)
		if dc := datacenterOf(ctx.Map, obj.Reference()); ok && dc != nil {
			network.Host, network.Vm = nil, nil
			t.inventory.standard.networks[networkKey{dc.Self, network.Name}] = network.Self
		}
	}
	hosts := ctx.Map.AllReference("HostSystem")
	slices.SortFunc(hosts, func(a, b mo.Reference) int {
		if older(a.Reference(), b.Reference()) {
			return -1
		}
		return 1
	})
	for _, obj := range hosts {
		if host, ok := obj.(*simulator.HostSystem); ok {
			t.hostNetworksCame(ctx, host)
		}
	}
}

// hostNetworksCame completes a host's network system and lists its networks on it,
// on its compute resource and in its datacenter. Documented (Network): created
// automatically when a host is added. May be called again for the same host.
func (t *Twin) hostNetworksCame(ctx *simulator.Context, host *simulator.HostSystem) {
	if host.Config == nil || host.Config.Network == nil {
		return
	}
	t.shareNetworkInfo(host)
	t.adoptOptions(host)
	host.Network = nil // the stock list shares its memory with other lists
	if compute := computeOf(ctx.Map, host.Parent); compute != nil {
		compute.Network = slices.Clone(compute.Network)
	}
	n := t.networkOfHost(ctx, host)
	n.countPorts()
	for i := range n.info.Portgroup {
		t.joinNetwork(ctx, host, n.info.Portgroup[i].Spec.Name)
	}
	for _, obj := range ordered(ctx.Map.AllReference("VmwareDistributedVirtualSwitch")) {
		if dvs, ok := obj.(*simulator.DistributedVirtualSwitch); ok && slices.Contains(dvs.Summary.HostMember, host.Self) {
			t.showNetworks(ctx.Map, []types.ManagedObjectReference{host.Self}, false, dvs.Portgroup...)
		}
	}
	for _, ref := range host.Vm {
		if vm, ok := ctx.Map.Get(ref).(*simulator.VirtualMachine); ok {
			t.replug(vm)
		}
	}
	n.changed()
}

// shareNetworkInfo makes networkSystem.networkInfo the host's own configuration, so
// that the two cannot differ.
func (t *Twin) shareNetworkInfo(host *simulator.HostSystem) {
	if host.ConfigManager.NetworkSystem == nil {
		return
	}
	system, ok := t.registry().Get(*host.ConfigManager.NetworkSystem).(*simulator.HostNetworkSystem)
	if !ok {
		return
	}
	system.NetworkInfo = host.Config.Network
	// Observed values of an ESXi host; no limit of port groups was found.
	system.Capabilities = &types.HostNetCapabilities{
		CanSetPhysicalNicLinkSpeed: true, SupportsNicTeaming: true, NicTeamingPolicy: slices.Clone(teamingPolicies),
		SupportsVlan: true, SupportsNetworkHints: true, VswitchConfigSupported: true, VnicConfigSupported: true,
		IpRouteConfigSupported: true, DnsConfigSupported: true, DhcpOnVnicSupported: true, IpV6Supported: true,
	}
}

// hostNetworksGone takes a host off every network. Documented: a Network without
// another user goes with it.
func (t *Twin) hostNetworksGone(ctx *simulator.Context, host *simulator.HostSystem) {
	delete(t.inventory.standard.lateNetworks, host.Self)
	if host.Config == nil || host.Config.Network == nil {
		return
	}
	for i := range host.Config.Network.Portgroup {
		t.leaveNetwork(ctx, host, host.Config.Network.Portgroup[i].Spec.Name)
	}
	t.hideNetworks(ctx.Map, []types.ManagedObjectReference{host.Self}, slices.Clone(host.Network)...)
}

// hostNetworksMoved writes the network list of a host's old and new compute resource
// anew. The host itself keeps its networks, since it stays in its datacenter.
func (t *Twin) hostNetworksMoved(ctx *simulator.Context, host *simulator.HostSystem, from *mo.ComputeResource) {
	for _, compute := range []*mo.ComputeResource{from, computeOf(ctx.Map, host.Parent)} {
		if compute == nil {
			continue
		}
		seen := map[types.ManagedObjectReference]bool{}
		compute.Network = nil
		for _, ref := range compute.Host {
			member, ok := ctx.Map.Get(ref).(*simulator.HostSystem)
			if !ok {
				continue
			}
			for _, network := range member.Network {
				if !seen[network] {
					seen[network] = true
					compute.Network = append(compute.Network, network)
				}
			}
		}
		t.Touch(compute.Self)
	}
}

// lateNetworkChange is what somebody did on the host itself, where vCenter has not
// looked since.
type lateNetworkChange func(*hostNet) error

// learnHostNetworks shows what changed on a host. A change that fits no more, for a
// group that went meanwhile, is dropped: the host is what it is. The first of those
// is returned.
func (t *Twin) learnHostNetworks(ctx *simulator.Context, host *simulator.HostSystem) (dropped error) {
	waiting := t.inventory.standard.lateNetworks[host.Self]
	delete(t.inventory.standard.lateNetworks, host.Self)
	for _, change := range waiting {
		if err := change(t.networkOfHost(ctx, host)); err != nil {
			log.Printf("twin: %s refuses a change that was made on it: %s", host.Name, err)
			if dropped == nil {
				dropped = err
			}
		}
	}
	return dropped
}
