package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Virtual NICs: backing, MAC address, and the port on a distributed switch.

func (d *draft) completeNIC(index int, nic *types.VirtualEthernetCard) error {
	if err := d.checkNIC(index, nic); err != nil {
		return err
	}
	if nic.Connectable == nil {
		nic.Connectable = &types.VirtualDeviceConnectInfo{StartConnected: true, AllowGuestControl: true}
	}
	nic.Connectable.Connected = nic.Connectable.StartConnected
	if nic.WakeOnLanEnabled == nil {
		nic.WakeOnLanEnabled = types.NewBool(true)
	}
	return d.settleMAC(index, nic)
}

// checkNIC validates a backing against the host that runs the machine.
//
// Documented: InvalidDeviceBacking for a backing that does not exist; a standard
// network is found by name on the host. Observed (govmomi): NotFound for an
// unknown switch, InvalidArgument when the host is no member of it. Inferred:
// NotFound for an unknown port group, and an uplink group takes no NIC.
func (d *draft) checkNIC(index int, nic *types.VirtualEthernetCard) error {
	switch b := nic.Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		network := d.call.Twin.standardNetwork(d.host, b.DeviceName)
		if network == nil {
			return invalidBacking(index)
		}
		b.Network = network
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		return d.checkPortBacking(index, &b.Port)
	default:
		return invalidBacking(index)
	}
	return nil
}

// networksOf lists the networks that a machine's NICs name, each once.
func networksOf(config *types.VirtualMachineConfigInfo) []types.ManagedObjectReference {
	var out []types.ManagedObjectReference
	for _, device := range config.Hardware.Device {
		nic, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		switch b := nic.GetVirtualEthernetCard().Backing.(type) {
		case *types.VirtualEthernetCardNetworkBackingInfo:
			if b.Network != nil {
				addReference(&out, *b.Network)
			}
		case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
			addReference(&out, types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: b.Port.PortgroupKey})
		}
	}
	return out
}

// portUse is one NIC on a distributed switch.
type portUse struct {
	nicKey int32
	mac    string
	port   *types.DistributedVirtualSwitchPortConnection // inside the device
}

func portUses(config *types.VirtualMachineConfigInfo) []portUse {
	if config == nil {
		return nil
	}
	var out []portUse
	for _, device := range config.Hardware.Device {
		nic, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		card := nic.GetVirtualEthernetCard()
		if b, ok := card.Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo); ok {
			out = append(out, portUse{card.Key, card.MacAddress, &b.Port})
		}
	}
	return out
}

// checkPorts makes sure that commitPorts will find a port for every NIC.
//
// Documented: a static group binds a port when a NIC is connected to it, and
// autoExpand adds ports when none is free. Inferred: without it the fault is
// ResourceNotAvailable; a port that is asked for by key and taken is ResourceInUse.
func (d *draft) checkPorts() error {
	need := map[string]int{}
	for _, use := range portUses(d.config) {
		pg, dvs := d.groupOf(use.port)
		if pg == nil { // a revert or registration brought back a NIC whose group is gone
			continue
		}
		if old := d.portBefore(use); old != nil && (use.port.PortKey == "" || use.port.PortKey == old.PortKey) {
			continue
		}
		if use.port.PortKey == "" {
			need[pg.Key]++
			continue
		}
		if !slices.Contains(pg.PortKeys, use.port.PortKey) {
			return Faultf(&types.NotFound{}, "The object or item referred to could not be found.")
		}
		if _, busy := d.call.Twin.inventory.portsOf(dvs.Self).connected[use.port.PortKey]; busy {
			return NewFault(&types.ResourceInUse{Type: "DistributedVirtualPort", Name: use.port.PortKey})
		}
	}
	for key, n := range need {
		pg, dvs := d.groupOf(&types.DistributedVirtualSwitchPortConnection{PortgroupKey: key})
		static := pg.Config.Type != string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral)
		if static && !isTrue(pg.Config.AutoExpand) && d.call.Twin.inventory.freePorts(dvs.Self, pg) < n {
			return Faultf(&types.ResourceNotAvailable{ContainerType: pg.Self.Type, ContainerName: pg.Name, Type: "DistributedVirtualPort"},
				"No free port is available in the DVPort group %s.", pg.Name)
		}
	}
	return nil
}

func (d *draft) groupOf(port *types.DistributedVirtualSwitchPortConnection) (*simulator.DistributedVirtualPortgroup, *simulator.DistributedVirtualSwitch) {
	r := d.call.Ctx.Map
	pg := portgroupOf(r, types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: port.PortgroupKey})
	if pg == nil {
		return nil, nil
	}
	return pg, r.Get(*pg.Config.DistributedVirtualSwitch).(*simulator.DistributedVirtualSwitch)
}

// portBefore is the port that a NIC had in the same group before the change.
func (d *draft) portBefore(use portUse) *types.DistributedVirtualSwitchPortConnection {
	if d.vm == nil {
		return nil
	}
	for _, old := range portUses(d.vm.Config) {
		if old.nicKey == use.nicKey && old.port.PortgroupKey == use.port.PortgroupKey && old.port.PortKey != "" {
			return old.port
		}
	}
	return nil
}

func (inv *inventory) freePorts(dvs types.ManagedObjectReference, pg *simulator.DistributedVirtualPortgroup) int {
	free, table := 0, inv.portsOf(dvs)
	for _, key := range pg.PortKeys {
		if _, busy := table.connected[key]; !busy {
			free++
		}
	}
	return free
}
