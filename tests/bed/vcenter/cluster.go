package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Clusters and stand-alone compute resources: made, emptied, deleted, and what they
// show of their hosts.

func registerClusters(t *Twin) {
	t.Handle("CreateClusterEx", "Folder", createCluster)
	for _, kind := range []string{"ClusterComputeResource", "ComputeResource"} {
		t.Handle("Destroy_Task", kind, exceptOnHost(destroyCompute))
	}
	t.Handle("Destroy_Task", "Datacenter", exceptOnHost(destroyDatacenter))
}

// exceptOnHost refuses a deletion on a host without a vCenter, which would take away
// what it is made of. Observed: govmomi's own test deletes the datacenter of an ESXi
// host and wants to fail (govc/test/datacenter.bats); the fault is inferred, and that it
// is the same for the host's compute resource.
func exceptOnHost(destroy Handler) Handler {
	return func(c *Call, req any) (any, error) {
		if c.Twin.cfg.ESX {
			ref := c.failedTask(c.This, descriptionID(c.This.Type, c.Method), NewFault(&types.NotSupported{}))
			return &types.Destroy_TaskResponse{Returnval: ref}, nil
		}
		return destroy(c, req)
	}
}

// createCluster models CreateClusterEx, which is no task.
//
// Documented: NotSupported in a folder that takes no compute resources,
// DuplicateName, InvalidName. Inferred: a cluster without hosts has no networks and
// no datastores.
func createCluster(c *Call, req any) (any, error) {
	r := req.(*types.CreateClusterEx)
	folder, err := folderOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	if !takes(folder, "ComputeResource") {
		return nil, NewFault(&types.NotSupported{})
	}
	name := escapeName(r.Name)
	if err := c.claimName(folder, name, types.ManagedObjectReference{}); err != nil {
		return nil, err
	}
	asked := *r
	asked.Name = name
	defer c.lendNetwork(c.This)()
	res, err := c.CallStock(&asked)
	if err != nil {
		return nil, err
	}
	cluster := c.Ctx.Map.Get(res.(*types.CreateClusterExResponse).Returnval).(*simulator.ClusterComputeResource)
	cluster.Network, cluster.Datastore = nil, nil
	config := cluster.ConfigurationEx.(*types.ClusterConfigInfoEx)
	if spec := r.Spec.DrsConfig; spec != nil {
		mergeSet(&config.DrsConfig, spec)
	}
	if spec := r.Spec.DasConfig; spec != nil {
		mergeSet(&config.DasConfig, spec)
	}
	c.Twin.Touch(cluster.Self)
	return res, nil
}

// destroyCompute models Destroy_Task on a cluster or a stand-alone host's compute
// resource. Documented (Folder, for compute resources inside it): the hosts are
// simply removed from the inventory, along with their machines.
func destroyCompute(c *Call, _ any) (any, error) {
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		if computeOf(tc.Ctx.Map, &c.This) == nil {
			return nil, notFound(c.This)
		}
		tc.removeCompute(c.This)
		return nil, nil
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}

// removeCompute takes a compute resource, its hosts and its pools out of the inventory.
func (c *Call) removeCompute(ref types.ManagedObjectReference) {
	r := c.Ctx.Map
	compute := computeOf(r, &ref)
	for _, host := range append([]types.ManagedObjectReference(nil), compute.Host...) {
		if h, err := hostOf(r, host); err == nil {
			c.removeHost(h)
		}
	}
	c.removePools(*compute.ResourcePool)
	if compute.EnvironmentBrowser != nil {
		r.Remove(c.Ctx, *compute.EnvironmentBrowser)
	}
	c.Twin.removeChild(c.Ctx, r.Get(ref).(mo.Entity))
	c.Twin.watchers.moved()
}

// removePools takes a resource pool and those below it out of the inventory.
func (c *Call) removePools(ref types.ManagedObjectReference) {
	pool := poolOf(c.Ctx.Map, &ref)
	if pool == nil {
		return
	}
	for _, child := range pool.ResourcePool {
		c.removePools(child)
	}
	c.Ctx.Map.Remove(c.Ctx, ref)
}

// destroyDatacenter models Destroy_Task on a datacenter. Documented (Folder): hosts
// and machines are unregistered and go on as they are. Inferred: what is left inside
// goes too.
func destroyDatacenter(c *Call, _ any) (any, error) {
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		dc, ok := tc.Ctx.Map.Get(c.This).(*simulator.Datacenter)
		if !ok {
			return nil, notFound(c.This)
		}
		for _, folder := range []types.ManagedObjectReference{dc.HostFolder, dc.VmFolder, dc.NetworkFolder, dc.DatastoreFolder} {
			tc.removeTree(folder)
		}
		tc.Twin.removeChild(tc.Ctx, dc)
		tc.Twin.watchers.moved()
		return nil, nil
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}

// removeTree takes a folder and all below it out of the inventory, without a word
// to what runs there.
func (c *Call) removeTree(ref types.ManagedObjectReference) {
	folder, err := folderOf(c.Ctx.Map, ref)
	if err != nil {
		return // its last content went with a host
	}
	for _, child := range append([]types.ManagedObjectReference(nil), folder.ChildEntity...) {
		switch e := c.Ctx.Map.Get(child).(type) {
		case nil:
		case *simulator.Folder:
			c.removeTree(child)
		case *simulator.VirtualMachine:
			c.Twin.unlinkMachine(c.Ctx, e)
		case *simulator.ClusterComputeResource, *mo.ComputeResource:
			c.removeCompute(child)
		case mo.Entity:
			c.Twin.removeChild(c.Ctx, e)
		}
	}
	c.Twin.removeChild(c.Ctx, c.Ctx.Map.Get(ref).(mo.Entity))
}

// countHosts sums up what a compute resource shows of its hosts: totals, networks
// and datastores.
//
// Documented (ComputeResourceSummary): effective numbers leave out hosts that are
// in maintenance mode or do not respond; network and datastore list those of all
// hosts.
func (t *Twin) countHosts(ref *types.ManagedObjectReference) {
	compute := computeOf(t.registry(), ref)
	if compute == nil {
		return
	}
	var networks, datastores []types.ManagedObjectReference
	summary := compute.Summary.GetComputeResourceSummary()
	*summary = types.ComputeResourceSummary{OverallStatus: summary.OverallStatus}
	for _, member := range compute.Host {
		host, err := hostOf(t.registry(), member)
		if err != nil {
			continue
		}
		for _, network := range host.Network {
			addReference(&networks, network)
		}
		for _, datastore := range host.Datastore {
			addReference(&datastores, datastore)
		}
		hw := host.Summary.Hardware
		summary.NumHosts++
		summary.TotalCpu += hw.CpuMhz * int32(hw.NumCpuCores)
		summary.TotalMemory += hw.MemorySize
		summary.NumCpuCores += hw.NumCpuCores
		summary.NumCpuThreads += hw.NumCpuThreads
		if t.inService(host) {
			summary.NumEffectiveHosts++
			summary.EffectiveCpu += hw.CpuMhz * int32(hw.NumCpuCores)
			summary.EffectiveMemory += hw.MemorySize >> 20
		}
	}
	compute.Network, compute.Datastore = networks, datastores
	t.Touch(*ref)
}
