package main

import (
	"fmt"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What vCenter can tell of a machine, given what it can reach: the machine's host,
// its files, its registration on the host.
//
// The idea: a machine has one state, derived from its causes in one place
// (settleMachine). Whoever changes a cause calls it; nobody writes
// runtime.connectionState elsewhere.

const (
	machineConnected    = types.VirtualMachineConnectionStateConnected
	machineDisconnected = types.VirtualMachineConnectionStateDisconnected
	machineOrphaned     = types.VirtualMachineConnectionStateOrphaned
	machineInaccessible = types.VirtualMachineConnectionStateInaccessible
	machineInvalid      = types.VirtualMachineConnectionStateInvalid
)

// hiddenMachine is what is true of a machine whose configuration is out of reach,
// kept until it can be read again.
type hiddenMachine struct {
	config *types.VirtualMachineConfigInfo
	power  types.VirtualMachinePowerState
}

// available refuses an operation on a machine whose configuration is out of reach.
//
// Documented: InvalidState for a machine that is disconnected, orphaned,
// inaccessible or invalid.
func available(vm *simulator.VirtualMachine) error {
	if vm.Runtime.ConnectionState != machineConnected || vm.Config == nil {
		return Faultf(&types.InvalidState{}, "The operation is not allowed in the current connection state of the virtual machine (%s).",
			fmt.Sprint(vm.Runtime.ConnectionState))
	}
	return nil
}

// configOf is a machine's configuration, also while nobody can read it. For the
// twin's own bookkeeping only: a client must not see it then.
func (t *Twin) configOf(vm *simulator.VirtualMachine) *types.VirtualMachineConfigInfo {
	if hidden, ok := t.inventory.hidden[vm.Self]; ok {
		return hidden.config
	}
	return vm.Config
}

// setPlight says what happened to a machine itself, whatever its host and
// datastore are like; connected takes it back.
func (t *Twin) setPlight(vm *simulator.VirtualMachine, state types.VirtualMachineConnectionState) {
	if state == machineConnected {
		delete(t.inventory.plights, vm.Self)
	} else {
		t.inventory.plights[vm.Self] = state
	}
	t.settleMachine(vm)
}

// settleMachine models VirtualMachine.runtime.connectionState.
//
// Documented (VirtualMachineConnectionState): "disconnected" while the host is,
// with the last known configuration; "orphaned" when it is no longer registered
// on the host; "inaccessible" when its files cannot be read and "invalid" when
// they are malformed, both without a configuration. That an orphaned machine has
// none either is observed (ansible issue 57642).
func (t *Twin) settleMachine(vm *simulator.VirtualMachine) {
	state := machineConnected
	host, _ := t.registry().Get(*vm.Runtime.Host).(*simulator.HostSystem)
	plight, afflicted := t.inventory.plights[vm.Self]
	switch {
	case afflicted:
		state = plight
	case host != nil && !hostConnected(host):
		state = machineDisconnected
	case !t.filesReachable(vm):
		state = machineInaccessible
	}
	if state == vm.Runtime.ConnectionState {
		return
	}
	vm.Runtime.ConnectionState = state
	switch state {
	case machineOrphaned, machineInaccessible, machineInvalid:
		t.hideConfig(vm)
	case machineConnected:
		t.showConfig(vm)
	}
	vm.Summary.Runtime = vm.Runtime
	t.Touch(vm.Self)
	t.postConnection(vm)
}

// hideConfig makes a machine look as it does when its configuration is out of reach.
//
// Documented: config is absent. Observed (vim.VirtualMachine as printed in
// terraform-provider-vsphere issue 382): name and path stay in summary.config,
// numbers read as 0, the UUID as empty, the power state as poweredOff.
func (t *Twin) hideConfig(vm *simulator.VirtualMachine) {
	if vm.Config == nil {
		return
	}
	t.inventory.hidden[vm.Self] = hiddenMachine{config: vm.Config, power: vm.Runtime.PowerState}
	vm.Summary.Config = types.VirtualMachineConfigSummary{
		Name: vm.Config.Name, VmPathName: vm.Config.Files.VmPathName, Template: vm.Config.Template,
	}
	vm.Config = nil
	vm.Runtime.PowerState = poweredOff
	vm.Guest = guestWithoutTools()
	vm.Summary.Guest = nil
}

// showConfig is the reverse of hideConfig. What ran meanwhile still runs.
func (t *Twin) showConfig(vm *simulator.VirtualMachine) {
	hidden, ok := t.inventory.hidden[vm.Self]
	if !ok {
		return
	}
	delete(t.inventory.hidden, vm.Self)
	vm.Config, vm.Runtime.PowerState = hidden.config, hidden.power
	if t.inventory.guestOf(vm.Self).profile.Tools && hidden.power == poweredOn {
		t.showGuest(vm)
		return
	}
	t.refresh(vm)
}

// filesReachable tells whether the datastore of a machine's .vmx can be read.
func (t *Twin) filesReachable(vm *simulator.VirtualMachine) bool {
	config := t.configOf(vm)
	if config == nil {
		return true
	}
	var p object.DatastorePath
	p.FromString(config.Files.VmPathName)
	for _, ref := range vm.Datastore {
		if ds, ok := t.registry().Get(ref).(*simulator.Datastore); ok && ds.Name == p.Datastore {
			return ds.Summary.Accessible
		}
	}
	return true
}

// postConnection tells the history of a machine's new state. Documented events:
// VmConnectedEvent, VmDisconnectedEvent, VmOrphanedEvent.
func (t *Twin) postConnection(vm *simulator.VirtualMachine) {
	c := t.system()
	event := c.machineEvent(vm)
	switch vm.Runtime.ConnectionState {
	case machineConnected:
		c.post(&types.VmConnectedEvent{VmEvent: event})
	case machineDisconnected:
		c.post(&types.VmDisconnectedEvent{VmEvent: event})
	case machineOrphaned:
		c.post(&types.VmOrphanedEvent{VmEvent: event})
	}
}

// system is a call of vCenter itself: no session and no user (inferred: an event
// that no user caused names none).
func (t *Twin) system() *Call { return &Call{Twin: t, Ctx: t.newContext(nil)} }
