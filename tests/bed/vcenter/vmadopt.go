package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// completeMachines completes the machines that the stock model builder made: every
// member that a real machine shows, back references, MAC addresses, ports.
func (t *Twin) completeMachines(ctx *simulator.Context) {
	for _, obj := range ordered(ctx.Map.AllReference("VirtualMachine")) {
		if vm, ok := obj.(*simulator.VirtualMachine); ok && vm.Config != nil {
			t.completeMachine(ctx.Map, vm)
		}
	}
}

func (t *Twin) completeMachine(r *simulator.Registry, vm *simulator.VirtualMachine) {
	config := t.freshConfig(hardwareVersion)
	mergeSet(config, vm.Config)
	config.Version = vm.Config.Version
	if full, known := guestFullName(config.GuestId); known {
		config.GuestFullName = full
	}
	relabel(config)
	settleShares(config)
	for _, device := range config.Hardware.Device {
		if nic, ok := device.(types.BaseVirtualEthernetCard); ok {
			card := nic.GetVirtualEthernetCard()
			card.AddressType = string(types.VirtualEthernetCardMacTypeAssigned)
			card.MacAddress = t.inventory.newMAC()
		}
	}
	t.giveBrowser(vm)
	vm.Guest = guestWithoutTools()
	vm.Runtime.RecordReplayState = types.VirtualMachineRecordReplayStateInactive
	on := vm.Runtime.PowerState == poweredOn
	t.bindPorts(r, vm.Self, nil, config, on)
	t.stampConfig(config)
	vm.Config = config
	vm.Network = nil
	t.relinkNetworks(r, vm, networksOf(config))
	t.refresh(vm)
}

// relabel names NICs, disks and drives as vSphere does; stock calls a NIC "ethernet-0".
func relabel(config *types.VirtualMachineConfigInfo) {
	d := &draft{config: config}
	for _, device := range config.Hardware.Device {
		switch device.(type) {
		case types.BaseVirtualEthernetCard, *types.VirtualDisk, *types.VirtualCdrom:
			device.GetVirtualDevice().DeviceInfo = nil
		}
	}
	for _, device := range config.Hardware.Device {
		if base := device.GetVirtualDevice(); base.DeviceInfo == nil {
			base.DeviceInfo = d.describe(device)
		}
	}
}
