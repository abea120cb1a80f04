package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// A host's connection to vCenter. What a host does behind a broken connection is
// learned when it is back, see hostlate.go.

func registerHosts(t *Twin) {
	t.Handle("DisconnectHost_Task", "HostSystem", disconnectHost)
	t.Handle("ReconnectHost_Task", "HostSystem", reconnectHost)
	t.Handle("EnterMaintenanceMode_Task", "HostSystem", enterMaintenance)
	t.Handle("ExitMaintenanceMode_Task", "HostSystem", exitMaintenance)
	t.Handle("Destroy_Task", "HostSystem", destroyHost)
	t.Handle("AddHost_Task", "ClusterComputeResource", addHostToCluster)
	t.Handle("AddStandaloneHost_Task", "Folder", addStandaloneHost)
	t.Handle("MoveInto_Task", "ClusterComputeResource", moveHosts)
	t.Handle("MoveHostInto_Task", "ClusterComputeResource", moveHost)
}

// hostConnected tells whether vCenter can talk to a host.
func hostConnected(host *simulator.HostSystem) bool {
	return host.Runtime.ConnectionState == types.HostSystemConnectionStateConnected
}

// inService tells whether a host can take machines: connected, and not in or on its
// way into maintenance mode.
func (t *Twin) inService(host *simulator.HostSystem) bool {
	return hostConnected(host) && !host.Runtime.InMaintenanceMode && !t.inventory.entering[host.Self]
}

// setHostConnection puts a connection state in force: the host's own properties,
// its machines, and what it did meanwhile.
//
// Documented (HostSystemPowerState.unknown): the power state of a host that is
// disconnected or does not respond is unknown. Events: HostDisconnectedEvent,
// HostConnectionLostEvent and HostConnectedEvent.
func (t *Twin) setHostConnection(host *simulator.HostSystem, state types.HostSystemConnectionState) {
	if host.Runtime.ConnectionState == state {
		return
	}
	host.Runtime.ConnectionState = state
	host.Runtime.PowerState = types.HostSystemPowerStateUnknown
	c := t.system()
	event := c.hostEvent(host)
	switch state {
	case types.HostSystemConnectionStateConnected:
		host.Runtime.PowerState = types.HostSystemPowerStatePoweredOn
		c.post(&types.HostConnectedEvent{HostEvent: event})
	case types.HostSystemConnectionStateDisconnected:
		c.post(&types.HostDisconnectedEvent{HostEvent: event})
	case types.HostSystemConnectionStateNotResponding:
		c.post(&types.HostConnectionLostEvent{HostEvent: event})
	}
	for _, ref := range host.Vm {
		if vm, ok := t.registry().Get(ref).(*simulator.VirtualMachine); ok {
			t.settleMachine(vm)
		}
	}
	t.countHosts(host.Parent)
	t.Touch(host.Self)
	if hostConnected(host) {
		t.learnLate(host.Self)
		_ = t.learnHostNetworks(c.Ctx, host) // what the host refused is in the log
	}
}

// disconnectHost models DisconnectHost_Task. Documented: vCenter stops talking to
// the host; NotSupported on a host itself, which is always connected. Inferred: a
// host that is disconnected already stays so.
func disconnectHost(c *Call, _ any) (any, error) {
	ref := c.hostTask(func(_ *TaskContext, host *simulator.HostSystem) error {
		if c.Twin.cfg.ESX {
			return NewFault(&types.NotSupported{})
		}
		c.Twin.setHostConnection(host, types.HostSystemConnectionStateDisconnected)
		return nil
	})
	return &types.DisconnectHost_TaskResponse{Returnval: ref}, nil
}

// reconnectHost models ReconnectHost_Task. Documented: InvalidState if the host is
// not disconnected. Inferred: one that does not respond can be reconnected too, and a
// host itself supports this as little as DisconnectHost_Task.
func reconnectHost(c *Call, _ any) (any, error) {
	ref := c.hostTask(func(_ *TaskContext, host *simulator.HostSystem) error {
		if c.Twin.cfg.ESX {
			return NewFault(&types.NotSupported{})
		}
		if hostConnected(host) {
			return NewFault(&types.InvalidState{})
		}
		c.Twin.setHostConnection(host, types.HostSystemConnectionStateConnected)
		return nil
	})
	return &types.ReconnectHost_TaskResponse{Returnval: ref}, nil
}

// hostTask runs a task on the host that the call is for.
func (c *Call) hostTask(body func(*TaskContext, *simulator.HostSystem) error) types.ManagedObjectReference {
	return c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		host, err := hostOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		return nil, body(tc, host)
	})
}

func hostOf(r *simulator.Registry, ref types.ManagedObjectReference) (*simulator.HostSystem, error) {
	if host, ok := r.Get(ref).(*simulator.HostSystem); ok {
		return host, nil
	}
	return nil, notFound(ref)
}

// hostEvent is what all events of a host have in common.
func (c *Call) hostEvent(host *simulator.HostSystem) types.HostEvent {
	event := types.HostEvent{Event: types.Event{
		Host:       &types.HostEventArgument{EntityEventArgument: types.EntityEventArgument{Name: host.Name}, Host: host.Self},
		Datacenter: c.datacenterArgument(host.Self),
	}}
	if compute := computeOf(c.Ctx.Map, host.Parent); compute != nil {
		event.ComputeResource = &types.ComputeResourceEventArgument{
			EntityEventArgument: types.EntityEventArgument{Name: compute.Name}, ComputeResource: compute.Self,
		}
	}
	return event
}
