package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Hosts that enter and leave the inventory.

// newestStockProduct is the newest ESXi version that govmomi can turn into a
// hardware version; it panics on a newer one while it adds a host.
const newestStockProduct = "8.0.2"

// adoptHosts completes what the compute resources of the stock model show of their hosts.
func (t *Twin) adoptHosts() {
	for _, obj := range ordered(t.registry().AllReference("HostSystem")) {
		host, ok := obj.(*simulator.HostSystem)
		if !ok {
			continue
		}
		t.countHosts(host.Parent)
	}
}

// addHostToCluster models AddHost_Task.
//
// Documented: NoHost when the host cannot be contacted, here one without a name;
// DuplicateName when a host of the cluster has the name; AlreadyConnected when
// vCenter has the host elsewhere; asConnected decides whether it is connected; the
// result is the HostSystem. Licences and logins of hosts are not modelled.
func addHostToCluster(c *Call, req any) (any, error) {
	r := req.(*types.AddHost_Task)
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		compute := computeOf(tc.Ctx.Map, &c.This)
		if compute == nil {
			return nil, notFound(c.This)
		}
		if err := tc.checkNewHost(r.Spec.HostName, compute.Host); err != nil {
			return nil, err
		}
		made, err := tc.stockHost(r, r.Spec.UserName, compute.Host)
		if err != nil {
			return nil, err
		}
		tc.completeNewHost(made, r.AsConnected)
		return made.Self, nil
	})
	return &types.AddHost_TaskResponse{Returnval: ref}, nil
}

// addStandaloneHost models AddStandaloneHost_Task.
//
// Documented: NotSupported in a folder that takes no compute resources, otherwise
// the faults of AddHost_Task; the result is the new ComputeResource.
func addStandaloneHost(c *Call, req any) (any, error) {
	r := req.(*types.AddStandaloneHost_Task)
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		folder, err := folderOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if !takes(folder, "ComputeResource") {
			return nil, NewFault(&types.NotSupported{})
		}
		if err := tc.checkNewHost(r.Spec.HostName, nil); err != nil {
			return nil, err
		}
		if err := tc.claimName(folder, escapeName(r.Spec.HostName), types.ManagedObjectReference{}); err != nil {
			return nil, err
		}
		made, err := tc.stockHost(r, r.Spec.UserName, nil)
		if err != nil {
			return nil, err
		}
		computeOf(tc.Ctx.Map, made.Parent).Network = nil // hostNetworksCame lists what the host has
		tc.completeNewHost(made, r.AddConnected)
		return *made.Parent, nil
	})
	return &types.AddStandaloneHost_TaskResponse{Returnval: ref}, nil
}

// checkNewHost tells whether a host of this name can be added beside those of a cluster.
func (c *Call) checkNewHost(name string, cluster []types.ManagedObjectReference) error {
	if name == "" {
		return NewFault(&types.NoHost{Name: name})
	}
	for _, obj := range c.Ctx.Map.AllReference("HostSystem") {
		host, ok := obj.(*simulator.HostSystem)
		if !ok || host.Name != name {
			continue
		}
		if simulator.FindReference(cluster, host.Self) != nil {
			return NewFault(&types.DuplicateName{Name: name, Object: host.Self})
		}
		return NewFault(&types.AlreadyConnected{HostConnectFault: types.HostConnectFault{}, Name: name})
	}
	return nil
}

// stockHost lets the simulator build a host. It copies one of the cluster whose
// name is the user name of the spec, shared parts included, which are separated here.
func (c *Call) stockHost(req any, like string, cluster []types.ManagedObjectReference) (*simulator.HostSystem, error) {
	r := c.Ctx.Map
	if compute := computeOf(r, &c.This); compute != nil {
		networks := compute.Network
		compute.Network = []types.ManagedObjectReference{{}} // stock takes the first one, and hostNetworksCame puts it right
		defer func() { compute.Network = networks }()
	}
	defer c.lendNetwork(c.This)()
	var pattern *simulator.HostSystem
	for _, ref := range cluster {
		if host, ok := r.Get(ref).(*simulator.HostSystem); ok {
			version := host.Config.Product.Version
			host.Config.Product.Version = newestStockProduct
			defer func() { host.Config.Product.Version = version }()
			if host.Name == like {
				pattern = host
			}
		}
	}
	if pattern != nil {
		hardware := cloneValue(pattern.Hardware)
		defer func() { pattern.Hardware = hardware }()
	}
	result, err := c.CallStock(req)
	if err != nil {
		return nil, err
	}
	host, err := hostOf(r, result.(types.ManagedObjectReference))
	if err != nil {
		return nil, err
	}
	host.Hardware, host.Capability = cloneValue(host.Hardware), cloneValue(host.Capability)
	if host.Parent.Type == "ComputeResource" {
		computeOf(r, host.Parent).Network = nil // stock writes the datacenter's first network, whether the host has it or not
	}
	return host, nil
}

// completeNewHost gives a host of the simulator what a real one brings along.
func (c *Call) completeNewHost(host *simulator.HostSystem, connected bool) {
	t := c.Twin
	t.completeHost(host)
	host.Config.Network = freshHostNetwork(host.Config.Network)
	host.Runtime.ConnectionState = types.HostSystemConnectionStateDisconnected
	host.Runtime.PowerState = types.HostSystemPowerStateUnknown
	host.Runtime.InMaintenanceMode = false
	if connected {
		host.Runtime.ConnectionState = types.HostSystemConnectionStateConnected
		host.Runtime.PowerState = types.HostSystemPowerStatePoweredOn
	}
	t.hostNetworksCame(c.Ctx, host)
	for _, ref := range host.Datastore {
		if ds, ok := c.Ctx.Map.Get(ref).(*simulator.Datastore); ok {
			t.mountDatastore(ds, host.Self)
		}
	}
	t.countHosts(host.Parent)
	t.Touch(host.Self, *host.Parent)
	t.watchers.moved()
	c.post(&types.HostAddedEvent{HostEvent: c.hostEvent(host)})
}

// freshHostNetwork is the network configuration of a host that was made after the
// pattern of another one: it is on no distributed switch and runs no machine.
func freshHostNetwork(pattern *types.HostNetworkInfo) *types.HostNetworkInfo {
	info := cloneValue(pattern)
	info.ProxySwitch = nil
	for i := range info.Portgroup {
		group := &info.Portgroup[i]
		group.Port = slices.DeleteFunc(group.Port, func(p types.HostPortGroupPort) bool {
			return p.Type == string(types.PortGroupConnecteeTypeVirtualMachine)
		})
	}
	return info
}

// destroyHost models Destroy_Task on a host.
//
// Documented: NotSupported for a stand-alone host, which goes with its compute
// resource. Observed (community.vmware vmware_host, terraform vsphere_host): clients
// put a host into maintenance mode or disconnect it first; that InvalidState is the
// fault otherwise is inferred.
func destroyHost(c *Call, _ any) (any, error) {
	ref := c.hostTask(func(tc *TaskContext, host *simulator.HostSystem) error {
		if host.Parent.Type == "ComputeResource" {
			return NewFault(&types.NotSupported{})
		}
		if hostConnected(host) && !host.Runtime.InMaintenanceMode {
			return NewFault(&types.InvalidState{})
		}
		tc.removeHost(host)
		return nil
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}

// removeHost takes a host out of the inventory.
//
// Documented (Folder.Destroy_Task): its machines leave the inventory with it; they
// stay on disk and go on as they are.
func (c *Call) removeHost(host *simulator.HostSystem) {
	t, r := c.Twin, c.Ctx.Map
	event := c.hostEvent(host)
	for _, ref := range append([]types.ManagedObjectReference(nil), host.Vm...) {
		if vm, ok := r.Get(ref).(*simulator.VirtualMachine); ok {
			kept := c.storeMachine(ref)
			c.post(&types.VmRemovedEvent{VmEvent: c.machineEvent(vm)})
			t.unlinkMachine(c.Ctx, vm)
			c.keepFiles(kept)
		}
	}
	c.leaveNetworks(host)
	c.post(&types.HostRemovedEvent{HostEvent: event})
	for _, ref := range host.Datastore {
		if ds, ok := r.Get(ref).(*simulator.Datastore); ok {
			t.unmountDatastore(ds, host.Self)
		}
	}
	c.detachHost(host)
	delete(t.inventory.late, host.Self)
	r.Remove(c.Ctx, host.Self)
	t.watchers.moved()
}

// detachHost takes a host out of its compute resource.
func (c *Call) detachHost(host *simulator.HostSystem) {
	compute := computeOf(c.Ctx.Map, host.Parent)
	simulator.RemoveReference(&compute.Host, host.Self)
	if compute.EnvironmentBrowser != nil {
		// The simulator asks every host that it lists here when another one comes.
		if browser, ok := c.Ctx.Map.Get(*compute.EnvironmentBrowser).(*simulator.EnvironmentBrowser); ok {
			for i := range browser.QueryConfigOptionDescriptorResponse.Returnval {
				simulator.RemoveReference(&browser.QueryConfigOptionDescriptorResponse.Returnval[i].Host, host.Self)
			}
		}
	}
	c.Twin.countHosts(host.Parent)
	c.Twin.Touch(compute.Self, host.Self)
}

// leaveNetworks takes a host out of the switches and networks that list it.
func (c *Call) leaveNetworks(host *simulator.HostSystem) {
	t, r := c.Twin, c.Ctx.Map
	for _, obj := range r.AllReference("") {
		dvs, ok := obj.(*simulator.DistributedVirtualSwitch)
		if !ok || simulator.FindReference(dvs.Summary.HostMember, host.Self) == nil {
			continue
		}
		c.changeMembers(dvs, switchConfig(dvs), []types.DistributedVirtualSwitchHostMemberConfigSpec{
			{Operation: string(types.ConfigSpecOperationRemove), Host: host.Self},
		})
		t.Touch(dvs.Self)
	}
	t.hostNetworksGone(c.Ctx, host)
}

// takes tells whether a folder may hold entities of a type. Documented: Folder.childType.
func takes(folder *mo.Folder, kind string) bool {
	for _, t := range folder.ChildType {
		if isA(kind, t) {
			return true
		}
	}
	return false
}
