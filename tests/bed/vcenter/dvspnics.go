package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What stands behind a host's membership: physical NICs, and the proxy switch.

// checkPnics validates the physical NICs of a membership.
//
// Documented: DistributedVirtualSwitchHostMemberPnicSpec: a device of the host, and
// the port it goes on. Inferred: an unknown device or port is an InvalidArgument;
// a NIC of another distributed switch is in use, and so is a second one on a port.
func (c *Call) checkPnics(dvs *simulator.DistributedVirtualSwitch, host *simulator.HostSystem, base types.BaseDistributedVirtualSwitchHostMemberBacking) error {
	if base == nil {
		return nil
	}
	backing, ok := base.(*types.DistributedVirtualSwitchHostMemberPnicBacking)
	if !ok {
		return NewFault(&types.InvalidArgument{InvalidProperty: "spec.host.backing"})
	}
	const path = "spec.host.backing.pnicSpec"
	if len(backing.PnicSpec) > len(uplinkNames(switchConfig(dvs))) {
		return Faultf(&types.ResourceNotAvailable{ContainerType: dvs.Self.Type, ContainerName: dvs.Name, Type: "DistributedVirtualPort"},
			"No free uplink port is available on the switch %s.", dvs.Name)
	}
	seen := map[string]bool{}
	for _, spec := range backing.PnicSpec {
		if seen[spec.PnicDevice] || !hasPnic(host, spec.PnicDevice) {
			return NewFault(&types.InvalidArgument{InvalidProperty: path + ".pnicDevice"})
		}
		seen[spec.PnicDevice] = true
		if spec.UplinkPortKey != "" && !slices.Contains(memberOf(switchConfig(dvs), host.Self).UplinkPortKey, spec.UplinkPortKey) {
			return NewFault(&types.InvalidArgument{InvalidProperty: path + ".uplinkPortKey"})
		}
		for other, table := range c.Twin.inventory.switches {
			if other != dvs.Self && table.hasPnic(host.Self, spec.PnicDevice) {
				return NewFault(&types.ResourceInUse{Type: "PhysicalNic", Name: spec.PnicDevice})
			}
		}
	}
	return nil
}

func hasPnic(host *simulator.HostSystem, device string) bool {
	return host.Config != nil && host.Config.Network != nil &&
		slices.ContainsFunc(host.Config.Network.Pnic, func(p types.PhysicalNic) bool { return p.Device == device })
}

func (p *portTable) hasPnic(host types.ManagedObjectReference, device string) bool {
	for _, record := range p.records {
		if record.uplink != nil && record.uplink.host == host && record.uplink.pnic == device {
			return true
		}
	}
	return false
}

// backMember puts a host's physical NICs on its uplink ports and writes down what
// else a membership spec says. Documented: a backing is the whole list.
func (t *Twin) backMember(_ *simulator.Registry, dvs *simulator.DistributedVirtualSwitch, change types.DistributedVirtualSwitchHostMemberConfigSpec) {
	member := memberOf(switchConfig(dvs), change.Host)
	if change.MaxProxySwitchPorts != 0 {
		member.Config.MaxProxySwitchPorts = change.MaxProxySwitchPorts
	}
	if len(change.VendorSpecificConfig) > 0 {
		member.Config.VendorSpecificConfig = slices.Clone(change.VendorSpecificConfig)
	}
	asked, ok := change.Backing.(*types.DistributedVirtualSwitchHostMemberPnicBacking)
	if !ok {
		return
	}
	table := t.inventory.portsOf(dvs.Self)
	for _, key := range member.UplinkPortKey {
		table.record(key).uplink.pnic = ""
	}
	backing := &types.DistributedVirtualSwitchHostMemberPnicBacking{}
	for _, spec := range asked.PnicSpec {
		key := spec.UplinkPortKey
		if key == "" || table.busy(key) {
			free := slices.IndexFunc(member.UplinkPortKey, func(k string) bool { return !table.busy(k) })
			key = member.UplinkPortKey[free] // checkPnics counted
		}
		table.nextCookie++
		uplink := table.record(key).uplink
		uplink.pnic, uplink.cookie = spec.PnicDevice, table.nextCookie
		backing.PnicSpec = append(backing.PnicSpec, types.DistributedVirtualSwitchHostMemberPnicSpec{
			PnicDevice: spec.PnicDevice, UplinkPortKey: key, ConnectionCookie: uplink.cookie,
			UplinkPortgroupKey: spec.UplinkPortgroupKey,
		})
	}
	member.Config.Backing = backing
}

// showProxy writes the proxy switch of a member host.
//
// Documented: HostNetworkInfo.proxySwitch; a proxy switch comes and goes with the
// membership.
func (t *Twin) showProxy(r *simulator.Registry, ref types.ManagedObjectReference, dvs *simulator.DistributedVirtualSwitch) {
	host, ok := r.Get(ref).(*simulator.HostSystem)
	if !ok || host.Config == nil || host.Config.Network == nil {
		return
	}
	config := switchConfig(dvs)
	member := memberOf(config, ref)
	proxy := types.HostProxySwitch{
		DvsUuid: dvs.Uuid, DvsName: dvs.Name, Key: "key-vim.host.ProxySwitch-" + dvs.Name,
		NumPorts: member.Config.MaxProxySwitchPorts, ConfigNumPorts: member.Config.MaxProxySwitchPorts,
		NumPortsAvailable: member.Config.MaxProxySwitchPorts, Mtu: config.MaxMtu,
		Spec: types.HostProxySwitchSpec{Backing: member.Config.Backing},
	}
	records := t.inventory.portsOf(dvs.Self).records
	for _, key := range member.UplinkPortKey {
		proxy.UplinkPort = append(proxy.UplinkPort, types.KeyValue{Key: key, Value: records[key].name})
		if pnic := records[key].uplink.pnic; pnic != "" {
			proxy.Pnic = append(proxy.Pnic, "key-vim.host.PhysicalNic-"+pnic)
		}
	}
	others := withoutProxy(host, dvs)
	host.Config.Network.ProxySwitch = append(others, proxy)
	t.Touch(ref)
}

// hideProxy takes the proxy switch of a switch off a host.
func (t *Twin) hideProxy(r *simulator.Registry, ref types.ManagedObjectReference, dvs *simulator.DistributedVirtualSwitch) {
	if host, ok := r.Get(ref).(*simulator.HostSystem); ok && host.Config != nil && host.Config.Network != nil {
		host.Config.Network.ProxySwitch = withoutProxy(host, dvs)
		t.Touch(ref)
	}
}

func withoutProxy(host *simulator.HostSystem, dvs *simulator.DistributedVirtualSwitch) []types.HostProxySwitch {
	return slices.DeleteFunc(slices.Clone(host.Config.Network.ProxySwitch), func(p types.HostProxySwitch) bool { return p.DvsUuid == dvs.Uuid })
}
