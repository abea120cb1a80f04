package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Hosts joining and leaving a distributed switch.

// checkMembers validates the host changes of a switch spec.
//
// Documented: one entry per host; AlreadyExists for a host that is a member,
// NotFound for an edit or removal of one that is not, ResourceInUse for a host
// that has VMs on the switch; the host's version has to fit the switch's.
// Inferred: a VMkernel adapter counts like a VM; a second entry for a host is an
// InvalidArgument; DvsOperationBulkFault names the host that is too old, or out of
// reach when it is to join; what happens to a member out of reach, it learns later.
func (c *Call) checkMembers(dvs *simulator.DistributedVirtualSwitch, changes []types.DistributedVirtualSwitchHostMemberConfigSpec) error {
	seen := map[types.ManagedObjectReference]bool{}
	for _, change := range changes {
		host, ok := c.Ctx.Map.Get(change.Host).(*simulator.HostSystem)
		if !ok {
			return notFound(change.Host)
		}
		if seen[change.Host] {
			return NewFault(&types.InvalidArgument{InvalidProperty: "spec.host"})
		}
		seen[change.Host] = true
		if err := c.checkMember(dvs, host, change); err != nil {
			return err
		}
	}
	return nil
}

func (c *Call) checkMember(dvs *simulator.DistributedVirtualSwitch, host *simulator.HostSystem, change types.DistributedVirtualSwitchHostMemberConfigSpec) error {
	member := simulator.FindReference(dvs.Summary.HostMember, change.Host) != nil
	operation := types.ConfigSpecOperation(change.Operation)
	switch {
	case operation == types.ConfigSpecOperationAdd && member:
		return NewFault(&types.AlreadyExists{Name: host.Name})
	case operation == types.ConfigSpecOperationAdd:
		if datacenterOf(c.Ctx.Map, host.Self) != datacenterOf(c.Ctx.Map, *c.switchParent(dvs)) {
			return NewFault(&types.InvalidArgument{InvalidProperty: "spec.host.host"})
		}
		if err := hostAnswers(host); err != nil {
			return hostFailed(host, asFault(err))
		}
		if err := tooOldFor(dvs.Summary.ProductInfo.Version, host); err != nil {
			return err
		}
		return c.checkPnics(dvs, host, change.Backing)
	case operation == types.ConfigSpecOperationEdit && member:
		return c.checkPnics(dvs, host, change.Backing)
	case operation == types.ConfigSpecOperationRemove && member:
		if used := c.usedBy(dvs, host); used != nil {
			return NewFault(&types.ResourceInUse{Type: used.Type, Name: used.Value})
		}
		return nil
	case operation == types.ConfigSpecOperationEdit, operation == types.ConfigSpecOperationRemove:
		return objectNotFound()
	}
	return NewFault(&types.InvalidArgument{InvalidProperty: "spec.host.operation"})
}

// switchParent is the folder of a switch; one that is being created has none yet.
func (c *Call) switchParent(dvs *simulator.DistributedVirtualSwitch) *types.ManagedObjectReference {
	if dvs.Parent != nil {
		return dvs.Parent
	}
	return &c.This
}

// usedBy returns a port group of the switch that a VM or a VMkernel adapter of the
// host uses.
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
	for _, ref := range dvs.Portgroup {
		if pg := portgroupOf(c.Ctx.Map, ref); pg != nil && kernelAdapterOn(host, pg) {
			return &pg.Self
		}
	}
	return nil
}

// kernelAdapterOn tells whether a VMkernel adapter of a host is on a group.
func kernelAdapterOn(host *simulator.HostSystem, pg *simulator.DistributedVirtualPortgroup) bool {
	if host.Config == nil || host.Config.Network == nil {
		return false
	}
	return slices.ContainsFunc(host.Config.Network.Vnic, func(nic types.HostVirtualNic) bool {
		return nic.Spec.DistributedVirtualPort != nil && nic.Spec.DistributedVirtualPort.PortgroupKey == pg.Key
	})
}

// changeMembers applies checked host changes, back references included. config is
// in force already.
func (c *Call) changeMembers(dvs *simulator.DistributedVirtualSwitch, config *types.VMwareDVSConfigInfo, changes []types.DistributedVirtualSwitchHostMemberConfigSpec) {
	for _, change := range changes {
		host := c.Ctx.Map.Get(change.Host).(*simulator.HostSystem)
		switch types.ConfigSpecOperation(change.Operation) {
		case types.ConfigSpecOperationAdd:
			dvs.Summary.HostMember = append(slices.Clone(dvs.Summary.HostMember), change.Host)
			config.Host = append(slices.Clone(config.Host), hostMember(dvs, change.Host))
			c.Twin.showNetworks(c.Ctx.Map, []types.ManagedObjectReference{change.Host}, false, dvs.Portgroup...)
			c.Twin.addUplinks(c.Ctx.Map, dvs, change.Host)
			c.Twin.backMember(c.Ctx.Map, dvs, change)
			c.post(&types.DvsHostJoinedEvent{DvsEvent: c.switchEvent(dvs), HostJoined: hostArgument(host)})
		case types.ConfigSpecOperationEdit:
			c.Twin.backMember(c.Ctx.Map, dvs, change)
		case types.ConfigSpecOperationRemove:
			c.Twin.removeUplinks(c.Ctx.Map, dvs, change.Host)
			hosts := slices.Clone(dvs.Summary.HostMember)
			simulator.RemoveReference(&hosts, change.Host)
			dvs.Summary.HostMember = hosts
			config.Host = slices.DeleteFunc(slices.Clone(config.Host), func(m types.DistributedVirtualSwitchHostMember) bool {
				return m.Config.Host != nil && *m.Config.Host == change.Host
			})
			c.Twin.hideNetworks(c.Ctx.Map, []types.ManagedObjectReference{change.Host}, dvs.Portgroup...)
			c.Twin.hideProxy(c.Ctx.Map, change.Host, dvs)
			c.post(&types.DvsHostLeftEvent{DvsEvent: c.switchEvent(dvs), HostLeft: hostArgument(host)})
		}
	}
	dvs.Summary.NumHosts = int32(len(dvs.Summary.HostMember))
	if len(changes) > 0 {
		for _, ref := range dvs.Portgroup {
			portgroupOf(c.Ctx.Map, ref).Host = slices.Clone(dvs.Summary.HostMember)
			c.Twin.Touch(ref)
		}
	}
	for _, host := range dvs.Summary.HostMember {
		c.Twin.showProxy(c.Ctx.Map, host, dvs)
	}
}

func hostMember(dvs *simulator.DistributedVirtualSwitch, host types.ManagedObjectReference) types.DistributedVirtualSwitchHostMember {
	return types.DistributedVirtualSwitchHostMember{
		Config: types.DistributedVirtualSwitchHostMemberConfigInfo{
			Host:                &host,
			MaxProxySwitchPorts: 2048,
			Backing:             &types.DistributedVirtualSwitchHostMemberPnicBacking{},
		},
		ProductInfo: dvs.Summary.ProductInfo,
		Status:      string(types.DistributedVirtualSwitchHostMemberHostComponentStateUp),
	}
}
