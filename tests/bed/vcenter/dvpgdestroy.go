package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Deletion of a port group, and who keeps it from being deleted.

// destroyPortgroup models Destroy_Task on a port group.
//
// Observed: ResourceInUse {type, name} while a NIC of a VM is on it
// (saltstack/salt issue 62064). Inferred: powered-off VMs and templates count
// too, since early binding holds a port from the reconfigure on; so does a
// VMkernel adapter. An uplink group belongs to its switch, and one of NSX to NSX:
// neither can be deleted by a client.
func destroyPortgroup(c *Call, _ any) (any, error) {
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		pg := portgroupOf(tc.Ctx.Map, c.This)
		if pg == nil {
			return nil, notFound(c.This)
		}
		dvs, err := switchOf(tc.Ctx.Map, *pg.Config.DistributedVirtualSwitch)
		if err != nil {
			return nil, err
		}
		if ownedByNsx(pg) {
			return nil, NewFault(&types.NotSupported{})
		}
		if isTrue(pg.Config.Uplink) || tc.portgroupInUse(dvs, pg) {
			return nil, NewFault(&types.ResourceInUse{Type: "DistributedVirtualPortgroup", Name: pg.Name})
		}
		tc.postPortgroupDestroyed(dvs, pg)
		tc.Twin.removePortgroup(tc.Ctx, dvs, pg)
		return nil, nil
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}

// portgroupInUse tells whether a VM, a template or a VMkernel adapter uses a group.
func (c *Call) portgroupInUse(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup) bool {
	for _, ref := range pg.Vm {
		vm, ok := c.Ctx.Map.Get(ref).(*simulator.VirtualMachine)
		if !ok {
			continue
		}
		ephemeral := pg.Config.Type == string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral)
		off := vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff
		if !ephemeral || !off || c.Twin.inventory.rules.EphemeralOffBlocksDestroy {
			return true
		}
	}
	for _, ref := range dvs.Summary.HostMember {
		host, ok := c.Ctx.Map.Get(ref).(*simulator.HostSystem)
		if ok && kernelAdapterOn(host, pg) {
			return true
		}
	}
	return false
}

// removePortgroup takes a group out of every list that linkPortgroup put it in.
func (t *Twin) removePortgroup(ctx *simulator.Context, dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup) {
	simulator.RemoveReference(&dvs.Portgroup, pg.Self)
	names := make([]string, 0, len(dvs.Summary.PortgroupName))
	for _, name := range dvs.Summary.PortgroupName {
		if name != pg.Name {
			names = append(names, name)
		}
	}
	dvs.Summary.PortgroupName = names
	t.hideNetworks(ctx.Map, pg.Host, pg.Self)
	for _, ref := range pg.Vm {
		if vm, ok := ctx.Map.Get(ref).(*simulator.VirtualMachine); ok {
			simulator.RemoveReference(&vm.Network, pg.Self)
			t.Touch(ref)
		}
	}
	t.dropPorts(dvs, pg, pg.PortKeys...)
	t.removeChild(ctx, pg)
}

// removeChild takes an entity out of its folder, its datacenter and the registry.
func (t *Twin) removeChild(ctx *simulator.Context, e mo.Entity) {
	ref := e.Reference()
	if parent := e.Entity().Parent; parent != nil {
		if folder, err := folderOf(ctx.Map, *parent); err == nil {
			simulator.RemoveReference(&folder.ChildEntity, ref)
			t.Touch(folder.Self)
		}
	}
	if dc := datacenterOf(ctx.Map, ref); dc != nil {
		simulator.RemoveReference(&dc.Network, ref)
		t.Touch(dc.Self)
	}
	ctx.Map.Remove(ctx, ref)
}

func isTrue(b *bool) bool { return b != nil && *b }
