package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Binding of NICs to ports when a draft is committed and when power changes.

// checkPortBacking validates a NIC's backing by a distributed switch, and completes
// the group of one that names its port alone.
//
// Documented: DistributedVirtualSwitchPortConnection.portgroupKey and .portKey, either
// will do; a group's or port's scope lets only the entities in it, and what lies in
// them, connect: DvsScopeViolated. Observed (govmomi): NotFound for an unknown switch,
// InvalidArgument when the host is no member of it. Inferred: NotFound for an unknown
// port group or port, and an uplink group takes no NIC.
func (d *draft) checkPortBacking(index int, port *types.DistributedVirtualSwitchPortConnection) error {
	r := d.call.Ctx.Map
	dvs := d.call.Twin.switchByUUID(r, port.SwitchUuid)
	if dvs == nil {
		return objectNotFound()
	}
	if simulator.FindReference(dvs.Summary.HostMember, d.host.Self) == nil {
		return NewFault(&types.InvalidArgument{InvalidProperty: "spec.deviceChange.device.port.switchUuid"})
	}
	if port.PortgroupKey == "" {
		port.PortgroupKey = groupOfPort(r, dvs, port.PortKey)
	}
	pg := portgroupOf(r, types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: port.PortgroupKey})
	if pg == nil || *pg.Config.DistributedVirtualSwitch != dvs.Self {
		return objectNotFound()
	}
	if isTrue(pg.Config.Uplink) {
		return invalidBacking(index)
	}
	scopes := [][]types.ManagedObjectReference{pg.Config.Scope}
	if record, ok := d.call.Twin.inventory.portsOf(dvs.Self).records[port.PortKey]; ok {
		scopes = append(scopes, record.scope)
	}
	return d.checkScopes(scopes)
}

// checkScopes refuses a machine that lies in none of the entities of a scope. Inferred:
// it lies in its folder as well as on its host.
func (d *draft) checkScopes(scopes [][]types.ManagedObjectReference) error {
	places := []types.ManagedObjectReference{d.host.Self}
	if d.vm != nil {
		places = append(places, d.vm.Self)
	}
	for _, scope := range scopes {
		if !slices.ContainsFunc(places, func(place types.ManagedObjectReference) bool { return d.call.scopeCovers(scope, place) }) {
			return Faultf(&types.DvsScopeViolated{Scope: scope, Entity: places[len(places)-1]}, "The entity is not in the scope of the port or port group.")
		}
	}
	return nil
}

// groupOfPort finds the group that owns a port of a switch.
func groupOfPort(r *simulator.Registry, dvs *simulator.DistributedVirtualSwitch, key string) string {
	if key == "" {
		return ""
	}
	for _, ref := range dvs.Portgroup {
		if pg := portgroupOf(r, ref); pg != nil && slices.Contains(pg.PortKeys, key) {
			return pg.Key
		}
	}
	return ""
}

// bindPorts releases the ports that a machine leaves and binds those it needs.
// checkPorts has made sure that there is one for each NIC.
//
// Documented: a static port is held from the moment of the reconfigure; an
// ephemeral one exists only while the machine is on.
func (t *Twin) bindPorts(r *simulator.Registry, vm types.ManagedObjectReference, before, after *types.VirtualMachineConfigInfo, on bool) {
	kept := map[int32]*types.DistributedVirtualSwitchPortConnection{}
	for _, old := range portUses(before) {
		kept[old.nicKey] = old.port
	}
	for _, use := range portUses(after) {
		pg, table := t.tableOf(r, use.port)
		if pg == nil {
			continue
		}
		if old := kept[use.nicKey]; old != nil && old.PortgroupKey == use.port.PortgroupKey &&
			(use.port.PortKey == "" || use.port.PortKey == old.PortKey) {
			use.port.PortKey, use.port.ConnectionCookie = old.PortKey, old.ConnectionCookie
			delete(kept, use.nicKey)
			continue
		}
		if key := t.choosePort(r, pg, table, use.port.PortKey, on); key != "" {
			use.port.PortKey = key
			use.port.ConnectionCookie = t.connectPort(r, pg, key, vm, use)
		}
	}
	for _, old := range kept {
		t.freePort(r, vm, old)
	}
}

// choosePort picks a port of a group, growing the group when it may grow.
func (t *Twin) choosePort(r *simulator.Registry, pg *simulator.DistributedVirtualPortgroup, table *portTable, asked string, on bool) string {
	ephemeral := pg.Config.Type == string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral)
	if asked != "" {
		return asked
	}
	if ephemeral && !on {
		return ""
	}
	if !ephemeral {
		for i := table.taken[pg.Key]; i < len(pg.PortKeys); i++ {
			if !table.busy(pg.PortKeys[i]) {
				table.taken[pg.Key] = i
				return pg.PortKeys[i]
			}
		}
		table.taken[pg.Key] = len(pg.PortKeys)
	}
	key := t.addPorts(dvsOf(r, pg), pg, 1)[0]
	if !ephemeral {
		pg.Config.NumPorts = int32(len(pg.PortKeys))
	}
	return key
}

// connectPort puts a virtual NIC on a port and lists its machine on the switch.
// Documented: DVSSummary.vm, the machines with virtual NICs that connect to it.
func (t *Twin) connectPort(r *simulator.Registry, pg *simulator.DistributedVirtualPortgroup, key string, vm types.ManagedObjectReference, use portUse) int32 {
	dvs := dvsOf(r, pg)
	table := t.inventory.portsOf(dvs.Self)
	cookie := table.connect(key, vm, use.nicKey, use.mac, t.now())
	if table.users[vm] == 1 {
		dvs.Summary.Vm = append(dvs.Summary.Vm, vm)
		t.Touch(dvs.Self)
	}
	return cookie
}

// freePort disconnects a port; an ephemeral one ceases to exist.
func (t *Twin) freePort(r *simulator.Registry, vm types.ManagedObjectReference, port *types.DistributedVirtualSwitchPortConnection) {
	pg, table := t.tableOf(r, port)
	if pg == nil || port.PortKey == "" {
		return
	}
	dvs := dvsOf(r, pg)
	delete(table.taken, pg.Key)
	table.disconnect(port.PortKey, vm)
	if table.users[vm] == 0 {
		simulator.RemoveReference(&dvs.Summary.Vm, vm)
	}
	if pg.Config.Type == string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral) {
		t.dropPorts(dvs, pg, port.PortKey)
	} else {
		table.resetPort(pg, port.PortKey)
	}
	t.Touch(dvs.Self)
	t.Touch(pg.Self)
}

// switchEphemeral gives ports of ephemeral groups to a machine that is powered on
// and takes them away from one that is powered off. config is a fresh copy.
func (t *Twin) switchEphemeral(r *simulator.Registry, vm types.ManagedObjectReference, config *types.VirtualMachineConfigInfo, on bool) {
	for _, use := range portUses(config) {
		pg, table := t.tableOf(r, use.port)
		if pg == nil || pg.Config.Type != string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral) {
			continue
		}
		switch {
		case on && use.port.PortKey == "":
			use.port.PortKey = t.choosePort(r, pg, table, "", true)
			use.port.ConnectionCookie = t.connectPort(r, pg, use.port.PortKey, vm, use)
		case !on:
			t.freePort(r, vm, use.port)
			use.port.PortKey, use.port.ConnectionCookie = "", 0
		}
	}
}

// bindIdle gives ports to the machines of a group that is ephemeral no more and that are
// off. Inferred: a static port is held while the machine is off, so they get one now.
func (t *Twin) bindIdle(r *simulator.Registry, pg *simulator.DistributedVirtualPortgroup) {
	table := t.inventory.portsOf(*pg.Config.DistributedVirtualSwitch)
	for _, ref := range pg.Vm {
		vm, ok := r.Get(ref).(*simulator.VirtualMachine)
		if !ok || vm.Config == nil {
			continue
		}
		config, bound := cloneValue(vm.Config), false
		for _, use := range portUses(config) {
			if use.port.PortgroupKey == pg.Key && use.port.PortKey == "" {
				use.port.PortKey = t.choosePort(r, pg, table, "", true)
				use.port.ConnectionCookie = t.connectPort(r, pg, use.port.PortKey, ref, use)
				bound = true
			}
		}
		if bound {
			t.stampConfig(config)
			vm.Config = config
			t.refresh(vm)
		}
	}
}

func (t *Twin) tableOf(r *simulator.Registry, port *types.DistributedVirtualSwitchPortConnection) (*simulator.DistributedVirtualPortgroup, *portTable) {
	pg := portgroupOf(r, types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: port.PortgroupKey})
	if pg == nil {
		return nil, nil
	}
	return pg, t.inventory.portsOf(*pg.Config.DistributedVirtualSwitch)
}

// dvsOf returns the switch of a group, which always has one.
func dvsOf(r *simulator.Registry, pg *simulator.DistributedVirtualPortgroup) *simulator.DistributedVirtualSwitch {
	return r.Get(*pg.Config.DistributedVirtualSwitch).(*simulator.DistributedVirtualSwitch)
}
