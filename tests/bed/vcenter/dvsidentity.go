package main

import (
	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// tellSwitchesApart gives each switch a UUID of its own.
//
// Documented: DistributedVirtualSwitch.uuid is unique across vCenter Servers. The
// stock simulator derives it from the name, and its model names the switch of
// every datacenter DVS0; a NIC, which names its switch by UUID alone, would
// otherwise end up on the switch of another datacenter.
func tellSwitchesApart(r *simulator.Registry) {
	seen := map[string]bool{}
	for _, obj := range ordered(r.AllReference("VmwareDistributedVirtualSwitch")) {
		dvs := obj.(*simulator.DistributedVirtualSwitch)
		if !seen[dvs.Uuid] {
			seen[dvs.Uuid] = true
			continue
		}
		fresh := uuid.NewSHA1(uuid.NameSpaceOID, []byte(dvs.Uuid+dvs.Self.Value)).String()
		seen[fresh] = true
		dvs.Uuid, dvs.Summary.Uuid, switchConfig(dvs).Uuid = fresh, fresh, fresh
		for _, machine := range ordered(r.All("VirtualMachine")) {
			readdressNICs(r, machine.(*simulator.VirtualMachine).Config, dvs)
		}
	}
}

// readdressNICs corrects the NICs of a machine that sit on port groups of a switch.
func readdressNICs(r *simulator.Registry, config *types.VirtualMachineConfigInfo, dvs *simulator.DistributedVirtualSwitch) {
	if config == nil {
		return
	}
	for _, device := range config.Hardware.Device {
		nic, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		backing, ok := nic.GetVirtualEthernetCard().Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo)
		if !ok {
			continue
		}
		pg := portgroupOf(r, types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: backing.Port.PortgroupKey})
		if pg != nil && *pg.Config.DistributedVirtualSwitch == dvs.Self {
			backing.Port.SwitchUuid = dvs.Uuid
		}
	}
}
