package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Going back to a snapshot.

// revertToSnapshot models RevertToSnapshot_Task.
//
// Documented: the machine's execution state becomes that of the snapshot, which is
// the current one afterwards; a snapshot of a running machine powers it on, unless
// suppressPowerOn says otherwise.
func revertToSnapshot(c *Call, req any) (any, error) {
	r := req.(*types.RevertToSnapshot_Task)
	ref, err := c.snapshotTask(func(tc *TaskContext, s *simulator.VirtualMachineSnapshot, vm *simulator.VirtualMachine) error {
		return tc.revert(vm, s, r.Host, isTrue(r.SuppressPowerOn))
	})
	if err != nil {
		return nil, err
	}
	return &types.RevertToSnapshot_TaskResponse{Returnval: ref}, nil
}

// revertToCurrentSnapshot models RevertToCurrentSnapshot_Task. Documented twice and
// contradictory: without a snapshot "the operation does nothing", and NotFound "if
// the virtual machine does not have a current snapshot"; a rule switch decides.
func revertToCurrentSnapshot(c *Call, req any) (any, error) {
	r := req.(*types.RevertToCurrentSnapshot_Task)
	ref := c.availableMachineTask(func(tc *TaskContext, vm *simulator.VirtualMachine) error {
		if vm.Snapshot == nil || vm.Snapshot.CurrentSnapshot == nil {
			if tc.Twin.inventory.rules.RevertWithoutSnapshotFails {
				return Faultf(&types.NotFound{}, "The object or item referred to could not be found.")
			}
			return nil
		}
		s, _, err := snapshotOf(tc.Ctx.Map, *vm.Snapshot.CurrentSnapshot)
		if err != nil {
			return err
		}
		return tc.revert(vm, s, r.Host, isTrue(r.SuppressPowerOn))
	})
	return &types.RevertToCurrentSnapshot_TaskResponse{Returnval: ref}, nil
}

// revert puts a snapshot's configuration and power state in force.
//
// Documented (administration guide, "a snapshot preserves the virtual machine
// settings"): all of the configuration comes back, hardware version, extraConfig,
// notes and devices included; what was written since is lost. Nothing found on the
// name: a rule switch decides. Inferred: changeVersion changes, as with any other
// change, nothing changes at all when the machine could not be powered on, and a
// template, which has no power state to go back to, is NotSupported.
func (c *Call) revert(vm *simulator.VirtualMachine, s *simulator.VirtualMachineSnapshot, asked *types.ManagedObjectReference, suppress bool) error {
	t, r := c.Twin, c.Ctx.Map
	if vm.Config.Template {
		return NewFault(&types.NotSupported{})
	}
	node := findSnapshot(vm.Snapshot.RootSnapshotList, s.Self)
	d, err := c.draftOf(vm)
	if err != nil {
		return err
	}
	was := vm.Config
	config := cloneValue(s.Config)
	d.config = &config
	config.Files, config.Template = was.Files, was.Template
	state := stateAfterRevert(node.State, suppress)
	if state == poweredOn {
		if asked != nil {
			host, ok := r.Get(*asked).(*simulator.HostSystem)
			if !ok {
				return notFound(*asked)
			}
			if pool := poolOf(r, vm.ResourcePool); pool != nil && *host.Parent != pool.Owner { // inferred
				return NewFault(&types.InvalidArgument{InvalidProperty: "host"})
			}
			d.host = host
		}
		if err := c.checkRevertHost(d); err != nil {
			return err
		}
	}
	if config.Name != was.Name {
		name := config.Name
		config.Name = was.Name
		if t.inventory.rules.RevertRestoresName {
			if err := d.applyName(name); err != nil {
				return err
			}
		}
	}
	d.settleNetworks()
	if err := d.checkPorts(); err != nil {
		return err
	}
	if d.host.Self != *vm.Runtime.Host {
		c.Twin.moveToHost(vm, d.host.Self)
	}
	info := cloneValue(vm.Snapshot)
	info.CurrentSnapshot = &s.Self
	addDeltas(&config, filesOf(snapshotConfigs(r, vm))) // the running point is given up, and its files with it
	c.resume(d, state)
	t.setSnapshots(r, vm, info)
	t.settleChains(r, vm, false)
	t.refresh(vm)
	return nil
}

// stateAfterRevert is the power state that a snapshot goes back to. Documented:
// suppressPowerOn keeps the machine from being powered on. Inferred from the
// client's "Suspend this virtual machine when reverting": it is suspended then,
// with the snapshot's memory.
func stateAfterRevert(kept types.VirtualMachinePowerState, suppress bool) types.VirtualMachinePowerState {
	if kept == poweredOn && suppress {
		return suspended
	}
	return kept
}

// checkRevertHost makes sure that the machine can run where it is going to.
func (c *Call) checkRevertHost(d *draft) error {
	probe := &simulator.VirtualMachine{}
	probe.Config = d.config
	return c.Twin.checkPowerOnHost(d.host, probe)
}

// resume commits a draft with another power state.
func (c *Call) resume(d *draft, state types.VirtualMachinePowerState) {
	t, vm, before := c.Twin, d.vm, d.vm.Runtime.PowerState
	if before == poweredOn {
		t.endGuest(vm)
	}
	vm.Runtime.PowerState = state
	now := t.now()
	vm.Runtime.BootTime, vm.Runtime.SuspendTime = nil, nil
	disconnectDevices(d.config)
	if state == poweredOff {
		showHotPlug(d.config, false)
	}
	switch state {
	case poweredOn:
		vm.Runtime.BootTime = &now
		d.connectDevices()
	case suspended:
		vm.Runtime.SuspendTime = &now
	}
	d.commit()
	switch {
	case state == poweredOn:
		if t.inventory.guestOf(vm.Self).profile.Tools {
			t.showGuest(vm) // its memory is back, so nothing has to boot
		}
		if before != poweredOn {
			c.post(&types.VmPoweredOnEvent{VmEvent: c.machineEvent(vm)})
		}
	case before == poweredOn && state == poweredOff:
		c.post(&types.VmPoweredOffEvent{VmEvent: c.machineEvent(vm)})
	}
}

// connectDevices connects what starts connected, unless its network is gone.
func (d *draft) connectDevices() {
	for _, device := range d.config.Hardware.Device {
		if connect := device.GetVirtualDevice().Connectable; connect != nil {
			connect.Connected = connect.StartConnected && d.hasNetwork(device)
		}
	}
}

// settleNetworks brings NICs that come from an older configuration in line with the
// networks of today: ports are bound anew, standard networks are found by name.
//
// Inferred: a NIC whose network is gone keeps its backing and cannot be connected.
func (d *draft) settleNetworks() {
	for _, device := range d.config.Hardware.Device {
		nic, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		switch b := nic.GetVirtualEthernetCard().Backing.(type) {
		case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
			b.Port.PortKey, b.Port.ConnectionCookie = "", 0
		case *types.VirtualEthernetCardNetworkBackingInfo:
			b.Network = d.call.Twin.standardNetwork(d.host, b.DeviceName)
		}
	}
}

// hasNetwork tells whether what a NIC is plugged into exists; true for other devices.
func (d *draft) hasNetwork(device types.BaseVirtualDevice) bool {
	nic, ok := device.(types.BaseVirtualEthernetCard)
	if !ok {
		return true
	}
	switch b := nic.GetVirtualEthernetCard().Backing.(type) {
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		return portgroupOf(d.call.Ctx.Map, types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: b.Port.PortgroupKey}) != nil
	case *types.VirtualEthernetCardNetworkBackingInfo:
		return b.Network != nil
	}
	return true
}
