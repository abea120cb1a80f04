package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Events of the changes that the rules make. Documented: an event names the
// session's user, the object, and for a reconfigure the spec that was sent.

// post sends an event as the user of the call.
func (c *Call) post(event types.BaseEvent) {
	manager := c.Ctx.Map.EventManager()
	manager.PostEvent(c.Ctx, &types.PostEvent{EventToPost: event})
	e := event.GetEvent()
	e.UserName = c.User
	if c.chain != 0 {
		e.ChainId = c.chain // documented: equals TaskInfo.eventChainId
	}
	e.CreatedTime = c.Twin.now()
	c.Twin.Touch(manager.Self)
}

func (c *Call) machineEvent(vm *simulator.VirtualMachine) types.VmEvent {
	event := types.VmEvent{Event: types.Event{
		Vm: &types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: vm.Name}, Vm: vm.Self},
	}}
	if vm.Config != nil {
		event.Template = vm.Config.Template
	}
	if host, ok := c.Ctx.Map.Get(*vm.Runtime.Host).(*simulator.HostSystem); ok {
		event.Host = &types.HostEventArgument{EntityEventArgument: types.EntityEventArgument{Name: host.Name}, Host: host.Self}
		if compute := computeOf(c.Ctx.Map, host.Parent); compute != nil {
			event.ComputeResource = &types.ComputeResourceEventArgument{
				EntityEventArgument: types.EntityEventArgument{Name: compute.Name}, ComputeResource: compute.Self,
			}
		}
	}
	event.Datacenter = c.datacenterArgument(vm.Self)
	return event
}

func (c *Call) datacenterArgument(ref types.ManagedObjectReference) *types.DatacenterEventArgument {
	dc := datacenterOf(c.Ctx.Map, ref)
	if dc == nil {
		return nil
	}
	return &types.DatacenterEventArgument{EntityEventArgument: types.EntityEventArgument{Name: dc.Name}, Datacenter: dc.Self}
}

func (c *Call) portgroupEvent(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup) types.DVPortgroupEvent {
	return types.DVPortgroupEvent{Event: types.Event{
		Datacenter: c.datacenterArgument(dvs.Self),
		Net:        &types.NetworkEventArgument{EntityEventArgument: types.EntityEventArgument{Name: pg.Name}, Network: pg.Self},
		Dvs:        &types.DvsEventArgument{EntityEventArgument: types.EntityEventArgument{Name: dvs.Name}, Dvs: dvs.Self},
	}}
}

func (c *Call) postPortgroupCreated(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup) {
	c.post(&types.DVPortgroupCreatedEvent{DVPortgroupEvent: c.portgroupEvent(dvs, pg)})
}

func (c *Call) postPortgroupDestroyed(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup) {
	c.post(&types.DVPortgroupDestroyedEvent{DVPortgroupEvent: c.portgroupEvent(dvs, pg)})
}

func (c *Call) postPortgroupReconfigured(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, spec *types.DVPortgroupConfigSpec, before *types.DVPortgroupConfigInfo) {
	c.post(&types.DVPortgroupReconfiguredEvent{
		DVPortgroupEvent: c.portgroupEvent(dvs, pg), ConfigSpec: *spec, ConfigChanges: configChanges(before, &pg.Config),
	})
}

func (c *Call) postMachineCreated(vm *simulator.VirtualMachine, _ *types.VirtualMachineConfigSpec) {
	c.post(&types.VmCreatedEvent{VmEvent: c.machineEvent(vm)})
}

func (c *Call) postMachineCloned(source, vm *simulator.VirtualMachine) {
	c.post(&types.VmClonedEvent{
		VmCloneEvent: types.VmCloneEvent{VmEvent: c.machineEvent(vm)},
		SourceVm:     types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: source.Name}, Vm: source.Self},
	})
}

func (c *Call) postMachineReconfigured(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec, before *types.VirtualMachineConfigInfo) {
	c.post(&types.VmReconfiguredEvent{
		VmEvent: c.machineEvent(vm), ConfigSpec: *spec, ConfigChanges: configChanges(before, vm.Config),
	})
}
