package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Hosts that change their cluster. Their machines go with them.

// moveHosts models MoveInto_Task.
//
// Documented: the hosts are moved one at a time, and a failure leaves the rest
// where it is; InvalidArgument for a host of another datacenter, DuplicateName for
// one that is in the cluster, InvalidState for one of another cluster that is not in
// maintenance mode; a stand-alone host's compute resource is removed and its pools
// are discarded.
func moveHosts(c *Call, req any) (any, error) {
	hosts := req.(*types.MoveInto_Task).Host
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		for _, ref := range hosts {
			host, err := hostOf(tc.Ctx.Map, ref)
			if err != nil {
				return nil, err
			}
			if *host.Parent == c.This {
				return nil, NewFault(&types.DuplicateName{Name: host.Name, Object: ref})
			}
			if err := tc.moveHostInto(host, nil); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	return &types.MoveInto_TaskResponse{Returnval: ref}, nil
}

// moveHost models MoveHostInto_Task. Documented: as MoveInto_Task, but
// InvalidArgument for a host that is in the cluster already; the machines of a
// stand-alone host come into the resource pool that is named.
func moveHost(c *Call, req any) (any, error) {
	r := req.(*types.MoveHostInto_Task)
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		host, err := hostOf(tc.Ctx.Map, r.Host)
		if err != nil {
			return nil, err
		}
		if *host.Parent == c.This {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "host"})
		}
		if r.ResourcePool != nil {
			if pool := poolOf(tc.Ctx.Map, r.ResourcePool); pool == nil || pool.Owner != c.This {
				return nil, NewFault(&types.InvalidArgument{InvalidProperty: "resourcePool"})
			}
		}
		return nil, tc.moveHostInto(host, r.ResourcePool)
	})
	return &types.MoveHostInto_TaskResponse{Returnval: ref}, nil
}

func (tc *TaskContext) moveHostInto(host *simulator.HostSystem, pool *types.ManagedObjectReference) error {
	r := tc.Ctx.Map
	target := computeOf(r, &tc.This)
	if target == nil {
		return notFound(tc.This)
	}
	if datacenterOf(r, tc.This) != datacenterOf(r, host.Self) {
		return NewFault(&types.InvalidArgument{InvalidProperty: "host"})
	}
	alone := host.Parent.Type == "ComputeResource"
	if !alone && !host.Runtime.InMaintenanceMode {
		return NewFault(&types.InvalidState{})
	}
	if pool == nil || !alone {
		pool = target.ResourcePool
	}
	tc.attachHost(host, tc.This, *pool)
	return nil
}

// attachHost moves a host and its machines to another compute resource.
func (c *Call) attachHost(host *simulator.HostSystem, to, pool types.ManagedObjectReference) {
	t, r, old := c.Twin, c.Ctx.Map, *host.Parent
	c.detachHost(host)
	target := computeOf(r, &to)
	target.Host = append(target.Host, host.Self)
	host.Parent = &to
	for _, ref := range host.Vm {
		if vm, ok := r.Get(ref).(*simulator.VirtualMachine); ok && vm.ResourcePool != nil {
			t.changePool(r, vm, &pool)
		}
	}
	t.countHosts(&to)
	t.hostNetworksMoved(c.Ctx, host, computeOf(r, &old))
	if old.Type == "ComputeResource" {
		c.removeCompute(old)
	}
	t.Touch(host.Self, to)
	t.watchers.moved()
}

// standAlone models MoveIntoFolder_Task for a host: it leaves its cluster and gets
// a compute resource of its own.
//
// Documented: InvalidState unless the host is part of a cluster of the same
// datacenter and in maintenance mode; the new compute resource has the host's name
// and one root resource pool; the machines of the host move along.
func (tc *TaskContext) standAlone(host *simulator.HostSystem, folder *mo.Folder) error {
	r := tc.Ctx.Map
	if host.Parent.Type == "ComputeResource" || !host.Runtime.InMaintenanceMode ||
		datacenterOf(r, folder.Self) != datacenterOf(r, host.Self) {
		return NewFault(&types.InvalidState{})
	}
	if err := tc.claimName(folder, host.Name, types.ManagedObjectReference{}); err != nil {
		return err
	}
	compute := &mo.ComputeResource{
		Summary: &types.ComputeResourceSummary{OverallStatus: types.ManagedEntityStatusGreen},
		ConfigurationEx: &types.ComputeResourceConfigInfo{
			VmSwapPlacement: string(types.VirtualMachineConfigInfoSwapPlacementTypeVmDirectory),
		},
	}
	compute.Name = host.Name
	r.NewEntity(compute)
	pool := simulator.NewResourcePool(tc.Ctx)
	r.NewEntity(pool)
	pool.Owner = compute.Self
	compute.ResourcePool = &pool.Self
	browser := &simulator.EnvironmentBrowser{}
	self := r.Put(browser).Reference()
	compute.EnvironmentBrowser = &self
	folder.ChildEntity = append(folder.ChildEntity, compute.Self)
	r.PutEntity(folder, compute)
	r.PutEntity(compute, pool)
	tc.attachHost(host, compute.Self, pool.Self)
	tc.Twin.Touch(folder.Self)
	return nil
}
