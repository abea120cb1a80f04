package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Events of the changes that the rules make. Documented: an event names the
// session's user, the object, and for a reconfigure the spec that was sent.

// post records an event as the user of the call did it, in the chain of its task.
// Documented: Event.chainId equals TaskInfo.eventChainId.
func (c *Call) post(event types.BaseEvent) {
	c.Twin.record(event, c.User, c.chain)
	if x, ok := event.(*types.EventEx); ok {
		c.alarm(x)
	}
}

func (c *Call) machineEvent(vm *simulator.VirtualMachine) types.VmEvent {
	event := types.VmEvent{Event: c.Twin.eventAbout(vm.Self)}
	if vm.Config != nil {
		event.Template = vm.Config.Template
	}
	return event
}

func (c *Call) eventAbout(ref types.ManagedObjectReference) types.Event {
	return c.Twin.eventAbout(ref)
}

// eventAbout fills in the arguments that name an entity and where it is.
func (t *Twin) eventAbout(ref types.ManagedObjectReference) types.Event {
	event := types.Event{Datacenter: t.datacenterArgument(ref)}
	switch e := t.registry().Get(ref).(type) {
	case *simulator.VirtualMachine:
		event.Vm = &types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: e.Name}, Vm: ref}
		if e.Runtime.Host != nil {
			t.nameHost(&event, *e.Runtime.Host)
		}
	case *simulator.HostSystem:
		t.nameHost(&event, ref)
	case *simulator.DistributedVirtualPortgroup:
		event.Net = &types.NetworkEventArgument{EntityEventArgument: types.EntityEventArgument{Name: e.Name}, Network: ref}
		if ref := e.Config.DistributedVirtualSwitch; ref != nil {
			if dvs, err := switchOf(t.registry(), *ref); err == nil {
				event.Dvs = switchArgument(dvs)
			}
		}
	case *simulator.DistributedVirtualSwitch:
		event.Dvs = switchArgument(e)
	case *mo.Network:
		event.Net = &types.NetworkEventArgument{EntityEventArgument: types.EntityEventArgument{Name: e.Name}, Network: ref}
	case *simulator.Datastore:
		event.Ds = &types.DatastoreEventArgument{EntityEventArgument: types.EntityEventArgument{Name: e.Name}, Datastore: ref}
	case *simulator.ClusterComputeResource:
		event.ComputeResource = &types.ComputeResourceEventArgument{
			EntityEventArgument: types.EntityEventArgument{Name: e.Name}, ComputeResource: ref,
		}
	}
	return event
}

func switchArgument(dvs *simulator.DistributedVirtualSwitch) *types.DvsEventArgument {
	return &types.DvsEventArgument{EntityEventArgument: types.EntityEventArgument{Name: dvs.Name}, Dvs: dvs.Self}
}

// nameHost adds a host and its compute resource.
func (t *Twin) nameHost(event *types.Event, ref types.ManagedObjectReference) {
	host, ok := t.registry().Get(ref).(*simulator.HostSystem)
	if !ok {
		return
	}
	event.Host = &types.HostEventArgument{EntityEventArgument: types.EntityEventArgument{Name: host.Name}, Host: ref}
	if compute := computeOf(t.registry(), host.Parent); compute != nil {
		event.ComputeResource = &types.ComputeResourceEventArgument{
			EntityEventArgument: types.EntityEventArgument{Name: compute.Name}, ComputeResource: compute.Self,
		}
	}
}

func (c *Call) datacenterArgument(ref types.ManagedObjectReference) *types.DatacenterEventArgument {
	return c.Twin.datacenterArgument(ref)
}

func (t *Twin) datacenterArgument(ref types.ManagedObjectReference) *types.DatacenterEventArgument {
	dc := datacenterOf(t.registry(), ref)
	if dc == nil {
		return nil
	}
	return &types.DatacenterEventArgument{EntityEventArgument: types.EntityEventArgument{Name: dc.Name}, Datacenter: dc.Self}
}

// portgroupEvent names the switch by itself: a group that is gone has none.
func (c *Call) portgroupEvent(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup) types.DVPortgroupEvent {
	return types.DVPortgroupEvent{Event: types.Event{
		Datacenter: c.Twin.datacenterArgument(dvs.Self),
		Net:        &types.NetworkEventArgument{EntityEventArgument: types.EntityEventArgument{Name: pg.Name}, Network: pg.Self},
		Dvs:        switchArgument(dvs),
	}}
}

func (c *Call) postPortgroupCreated(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup) {
	c.post(&types.DVPortgroupCreatedEvent{DVPortgroupEvent: c.portgroupEvent(dvs, pg)})
}

func (c *Call) postPortgroupDestroyed(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup) {
	c.post(&types.DVPortgroupDestroyedEvent{DVPortgroupEvent: c.portgroupEvent(dvs, pg)})
}

func (c *Call) postPortgroupReconfigured(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, spec *types.DVPortgroupConfigSpec, before *types.DVPortgroupConfigInfo) {
	c.Twin.postRenamed(pg.Self, before.Name, pg.Config.Name, c.User, c.chain)
	if c.Method == "Rename_Task" {
		return
	}
	c.post(&types.DVPortgroupReconfiguredEvent{
		DVPortgroupEvent: c.portgroupEvent(dvs, pg), ConfigSpec: *spec, ConfigChanges: configChanges(before, &pg.Config),
	})
}

func (c *Call) postMachineCreated(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) {
	c.post(&types.VmBeingCreatedEvent{VmEvent: c.machineEvent(vm), ConfigSpec: spec})
	c.post(&types.VmCreatedEvent{VmEvent: c.machineEvent(vm)})
}

// postMachineCloned tells of a copy. Documented: VmBeingClonedEvent and VmClonedEvent,
// of a template VmBeingDeployedEvent and VmDeployedEvent.
func (c *Call) postMachineCloned(source, vm *simulator.VirtualMachine) {
	from := types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: source.Name}, Vm: source.Self}
	made := c.machineEvent(vm)
	if source.Config.Template {
		c.post(&types.VmBeingDeployedEvent{VmEvent: made, SrcTemplate: from})
		c.post(&types.VmDeployedEvent{VmEvent: made, SrcTemplate: from})
		return
	}
	begun := types.VmBeingClonedEvent{VmCloneEvent: types.VmCloneEvent{VmEvent: c.machineEvent(source)}, DestName: vm.Name}
	if made.Host != nil {
		begun.DestHost = *made.Host
	}
	if vm.Parent != nil {
		begun.DestFolder = types.FolderEventArgument{
			EntityEventArgument: types.EntityEventArgument{Name: c.Twin.nameOf(*vm.Parent)}, Folder: *vm.Parent,
		}
	}
	c.post(&begun)
	c.post(&types.VmClonedEvent{VmCloneEvent: types.VmCloneEvent{VmEvent: made}, SourceVm: from})
}

func (c *Call) postMachineReconfigured(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec, before *types.VirtualMachineConfigInfo) {
	c.Twin.postRenamed(vm.Self, before.Name, vm.Config.Name, c.User, c.chain)
	c.post(&types.VmReconfiguredEvent{
		VmEvent: c.machineEvent(vm), ConfigSpec: *spec, ConfigChanges: configChanges(before, vm.Config),
	})
}

// postRenamed tells of a new name. Documented: VmRenamedEvent, DVPortgroupRenamedEvent and
// DvsRenamedEvent; other entities have no such event.
func (t *Twin) postRenamed(ref types.ManagedObjectReference, was, is, user string, chain int32) {
	about := t.eventAbout(ref)
	switch {
	case was == is:
	case about.Vm != nil:
		t.record(&types.VmRenamedEvent{VmEvent: types.VmEvent{Event: about}, OldName: was, NewName: is}, user, chain)
	case ref.Type == "DistributedVirtualPortgroup":
		t.record(&types.DVPortgroupRenamedEvent{DVPortgroupEvent: types.DVPortgroupEvent{Event: about}, OldName: was, NewName: is}, user, chain)
	case isSwitch(ref.Type):
		t.record(&types.DvsRenamedEvent{DvsEvent: types.DvsEvent{Event: about}, OldName: was, NewName: is}, user, chain)
	}
}
