package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Hosts joining and leaving a distributed switch.

// checkMembers validates the host changes of a switch spec.
//
// Documented: AlreadyExists for a host that is a member, NotFound for an edit or
// removal of one that is not, ResourceInUse for a host that has VMs on the switch.
func (c *Call) checkMembers(dvs *simulator.DistributedVirtualSwitch, changes []types.DistributedVirtualSwitchHostMemberConfigSpec) error {
	for _, change := range changes {
		host, ok := c.Ctx.Map.Get(change.Host).(*simulator.HostSystem)
		if !ok {
			return notFound(change.Host)
		}
		member := simulator.FindReference(dvs.Summary.HostMember, change.Host) != nil
		switch types.ConfigSpecOperation(change.Operation) {
		case types.ConfigSpecOperationAdd:
			if member {
				return NewFault(&types.AlreadyExists{Name: host.Name})
			}
		case types.ConfigSpecOperationEdit:
			if !member {
				return NewFault(&types.NotFound{})
			}
		case types.ConfigSpecOperationRemove:
			if !member {
				return NewFault(&types.NotFound{})
			}
			if used := c.usedBy(dvs, host); used != nil {
				return NewFault(&types.ResourceInUse{Type: used.Type, Name: used.Value})
			}
		default:
			return NewFault(&types.InvalidArgument{InvalidProperty: "spec.host.operation"})
		}
	}
	return nil
}

// usedBy returns a port group of the switch that a VM on the host uses.
func (c *Call) usedBy(dvs *simulator.DistributedVirtualSwitch, host *simulator.HostSystem) *types.ManagedObjectReference {
	for _, ref := range host.Vm {
		vm, ok := c.Ctx.Map.Get(ref).(*simulator.VirtualMachine)
		if !ok {
			continue
		}
		if used := simulator.FindReference(vm.Network, dvs.Portgroup...); used != nil {
			return used
		}
	}
	return nil
}

// changeMembers applies checked host changes, back references included.
func (c *Call) changeMembers(dvs *simulator.DistributedVirtualSwitch, config *types.VMwareDVSConfigInfo, changes []types.DistributedVirtualSwitchHostMemberConfigSpec) {
	for _, change := range changes {
		host := []types.ManagedObjectReference{change.Host}
		switch types.ConfigSpecOperation(change.Operation) {
		case types.ConfigSpecOperationAdd:
			dvs.Summary.HostMember = append(dvs.Summary.HostMember, change.Host)
			config.Host = append(config.Host, hostMember(change.Host))
			c.Twin.showNetworks(c.Ctx.Map, host, false, dvs.Portgroup...)
		case types.ConfigSpecOperationRemove:
			simulator.RemoveReference(&dvs.Summary.HostMember, change.Host)
			config.Host = dropMember(config.Host, change.Host)
			c.Twin.hideNetworks(c.Ctx.Map, host, dvs.Portgroup...)
		}
		for _, ref := range dvs.Portgroup {
			pg := portgroupOf(c.Ctx.Map, ref)
			pg.Host = append([]types.ManagedObjectReference(nil), dvs.Summary.HostMember...)
			c.Twin.Touch(ref)
		}
	}
}

func hostMember(host types.ManagedObjectReference) types.DistributedVirtualSwitchHostMember {
	return types.DistributedVirtualSwitchHostMember{
		Config: types.DistributedVirtualSwitchHostMemberConfigInfo{
			Host:                &host,
			MaxProxySwitchPorts: 2048,
			Backing:             &types.DistributedVirtualSwitchHostMemberPnicBacking{},
		},
		Status: string(types.DistributedVirtualSwitchHostMemberHostComponentStateUp),
	}
}

func dropMember(members []types.DistributedVirtualSwitchHostMember, host types.ManagedObjectReference) []types.DistributedVirtualSwitchHostMember {
	var out []types.DistributedVirtualSwitchHostMember
	for _, m := range members {
		if m.Config.Host == nil || *m.Config.Host != host {
			out = append(out, m)
		}
	}
	return out
}
