package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Network objects of standard port groups.
//
// The idea: a Network is a name in a datacenter. It comes with the first host that
// has a port group of that name and goes with its last user, a host or a virtual
// machine; nobody creates or destroys one. So it is always derived: joinNetwork and
// leaveNetwork are told of port groups, relinkNetworks of machines.

// standardMemo is what the rules of standard switches remember beside the objects.
type standardMemo struct {
	networks     map[networkKey]types.ManagedObjectReference
	plugs        plugTable
	lateNetworks map[types.ManagedObjectReference][]lateNetworkChange
	optionHosts  map[types.ManagedObjectReference]types.ManagedObjectReference // by their option manager
}

func newStandardMemo() standardMemo {
	return standardMemo{
		networks:     map[networkKey]types.ManagedObjectReference{},
		plugs:        plugTable{byVM: map[types.ManagedObjectReference][]plug{}},
		lateNetworks: map[types.ManagedObjectReference][]lateNetworkChange{},
		optionHosts:  map[types.ManagedObjectReference]types.ManagedObjectReference{},
	}
}

// networkKey identifies a Network: names differ in case too, as on the host.
type networkKey struct {
	datacenter types.ManagedObjectReference
	name       string // as the entity shows it, escaped
}

// networkNamed finds the Network of a name in a host's datacenter.
func (t *Twin) networkNamed(host *simulator.HostSystem, name string) *mo.Network {
	dc := datacenterOf(t.registry(), host.Self)
	if dc == nil {
		return nil
	}
	return networkByRef(t.registry(), t.inventory.standard.networks[networkKey{dc.Self, escapeName(name)}])
}

func networkByRef(r *simulator.Registry, ref types.ManagedObjectReference) *mo.Network {
	n, _ := r.Get(ref).(*mo.Network)
	return n
}

// joinNetwork lists a host with the Network of one of its port groups.
//
// Documented (Network): created explicitly when a host is configured, and when a
// host is added. Observed (the datacenter of an ESXi host that govmomi's simulator
// carries): a port group of the host's own adapters is no Network. Observed
// (terraform-provider-vsphere issue 349, govmomi issue 949): a distributed port
// group of the same name may lie beside it.
func (t *Twin) joinNetwork(ctx *simulator.Context, host *simulator.HostSystem, name string) {
	dc := datacenterOf(ctx.Map, host.Self)
	if dc == nil || carriesVmknic(host.Config.Network, name) {
		return
	}
	key := networkKey{dc.Self, escapeName(name)}
	network := networkByRef(ctx.Map, t.inventory.standard.networks[key])
	if network == nil {
		network = t.createNetwork(ctx, dc, key)
	}
	addReference(&network.Host, host.Self)
	showAccessible(network)
	t.Touch(network.Self, host.Self)
	addReference(&host.Network, network.Self)
	if compute := computeOf(ctx.Map, host.Parent); compute != nil {
		addReference(&compute.Network, network.Self)
		t.Touch(compute.Self)
	}
}

// createNetwork puts a new Network into the datacenter's network folder. Observed:
// on a stand-alone ESXi host its id is made of its name.
func (t *Twin) createNetwork(ctx *simulator.Context, dc *simulator.Datacenter, key networkKey) *mo.Network {
	folder, err := folderOf(ctx.Map, dc.NetworkFolder)
	if err != nil {
		panic(err) // each datacenter has this folder
	}
	network := &mo.Network{}
	ctx.Map.NewEntity(network)
	if t.cfg.ESX {
		network.Self.Value = "HaNetwork-" + key.name
	}
	network.Name = key.name
	network.Entity().Name = key.name
	t.inventory.standard.networks[key] = network.Self
	folder.ChildEntity = append(folder.ChildEntity, network.Self)
	ctx.Map.PutEntity(folder, network)
	dc.Network = append(dc.Network, network.Self)
	t.Touch(folder.Self, dc.Self)
	return network
}

// showAccessible writes a Network's summary. Documented (NetworkSummary.accessible):
// at least one host is configured to provide the network.
func showAccessible(network *mo.Network) {
	network.Summary = &types.NetworkSummary{Network: &network.Self, Name: network.Name, Accessible: len(network.Host) > 0}
}

// leaveNetwork is the reverse of joinNetwork.
func (t *Twin) leaveNetwork(ctx *simulator.Context, host *simulator.HostSystem, name string) {
	network := t.networkNamed(host, name)
	if network == nil {
		return
	}
	simulator.RemoveReference(&network.Host, host.Self)
	simulator.RemoveReference(&host.Network, network.Self)
	showAccessible(network)
	if compute := computeOf(ctx.Map, host.Parent); compute != nil && !anyIn(network.Host, compute.Host) {
		simulator.RemoveReference(&compute.Network, network.Self)
		t.Touch(compute.Self)
	}
	t.Touch(network.Self, host.Self)
	t.dropUnusedNetwork(ctx, network)
}

func anyIn(refs, of []types.ManagedObjectReference) bool {
	return slices.ContainsFunc(refs, func(ref types.ManagedObjectReference) bool { return slices.Contains(of, ref) })
}

// dropUnusedNetwork removes a Network without users. Documented (DestroyNetwork):
// networks are removed automatically when they are no longer in use, and one is used
// by hosts and by virtual machines.
func (t *Twin) dropUnusedNetwork(ctx *simulator.Context, network *mo.Network) {
	if len(network.Host)+len(network.Vm) > 0 {
		return
	}
	if dc := datacenterOf(ctx.Map, network.Self); dc != nil {
		delete(t.inventory.standard.networks, networkKey{dc.Self, network.Name})
	}
	t.removeChild(ctx, network)
}

// lendNetwork gives a datacenter without networks one for as long as stock code runs
// that takes the first of the list and does not look whether there is any.
func (c *Call) lendNetwork(at types.ManagedObjectReference) (takeBack func()) {
	dc := datacenterOf(c.Ctx.Map, at)
	if dc == nil || len(dc.Network) > 0 {
		return func() {}
	}
	dc.Network = []types.ManagedObjectReference{{}}
	return func() { dc.Network = dc.Network[1:] }
}

// destroyNetwork models DestroyNetwork. Documented: deprecated, it throws
// ResourceInUse.
func destroyNetwork(c *Call, _ any) (any, error) {
	return nil, NewFault(&types.ResourceInUse{Name: c.Twin.nameOf(c.This)})
}

// standardNetwork finds the Network that a machine's NIC gets on a host: by name
// among the host's port groups. Documented (VirtualEthernetCardNetworkBackingInfo):
// the reference in the backing is not used for configuration, the name is.
func (t *Twin) standardNetwork(host *simulator.HostSystem, name string) *types.ManagedObjectReference {
	if host.Config == nil || host.Config.Network == nil {
		return nil
	}
	if _, ok := (&hostNet{info: host.Config.Network}).group(name); !ok {
		return nil
	}
	network := t.networkNamed(host, name)
	if network == nil {
		return nil
	}
	ref := network.Self
	return &ref
}
