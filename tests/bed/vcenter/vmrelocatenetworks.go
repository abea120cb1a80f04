package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The NICs of a machine that moves, and the history of moves.

// planNetworks gives NICs the backings that the spec asks for and makes sure that
// the host has every network.
//
// Documented (RelocateSpec.deviceChange): for a NIC the device names the target
// backing, other specifications are ignored. Inferred: a key that no NIC has is an
// InvalidArgument.
func (m *relocation) planNetworks() error {
	for _, change := range m.spec.DeviceChange {
		spec := change.GetVirtualDeviceConfigSpec()
		asked, ok := spec.Device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		at := m.indexOf(asked.GetVirtualEthernetCard().Key)
		if at < 0 {
			return NewFault(&types.InvalidArgument{InvalidProperty: "spec.deviceChange.device.key"})
		}
		nic, ok := m.config.Hardware.Device[at].(types.BaseVirtualEthernetCard)
		if !ok {
			return NewFault(&types.InvalidArgument{InvalidProperty: "spec.deviceChange.device.key"})
		}
		if backing := asked.GetVirtualEthernetCard().Backing; backing != nil {
			card := nic.GetVirtualEthernetCard()
			card.Backing = cloneValue(backing)
			if card.DeviceInfo != nil {
				card.DeviceInfo.GetDescription().Summary = nicSummary(card)
			}
		}
	}
	for i, device := range m.config.Hardware.Device {
		if nic, ok := device.(types.BaseVirtualEthernetCard); ok {
			if err := m.planNIC(i, nic.GetVirtualEthernetCard()); err != nil {
				return err
			}
		}
	}
	return nil
}

// planNIC checks one NIC against the host.
//
// Documented (CannotAccessNetwork): an error if the host is no member of the
// distributed switch, or if the standard network is missing and the NIC is
// connected; else a warning. Observed: the two texts (pyvmomi issue 1041,
// community.vmware issue 1289).
func (m *relocation) planNIC(index int, nic *types.VirtualEthernetCard) error {
	r := m.call.Ctx.Map
	connected := nic.Connectable != nil && nic.Connectable.Connected
	label := nic.DeviceInfo.GetDescription().Label
	fault := func(network string, ref *types.ManagedObjectReference, format string) error {
		device := types.CannotAccessVmDevice{Device: label, Backing: network, Connected: connected}
		return Faultf(&types.CannotAccessNetwork{CannotAccessVmDevice: device, Network: ref}, format, label, network)
	}
	switch b := nic.Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		was := b.Network
		b.Network = m.call.Twin.standardNetwork(m.host, b.DeviceName)
		if b.Network == nil && connected {
			return fault(b.DeviceName, was, "Currently connected network interface '%s' uses network '%s', which is not accessible.")
		}
		return nil
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		dvs := m.call.Twin.switchByUUID(r, b.Port.SwitchUuid)
		ref := types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: b.Port.PortgroupKey}
		if dvs != nil && !slices.Contains(dvs.Summary.HostMember, m.host.Self) {
			return fault("DVSwitch: "+b.Port.SwitchUuid, &ref, "Network interface '%s' uses network '%s', which is not accessible.")
		}
		if portgroupOf(r, ref) == nil && slices.ContainsFunc(portUses(m.vm.Config), func(use portUse) bool {
			return use.nicKey == nic.Key && use.port.PortgroupKey == b.Port.PortgroupKey
		}) {
			return nil // it has been without a network before
		}
	}
	return m.checkNIC(index, nic)
}

// origin is where a machine was before a move, as its events tell.
type origin struct {
	host       types.HostEventArgument
	datacenter *types.DatacenterEventArgument
	datastore  *types.DatastoreEventArgument
}

func (c *Call) sourceOf(vm *simulator.VirtualMachine) origin {
	event := c.machineEvent(vm)
	from := origin{datacenter: event.Datacenter, datastore: c.datastoreArgument(vm)}
	if event.Host != nil {
		from.host = *event.Host
	}
	return from
}

// datastoreArgument is a machine's first datastore, the one of its home.
func (c *Call) datastoreArgument(vm *simulator.VirtualMachine) *types.DatastoreEventArgument {
	if len(vm.Datastore) == 0 {
		return nil
	}
	ds, ok := c.Ctx.Map.Get(vm.Datastore[0]).(*simulator.Datastore)
	if !ok {
		return nil
	}
	return &types.DatastoreEventArgument{EntityEventArgument: types.EntityEventArgument{Name: ds.Name}, Datastore: ds.Self}
}

// postMoved tells of a move. Documented: VmMigratedEvent for another host,
// VmRelocatedEvent for other storage, VmResourcePoolMovedEvent for another pool.
func (c *Call) postMoved(from origin, vm *simulator.VirtualMachine, files bool, was *types.ManagedObjectReference) {
	event := c.machineEvent(vm)
	event.Ds = c.datastoreArgument(vm)
	if event.Host != nil && event.Host.Host != from.host.Host {
		c.post(&types.VmMigratedEvent{
			VmEvent: event, SourceHost: from.host, SourceDatacenter: from.datacenter, SourceDatastore: from.datastore,
		})
	}
	if files {
		c.post(&types.VmRelocatedEvent{
			VmRelocateSpecEvent: types.VmRelocateSpecEvent{VmEvent: event},
			SourceHost:          from.host, SourceDatacenter: from.datacenter, SourceDatastore: from.datastore,
		})
	}
	if was != nil && vm.ResourcePool != nil && *was != *vm.ResourcePool {
		named := func(ref types.ManagedObjectReference) types.ResourcePoolEventArgument {
			return types.ResourcePoolEventArgument{
				EntityEventArgument: types.EntityEventArgument{Name: c.Twin.nameOf(ref)}, ResourcePool: ref,
			}
		}
		c.post(&types.VmResourcePoolMovedEvent{VmEvent: event, OldParent: named(*was), NewParent: named(*vm.ResourcePool)})
	}
}
