package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// MAC addresses of virtual NICs: who chooses one, which are allowed, and what
// becomes of two that are equal.

// newMAC assigns an address. Documented: vCenter assigns 00:50:56:80:00:00 to
// 00:50:56:BF:FF:FF.
func (inv *inventory) newMAC() string {
	inv.lastMac++
	n := inv.lastMac
	return fmt.Sprintf("00:50:56:%02x:%02x:%02x", 0x80+(n>>16)&0x3f, (n>>8)&0xff, n&0xff)
}

// settleMAC decides the address of a NIC that is added or edited.
//
// Documented (VirtualEthernetCard.macAddress): the server may override an assigned or
// generated address that is not in the right range or a duplicate. Inferred: an
// address without a type is a manual one, and one that is none is InvalidDeviceSpec.
func (d *draft) settleMAC(index int, nic *types.VirtualEthernetCard) error {
	manual := string(types.VirtualEthernetCardMacTypeManual)
	if nic.AddressType == "" && nic.MacAddress != "" {
		nic.AddressType = manual
	}
	if nic.AddressType == manual {
		address, err := net.ParseMAC(nic.MacAddress)
		if err != nil || len(address) != 6 || address[0]&1 != 0 {
			return invalidDevice(index)
		}
		nic.MacAddress = address.String()
		return nil
	}
	if nic.AddressType == "" {
		nic.AddressType = string(types.VirtualEthernetCardMacTypeAssigned)
	}
	nic.MacAddress = strings.ToLower(nic.MacAddress)
	if !assignedRange(nic.MacAddress) || d.call.holderOfMAC(nic.MacAddress, d.vm) != nil {
		nic.MacAddress = d.call.Twin.inventory.newMAC()
	}
	return nil
}

func assignedRange(mac string) bool {
	address, err := net.ParseMAC(mac)
	return err == nil && len(address) == 6 && strings.HasPrefix(address.String(), "00:50:56:") && address[3] >= 0x80 && address[3] <= 0xbf
}

// holderOfMAC finds another machine that has an address.
func (c *Call) holderOfMAC(mac string, self *simulator.VirtualMachine) *simulator.VirtualMachine {
	for _, obj := range c.Ctx.Map.AllReference("VirtualMachine") {
		vm, ok := obj.(*simulator.VirtualMachine)
		if !ok || vm == self {
			continue
		}
		for _, card := range cardsOf(c.Twin.configOf(vm)) {
			if strings.EqualFold(card.MacAddress, mac) {
				return vm
			}
		}
	}
	return nil
}

// cardsOf lists the NICs of a configuration.
func cardsOf(config *types.VirtualMachineConfigInfo) []*types.VirtualEthernetCard {
	if config == nil {
		return nil
	}
	var cards []*types.VirtualEthernetCard
	for _, device := range config.Hardware.Device {
		if nic, ok := device.(types.BaseVirtualEthernetCard); ok {
			cards = append(cards, nic.GetVirtualEthernetCard())
		}
	}
	return cards
}

// reportConflicts tells the history of an instance UUID and of manual addresses that
// another machine has too. Documented: VmInstanceUuidConflictEvent, and the UUID is
// changed; VmStaticMacConflictEvent, and the address stays.
func (c *Call) reportConflicts(vm *simulator.VirtualMachine, before *types.VirtualMachineConfigInfo, uuid string) {
	if uuid != "" && !strings.EqualFold(uuid, vm.Config.InstanceUuid) {
		if holder := c.holderOfUUID(uuid, vm); holder != nil {
			c.postUUIDConflict(vm, holder, uuid)
		}
	}
	had := map[string]bool{}
	for _, card := range cardsOf(before) {
		had[card.MacAddress] = true
	}
	for _, card := range cardsOf(vm.Config) {
		if card.AddressType != string(types.VirtualEthernetCardMacTypeManual) || had[card.MacAddress] {
			continue
		}
		if other := c.holderOfMAC(card.MacAddress, vm); other != nil {
			c.post(&types.VmStaticMacConflictEvent{
				VmEvent:      c.machineEvent(vm),
				ConflictedVm: types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: other.Name}, Vm: other.Self},
				Mac:          card.MacAddress,
			})
		}
	}
}

// checkStaticMACs refuses to start a machine with a manual address that VMware keeps
// for itself.
//
// Documented: a manual address of VMware's own prefix lies in 00:50:56:00:00:00 to
// 00:50:56:3F:FF:FF. Observed (community.vmware issue 1159, terraform-provider-esxi
// issue 184, which shows 00:0c:29): another one is accepted and fails the power-on.
func checkStaticMACs(config *types.VirtualMachineConfigInfo) error {
	for _, card := range cardsOf(config) {
		mac := card.MacAddress
		reserved := strings.HasPrefix(mac, "00:0c:29:") || strings.HasPrefix(mac, "00:05:69:") ||
			strings.HasPrefix(mac, "00:50:56:") && mac[len("00:50:56:")] > '3'
		if reserved && card.AddressType == string(types.VirtualEthernetCardMacTypeManual) {
			reason := fmt.Sprintf("%s is not a valid static Ethernet address. It conflicts with VMware reserved MACs for other usage.", mac)
			return Faultf(&types.GenericVmConfigFault{Reason: reason}, "%s", reason)
		}
	}
	return nil
}
