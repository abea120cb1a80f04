package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Uplink ports: each member host has one for each name of the uplink policy, spread
// over the uplink groups, and physical NICs are put on them.

// uplinkNames lists the uplinks of a switch.
// Documented: DVSNameArrayUplinkPortPolicy.uplinkPortName.
func uplinkNames(config *types.VMwareDVSConfigInfo) []string {
	if policy, ok := config.UplinkPortPolicy.(*types.DVSNameArrayUplinkPortPolicy); ok {
		return policy.UplinkPortName
	}
	return nil
}

// addUplinks makes a host's uplink ports.
//
// Documented: as many as the policy has names, evenly spread over the uplink
// groups, named by the policy; DistributedVirtualSwitchHostMember.uplinkPortKey.
func (t *Twin) addUplinks(r *simulator.Registry, dvs *simulator.DistributedVirtualSwitch, host types.ManagedObjectReference) {
	config := switchConfig(dvs)
	member := memberOf(config, host)
	have := len(member.UplinkPortKey)
	for i, name := range uplinkNames(config) {
		if i < have || len(config.UplinkPortgroup) == 0 {
			continue
		}
		pg := portgroupOf(r, config.UplinkPortgroup[i%len(config.UplinkPortgroup)])
		key := t.addPorts(dvs, pg, 1)[0]
		pg.Config.NumPorts = int32(len(pg.PortKeys))
		record := t.inventory.portsOf(dvs.Self).record(key)
		record.name, record.uplink = name, &uplinkPort{host: host}
		member.UplinkPortKey = append(slices.Clone(member.UplinkPortKey), key)
	}
}

// removeUplinks deletes a host's uplink ports. Documented: they go with the host.
func (t *Twin) removeUplinks(r *simulator.Registry, dvs *simulator.DistributedVirtualSwitch, host types.ManagedObjectReference) {
	t.dropUplinks(r, dvs, memberOf(switchConfig(dvs), host).UplinkPortKey)
}

func (t *Twin) dropUplinks(r *simulator.Registry, dvs *simulator.DistributedVirtualSwitch, keys []string) {
	for _, ref := range switchConfig(dvs).UplinkPortgroup {
		pg := portgroupOf(r, ref)
		t.dropPorts(dvs, pg, keys...)
		pg.Config.NumPorts = int32(len(pg.PortKeys))
	}
}

// memberOf returns the entry of a host among the members of a switch.
func memberOf(config *types.VMwareDVSConfigInfo, host types.ManagedObjectReference) *types.DistributedVirtualSwitchHostMember {
	for i := range config.Host {
		if ref := config.Host[i].Config.Host; ref != nil && *ref == host {
			return &config.Host[i]
		}
	}
	return &types.DistributedVirtualSwitchHostMember{}
}

// checkUplinks refuses to take away uplinks that a physical NIC is on.
// Documented: decreasing beyond the unused uplink ports raises a fault. Inferred:
// ResourceInUse; a name twice or none at all is an InvalidArgument.
func (c *Call) checkUplinks(dvs *simulator.DistributedVirtualSwitch, names []string) error {
	unique := slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) == 0 || len(unique) != len(names) || unique[0] == "" {
		return NewFault(&types.InvalidArgument{InvalidProperty: "spec.uplinkPortPolicy"})
	}
	table := c.Twin.inventory.portsOf(dvs.Self)
	for _, member := range switchConfig(dvs).Host {
		for i, key := range member.UplinkPortKey {
			if i >= len(names) && table.busy(key) {
				return NewFault(&types.ResourceInUse{Type: "DistributedVirtualPort", Name: key})
			}
		}
	}
	return nil
}

// renameUplinks brings ports and failover orders in line with a new uplink policy.
//
// Documented: uplink ports on all hosts are renamed, added and deleted with the
// names in the array. Inferred: a failover order follows a rename, forgets what is
// gone, and a new uplink is active in the switch's own order.
func (t *Twin) renameUplinks(r *simulator.Registry, dvs *simulator.DistributedVirtualSwitch, next *types.VMwareDVSConfigInfo) {
	old, names := uplinkNames(switchConfig(dvs)), uplinkNames(next)
	if slices.Equal(old, names) {
		return
	}
	renamed := map[string]string{}
	for i, name := range old {
		if i < len(names) {
			renamed[name] = names[i]
		} else {
			renamed[name] = ""
		}
	}
	if setting, ok := next.DefaultPortConfig.(*types.VMwareDVSPortSetting); ok {
		followUplinks(setting, renamed, names[min(len(old), len(names)):])
	}
	for _, ref := range dvs.Portgroup {
		pg := portgroupOf(r, ref)
		if setting, ok := pg.Config.DefaultPortConfig.(*types.VMwareDVSPortSetting); ok {
			setting = cloneValue(setting)
			followUplinks(setting, renamed, nil)
			pg.Config.DefaultPortConfig = setting
			t.Touch(ref)
		}
	}
	table := t.inventory.portsOf(dvs.Self)
	for i := range next.Host {
		member := &next.Host[i]
		keep := min(len(names), len(member.UplinkPortKey))
		for at, key := range member.UplinkPortKey[:keep] {
			table.record(key).name = names[at]
		}
		t.dropUplinks(r, dvs, member.UplinkPortKey[keep:])
		member.UplinkPortKey = slices.Clone(member.UplinkPortKey[:keep])
	}
	next.NumPorts = dvs.Config.GetDVSConfigInfo().NumPorts
	dvs.Config = next
	for _, host := range dvs.Summary.HostMember {
		t.addUplinks(r, dvs, host)
	}
}

// followUplinks rewrites a failover order.
func followUplinks(setting *types.VMwareDVSPortSetting, renamed map[string]string, fresh []string) {
	if setting.UplinkTeamingPolicy == nil || setting.UplinkTeamingPolicy.UplinkPortOrder == nil {
		return
	}
	rewrite := func(names []string) []string {
		var out []string
		for _, name := range names {
			now, known := renamed[name]
			switch {
			case !known:
				out = append(out, name)
			case now != "":
				out = append(out, now)
			}
		}
		return out
	}
	order := setting.UplinkTeamingPolicy.UplinkPortOrder
	order.StandbyUplinkPort = rewrite(order.StandbyUplinkPort)
	order.ActiveUplinkPort = rewrite(order.ActiveUplinkPort)
	for _, name := range fresh {
		if !slices.Contains(order.ActiveUplinkPort, name) && !slices.Contains(order.StandbyUplinkPort, name) {
			order.ActiveUplinkPort = append(order.ActiveUplinkPort, name)
		}
	}
}

// checkUplinkGroups validates a new list of uplink groups.
// Documented: DVSConfigSpec.uplinkPortgroup lists port groups of the switch.
// Inferred: others are an InvalidArgument; a group with machines is in use, and so is
// one that would go while it has the uplink ports of a host.
func (c *Call) checkUplinkGroups(dvs *simulator.DistributedVirtualSwitch, groups []types.ManagedObjectReference) error {
	if len(groups) == 0 {
		return nil
	}
	for _, ref := range switchConfig(dvs).UplinkPortgroup {
		if pg := portgroupOf(c.Ctx.Map, ref); pg != nil && !slices.Contains(groups, ref) && len(pg.PortKeys) > 0 {
			return NewFault(&types.ResourceInUse{Type: ref.Type, Name: pg.Name})
		}
	}
	for _, ref := range groups {
		if simulator.FindReference(dvs.Portgroup, ref) == nil {
			return NewFault(&types.InvalidArgument{InvalidProperty: "spec.uplinkPortgroup"})
		}
		if pg := portgroupOf(c.Ctx.Map, ref); len(pg.Vm) > 0 {
			return NewFault(&types.ResourceInUse{Type: ref.Type, Name: pg.Name})
		}
	}
	return nil
}

// markUplinkGroups tells the groups of a switch whether they are uplink groups.
// Documented: DVPortgroupConfigInfo.uplink.
func (c *Call) markUplinkGroups(dvs *simulator.DistributedVirtualSwitch, before []types.ManagedObjectReference) {
	now := switchConfig(dvs).UplinkPortgroup
	for _, ref := range slices.Concat(before, now) {
		if pg := portgroupOf(c.Ctx.Map, ref); pg != nil {
			pg.Config.Uplink = types.NewBool(slices.Contains(now, ref))
			c.Twin.Touch(ref)
		}
	}
}
