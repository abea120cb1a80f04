package main

import (
	"slices"
	"strconv"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Reading the ports of a switch: which ones, who is connected, what is in effect.

// fetchPorts models FetchDVPorts.
//
// Documented: DistributedVirtualSwitchPortCriteria; what is set is combined,
// nothing set means every port; a setting shows effective values.
func fetchPorts(c *Call, req any) (any, error) {
	res := &types.FetchDVPortsResponse{}
	err := c.selectPorts(req.(*types.FetchDVPorts).Criteria, func(p *portView) {
		res.Returnval = append(res.Returnval, c.describePort(p))
	})
	return res, err
}

// fetchPortKeys models FetchDVPortKeys. Documented: the keys of the ports that
// FetchDVPorts returns for the same criteria.
func fetchPortKeys(c *Call, req any) (any, error) {
	res := &types.FetchDVPortKeysResponse{}
	err := c.selectPorts(req.(*types.FetchDVPortKeys).Criteria, func(p *portView) {
		res.Returnval = append(res.Returnval, p.key)
	})
	return res, err
}

// refreshPortState models RefreshDVPortState. Documented: NotFound for a port that
// the switch does not have. State is never stale here, so there is nothing to do.
func refreshPortState(c *Call, req any) (any, error) {
	asked := req.(*types.RefreshDVPortState).PortKeys
	found := 0
	err := c.selectPorts(&types.DistributedVirtualSwitchPortCriteria{PortKey: asked}, func(*portView) { found++ })
	if err == nil && len(asked) > 0 && found < len(slices.Compact(slices.Sorted(slices.Values(asked)))) {
		err = objectNotFound()
	}
	return &types.RefreshDVPortStateResponse{}, err
}

// portView is one port while it is looked at.
type portView struct {
	dvs       *simulator.DistributedVirtualSwitch
	pg        *simulator.DistributedVirtualPortgroup
	key       string
	on        portConnection
	connected bool // by a virtual NIC
	record    *portRecord
	machine   *simulator.VirtualMachine
}

// selectPorts visits the ports of the switch that a call is made on.
func (c *Call) selectPorts(criteria *types.DistributedVirtualSwitchPortCriteria, visit func(*portView)) error {
	dvs, err := switchOf(c.Ctx.Map, c.This)
	if err != nil {
		return err
	}
	if criteria == nil {
		criteria = &types.DistributedVirtualSwitchPortCriteria{}
	}
	table := c.Twin.inventory.portsOf(dvs.Self)
	for _, ref := range dvs.Portgroup {
		pg := portgroupOf(c.Ctx.Map, ref)
		if pg == nil || !groupQualifies(pg, criteria) {
			continue
		}
		for _, key := range pg.PortKeys {
			p := portView{dvs: dvs, pg: pg, key: key, record: table.records[key]}
			if p.on, p.connected = table.connected[key]; p.connected {
				p.machine, _ = c.Ctx.Map.Get(p.on.vm).(*simulator.VirtualMachine)
			}
			if c.portQualifies(&p, criteria) {
				visit(&p)
			}
		}
	}
	return nil
}

// groupQualifies applies the criteria that speak of a port's group.
// Documented: `inside` unset makes portgroupKey meaningless; portgroupKey unset
// means any group.
func groupQualifies(pg *simulator.DistributedVirtualPortgroup, criteria *types.DistributedVirtualSwitchPortCriteria) bool {
	if criteria.UplinkPort != nil && *criteria.UplinkPort != isTrue(pg.Config.Uplink) {
		return false
	}
	if criteria.NsxPort != nil && *criteria.NsxPort != ownedByNsx(pg) {
		return false
	}
	if criteria.Inside == nil {
		return true
	}
	inside := len(criteria.PortgroupKey) == 0 || slices.Contains(criteria.PortgroupKey, pg.Key)
	return inside == *criteria.Inside
}

// portQualifies applies the criteria that speak of the port itself. Inferred: an
// active port is one whose link is up, and false asks for the opposite.
func (c *Call) portQualifies(p *portView, criteria *types.DistributedVirtualSwitchPortCriteria) bool {
	if len(criteria.PortKey) > 0 && !slices.Contains(criteria.PortKey, p.key) {
		return false
	}
	if criteria.Connected != nil && *criteria.Connected != (p.connected || p.pnic() != "") {
		return false
	}
	if criteria.Active != nil && *criteria.Active != p.linkUp() {
		return false
	}
	if len(criteria.Host) > 0 {
		host := p.host()
		if host == nil || !slices.Contains(criteria.Host, *host) {
			return false
		}
	}
	return criteria.Scope == nil || c.scopeCovers(p.pg.Config.Scope, *criteria.Scope) && c.scopeCovers(p.ownScope(), *criteria.Scope)
}

// scopeCovers tells whether an entity or what it lies in is in a scope.
// Documented: an unset scope restricts nothing; otherwise the entities in the list
// and their children may connect.
func (c *Call) scopeCovers(scope []types.ManagedObjectReference, entity types.ManagedObjectReference) bool {
	if len(scope) == 0 {
		return true
	}
	for {
		if slices.Contains(scope, entity) {
			return true
		}
		e, ok := c.Ctx.Map.Get(entity).(mo.Entity)
		if !ok || e.Entity().Parent == nil {
			return false
		}
		entity = *e.Entity().Parent
	}
}

func (p *portView) ownScope() []types.ManagedObjectReference {
	if p.record == nil {
		return nil
	}
	return p.record.scope
}

func (p *portView) pnic() string {
	if p.record == nil || p.record.uplink == nil {
		return ""
	}
	return p.record.uplink.pnic
}

// host is the host that services a port. Documented: DistributedVirtualPort.proxyHost.
func (p *portView) host() *types.ManagedObjectReference {
	switch {
	case p.record != nil && p.record.uplink != nil:
		return &p.record.uplink.host
	case p.machine != nil:
		return p.machine.Runtime.Host
	}
	return nil
}

// linkUp tells whether a port runs: its machine is on and the NIC is connected.
func (p *portView) linkUp() bool {
	if p.machine == nil {
		return p.pnic() != ""
	}
	if p.machine.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || p.machine.Config == nil {
		return false
	}
	for _, device := range p.machine.Config.Hardware.Device {
		if d := device.GetVirtualDevice(); d.Key == p.on.nicKey {
			return d.Connectable == nil || d.Connectable.Connected
		}
	}
	return false
}

// describePort words a port. Documented: runtimeInfo is set only while the port
// runs; an unconnected port has neither connectee nor cookie.
func (c *Call) describePort(p *portView) types.DistributedVirtualPort {
	setting := portSetting(p.pg, p.record)
	port := types.DistributedVirtualPort{
		Key: p.key, DvsUuid: p.dvs.Uuid, PortgroupKey: p.pg.Key, ProxyHost: p.host(),
		LastStatusChange: p.dvs.Config.GetDVSConfigInfo().CreateTime,
		HostLocalPort:    types.NewBool(false),
		Config:           types.DVPortConfigInfo{Name: p.name(), Setting: setting, ConfigVersion: "0"},
	}
	if p.record != nil {
		port.Config.Description, port.Config.Scope = p.record.description, p.record.scope
		port.Config.ConfigVersion = strconv.Itoa(p.record.version)
	}
	switch {
	case p.connected:
		port.ConnectionCookie, port.LastStatusChange = p.on.cookie, p.on.since
		port.Connectee = &types.DistributedVirtualSwitchPortConnectee{
			ConnectedEntity: &p.on.vm, NicKey: strconv.Itoa(int(p.on.nicKey)), AddressHint: p.on.mac,
			Type: string(types.DistributedVirtualSwitchPortConnecteeConnecteeTypeVmVnic),
		}
	case p.pnic() != "":
		port.ConnectionCookie = p.record.uplink.cookie
		port.Connectee = &types.DistributedVirtualSwitchPortConnectee{
			ConnectedEntity: &p.record.uplink.host, NicKey: p.pnic(),
			Type: string(types.DistributedVirtualSwitchPortConnecteeConnecteeTypePnic),
		}
	default:
		return port
	}
	port.State = &types.DVPortState{}
	if p.linkUp() {
		port.State.RuntimeInfo = p.status(setting)
	}
	return port
}

// status is the runtime state of a port whose link is up.
func (p *portView) status(setting *types.VMwareDVSPortSetting) *types.DVPortStatus {
	status := &types.DVPortStatus{
		LinkUp: true, MacAddress: p.on.mac, LinkPeer: p.pnic(), Mtu: switchConfig(p.dvs).MaxMtu,
		TrunkingMode: types.NewBool(false),
		Blocked:      setting.Blocked != nil && isTrue(setting.Blocked.Value),
	}
	if p.machine != nil {
		status.LinkPeer = p.machine.Name
	}
	switch vlan := setting.Vlan.(type) {
	case *types.VmwareDistributedVirtualSwitchVlanIdSpec:
		status.VlanIds = []types.NumericRange{{Start: vlan.VlanId, End: vlan.VlanId}}
	case *types.VmwareDistributedVirtualSwitchTrunkVlanSpec:
		status.VlanIds, status.TrunkingMode = vlan.VlanId, types.NewBool(true)
	case *types.VmwareDistributedVirtualSwitchPvlanSpec:
		status.VlanIds = []types.NumericRange{{Start: vlan.PvlanId, End: vlan.PvlanId}}
	}
	return status
}

// name is a port's own name, or the one that the group's format makes.
func (p *portView) name() string {
	if p.record != nil && p.record.name != "" {
		return p.record.name
	}
	if p.pg.Config.PortNameFormat == "" {
		return ""
	}
	return generatedPortName(p.pg.Config.PortNameFormat, p.dvs.Name, p.pg.Name, slices.Index(p.pg.PortKeys, p.key))
}
