package main

import (
	"log"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The guest inside a machine, as far as the API shows it: VMware Tools, addresses
// and how long it takes to come up and to shut down. What a guest is like is set
// through the control API; without that it has no Tools.

// GuestProfile describes a guest.
type GuestProfile struct {
	Tools        bool          `json:"tools"`        // VMware Tools are installed and start with the guest
	Boot         time.Duration `json:"boot"`         // from power-on until Tools run
	Shutdown     time.Duration `json:"shutdown"`     // from ShutdownGuest until powered off
	HangShutdown bool          `json:"hangShutdown"` // ShutdownGuest is accepted and nothing follows
	IPAddress    string        `json:"ipAddress"`
	HostName     string        `json:"hostName"`
}

// guest is a profile and the count of its lives: a timer of an earlier life does nothing.
type guest struct {
	profile GuestProfile
	life    int
}

func (inv *inventory) guestOf(vm types.ManagedObjectReference) *guest {
	g, ok := inv.guests[vm]
	if !ok {
		g = &guest{}
		inv.guests[vm] = g
	}
	return g
}

// copyGuest gives a clone the guest of its source: it is on the copied disk.
func (inv *inventory) copyGuest(source, clone types.ManagedObjectReference) {
	if g, ok := inv.guests[source]; ok {
		inv.guests[clone] = &guest{profile: g.profile}
	}
}

// SetGuest changes what a guest is like; a running one shows it at once. The
// world must be held for writing.
func (t *Twin) SetGuest(vm *simulator.VirtualMachine, profile GuestProfile) {
	t.inventory.guestOf(vm.Self).profile = profile
	if vm.Runtime.PowerState != poweredOn {
		return
	}
	if profile.Tools {
		t.showGuest(vm)
	} else {
		t.endGuest(vm)
	}
}

// bootGuest starts the guest of a machine that was just powered on.
func (t *Twin) bootGuest(vm *simulator.VirtualMachine) {
	g := t.inventory.guestOf(vm.Self)
	g.life++
	if g.profile.Tools {
		t.later(vm.Self, g, g.profile.Boot, t.showGuest)
	}
}

// endGuest is the guest of a machine that stopped running.
func (t *Twin) endGuest(vm *simulator.VirtualMachine) {
	g := t.inventory.guestOf(vm.Self)
	g.life++
	vm.Guest = guestWithoutTools()
	if g.profile.Tools {
		vm.Guest.ToolsStatus = types.VirtualMachineToolsStatusToolsNotRunning
		vm.Guest.ToolsVersionStatus2 = string(types.VirtualMachineToolsVersionStatusGuestToolsUnmanaged)
		vm.Guest.HostName = g.profile.HostName // observed: the last name stays readable
	}
	t.refresh(vm)
}

// showGuest is a guest whose Tools run.
func (t *Twin) showGuest(vm *simulator.VirtualMachine) {
	profile := t.inventory.guestOf(vm.Self).profile
	vm.Guest = &types.GuestInfo{
		ToolsStatus:         types.VirtualMachineToolsStatusToolsOk,
		ToolsRunningStatus:  string(types.VirtualMachineToolsRunningStatusGuestToolsRunning),
		ToolsVersionStatus2: string(types.VirtualMachineToolsVersionStatusGuestToolsCurrent),
		ToolsVersion:        "12389",
		GuestId:             vm.Config.GuestId,
		GuestFamily:         guestFamilyOf(vm.Config.GuestId),
		GuestFullName:       vm.Config.GuestFullName,
		HostName:            profile.HostName,
		IpAddress:           profile.IPAddress,
		GuestState:          string(types.VirtualMachineGuestStateRunning),
		Net:                 guestNets(vm, profile.IPAddress),
	}
	t.refresh(vm)
}

func guestWithoutTools() *types.GuestInfo {
	return &types.GuestInfo{
		ToolsStatus:         types.VirtualMachineToolsStatusToolsNotInstalled,
		ToolsRunningStatus:  string(types.VirtualMachineToolsRunningStatusGuestToolsNotRunning),
		ToolsVersionStatus2: string(types.VirtualMachineToolsVersionStatusGuestToolsNotInstalled),
		ToolsVersion:        "0",
		GuestState:          string(types.VirtualMachineGuestStateNotRunning),
	}
}

// guestNets lists the NICs as the guest reports them; the first has the address.
func guestNets(vm *simulator.VirtualMachine, ip string) []types.GuestNicInfo {
	var out []types.GuestNicInfo
	for _, device := range vm.Config.Hardware.Device {
		nic, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		card := nic.GetVirtualEthernetCard()
		info := types.GuestNicInfo{MacAddress: card.MacAddress, Connected: true, DeviceConfigId: card.Key}
		if ip != "" && len(out) == 0 {
			info.IpAddress = []string{ip}
		}
		out = append(out, info)
	}
	return out
}

// later runs f on a machine after a delay, unless its guest began another life
// or the twin was reset meanwhile.
func (t *Twin) later(vm types.ManagedObjectReference, g *guest, delay time.Duration, f func(*simulator.VirtualMachine)) {
	life, epoch := g.life, t.epoch.Load()
	time.AfterFunc(delay, func() {
		defer survive("the guest of " + vm.Value)
		t.world.Lock()
		defer t.world.Unlock()
		machine, ok := t.registry().Get(vm).(*simulator.VirtualMachine)
		if ok && machine.Config != nil && t.epoch.Load() == epoch && t.inventory.guests[vm] == g && g.life == life {
			f(machine)
		}
	})
}

// shutdownGuest models ShutdownGuest.
//
// Documented: returns at once and does not wait; synchronous InvalidPowerState
// unless the machine is on, ToolsUnavailable when Tools are not running.
func shutdownGuest(c *Call, _ any) (any, error) {
	vm, err := c.guestCall()
	if err != nil {
		return nil, err
	}
	g := c.Twin.inventory.guestOf(vm.Self)
	c.post(&types.VmGuestShutdownEvent{VmEvent: c.machineEvent(vm)})
	if !g.profile.HangShutdown {
		c.Twin.later(vm.Self, g, g.profile.Shutdown, func(vm *simulator.VirtualMachine) {
			c.Twin.stopMachine(c.Ctx.Map, vm)
			c.post(&types.VmPoweredOffEvent{VmEvent: c.machineEvent(vm)})
		})
	}
	return &types.ShutdownGuestResponse{}, nil
}

// rebootGuest models RebootGuest. Documented: the same preconditions, and the
// machine stays powered on.
func rebootGuest(c *Call, _ any) (any, error) {
	vm, err := c.guestCall()
	if err != nil {
		return nil, err
	}
	c.post(&types.VmGuestRebootEvent{VmEvent: c.machineEvent(vm)})
	c.Twin.endGuest(vm)
	c.Twin.bootGuest(vm)
	return &types.RebootGuestResponse{}, nil
}

// standbyGuest models StandbyGuest. Documented: returns at once, the same
// preconditions; the guest prepares for a suspend operation. That the machine is
// suspended then is what defaultPowerOps.standbyAction "checkpoint" says (documented).
func standbyGuest(c *Call, _ any) (any, error) {
	vm, err := c.guestCall()
	if err != nil {
		return nil, err
	}
	g := c.Twin.inventory.guestOf(vm.Self)
	c.post(&types.VmGuestStandbyEvent{VmEvent: c.machineEvent(vm)})
	if vm.Config.DefaultPowerOps.StandbyAction == string(types.VirtualMachineStandbyActionTypeCheckpoint) {
		c.Twin.later(vm.Self, g, g.profile.Shutdown, func(vm *simulator.VirtualMachine) {
			if err := c.suspend(vm); err != nil {
				log.Printf("twin: %s was not suspended by its guest: %s", vm.Name, err)
			}
		})
	}
	return &types.StandbyGuestResponse{}, nil
}

func (c *Call) guestCall() (*simulator.VirtualMachine, error) {
	vm, err := machineOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	if err := available(vm); err != nil {
		return nil, err
	}
	if vm.Runtime.PowerState != poweredOn {
		return nil, invalidPowerState(poweredOn, vm.Runtime.PowerState)
	}
	if vm.Guest.ToolsRunningStatus != string(types.VirtualMachineToolsRunningStatusGuestToolsRunning) {
		return nil, NewFault(&types.ToolsUnavailable{})
	}
	return vm, nil
}
