package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What the events of a distributed switch have in common.

// switchEvent names a switch and its datacenter. Documented: DvsEvent, Event.dvs.
func (c *Call) switchEvent(dvs *simulator.DistributedVirtualSwitch) types.DvsEvent {
	return types.DvsEvent{Event: types.Event{
		Datacenter: c.datacenterArgument(dvs.Self),
		Dvs:        &types.DvsEventArgument{EntityEventArgument: types.EntityEventArgument{Name: dvs.Name}, Dvs: dvs.Self},
	}}
}

// hostArgument names a host in an event.
func hostArgument(host *simulator.HostSystem) types.HostEventArgument {
	return types.HostEventArgument{EntityEventArgument: types.EntityEventArgument{Name: host.Name}, Host: host.Self}
}
