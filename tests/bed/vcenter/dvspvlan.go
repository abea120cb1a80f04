package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The private VLAN map of a switch.

// changedPvlans applies changes to a private VLAN map.
//
// Documented: VMwareDVSConfigSpec.pvlanConfigSpec: add and remove only; a primary
// entry is promiscuous and must be there for its secondary ones; it cannot go
// before they do; 0 and 4095 are reserved. Observed: the fault is an
// InvalidArgument "spec.pvlanConfigSpec" (community.vmware issue 1505). Inferred:
// an entry that a group, a port or the switch uses cannot go: ResourceInUse.
func (c *Call) changedPvlans(dvs *simulator.DistributedVirtualSwitch, current []types.VMwareDVSPvlanMapEntry, changes []types.VMwareDVSPvlanConfigSpec) ([]types.VMwareDVSPvlanMapEntry, error) {
	if len(changes) == 0 {
		return current, nil
	}
	refused := NewFault(&types.InvalidArgument{InvalidProperty: "spec.pvlanConfigSpec"})
	next := slices.Clone(current)
	var removed []int32
	for _, change := range changes {
		entry := change.PvlanEntry
		at := slices.Index(next, entry)
		switch types.ConfigSpecOperation(change.Operation) {
		case types.ConfigSpecOperationAdd:
			taken := slices.ContainsFunc(next, func(e types.VMwareDVSPvlanMapEntry) bool { return e.SecondaryVlanId == entry.SecondaryVlanId })
			if taken || !validPvlan(entry) {
				return nil, refused
			}
			next = append(next, entry)
		case types.ConfigSpecOperationRemove:
			if at < 0 {
				return nil, refused
			}
			next = slices.Delete(next, at, at+1)
			removed = append(removed, entry.SecondaryVlanId)
		default:
			return nil, refused
		}
	}
	for _, entry := range next {
		primary := types.VMwareDVSPvlanMapEntry{
			PrimaryVlanId: entry.PrimaryVlanId, SecondaryVlanId: entry.PrimaryVlanId,
			PvlanType: string(types.VmwareDistributedVirtualSwitchPvlanPortTypePromiscuous),
		}
		if !slices.Contains(next, primary) {
			return nil, refused
		}
	}
	for _, id := range removed {
		still := slices.ContainsFunc(next, func(e types.VMwareDVSPvlanMapEntry) bool { return e.SecondaryVlanId == id })
		if user := c.pvlanUser(dvs, id); user != "" && !still {
			return nil, NewFault(&types.ResourceInUse{Type: "VMwareDVSPvlanMapEntry", Name: user})
		}
	}
	return next, nil
}

// validPvlan checks one entry by itself. Inferred: a VLAN is the secondary one of
// one entry only, and not the primary of another map's entry.
func validPvlan(entry types.VMwareDVSPvlanMapEntry) bool {
	for _, id := range []int32{entry.PrimaryVlanId, entry.SecondaryVlanId} {
		if id < 1 || id > vlanIDMax {
			return false
		}
	}
	switch types.VmwareDistributedVirtualSwitchPvlanPortType(entry.PvlanType) {
	case types.VmwareDistributedVirtualSwitchPvlanPortTypePromiscuous:
		return entry.PrimaryVlanId == entry.SecondaryVlanId
	case types.VmwareDistributedVirtualSwitchPvlanPortTypeCommunity, types.VmwareDistributedVirtualSwitchPvlanPortTypeIsolated:
		return entry.PrimaryVlanId != entry.SecondaryVlanId
	}
	return false
}

// pvlanUser names who uses a private VLAN: the switch, a group, or a port's group.
func (c *Call) pvlanUser(dvs *simulator.DistributedVirtualSwitch, id int32) string {
	uses := func(setting types.BaseDVPortSetting) bool {
		vmware, ok := setting.(*types.VMwareDVSPortSetting)
		if !ok || vmware == nil {
			return false
		}
		vlan, ok := vmware.Vlan.(*types.VmwareDistributedVirtualSwitchPvlanSpec)
		return ok && vlan.PvlanId == id
	}
	if uses(dvs.Config.GetDVSConfigInfo().DefaultPortConfig) {
		return dvs.Name
	}
	records := c.Twin.inventory.portsOf(dvs.Self).records
	for _, ref := range dvs.Portgroup {
		pg := portgroupOf(c.Ctx.Map, ref)
		if uses(pg.Config.DefaultPortConfig) {
			return pg.Name
		}
		for _, key := range pg.PortKeys {
			if record, ok := records[key]; ok && uses(record.own) {
				return pg.Name
			}
		}
	}
	return ""
}

// queryUsedVlans models QueryUsedVlanIdInDvs. Documented: the VLAN ids in use on
// the switch, private VLANs excluded. Inferred: 0 is no VLAN, trunks count in full.
func queryUsedVlans(c *Call, _ any) (any, error) {
	dvs, err := switchOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	used := map[int32]bool{}
	note := func(setting *types.VMwareDVSPortSetting) {
		if setting == nil {
			return
		}
		switch vlan := setting.Vlan.(type) {
		case *types.VmwareDistributedVirtualSwitchVlanIdSpec:
			used[vlan.VlanId] = true
		case *types.VmwareDistributedVirtualSwitchTrunkVlanSpec:
			for _, r := range vlan.VlanId {
				for id := r.Start; id <= r.End; id++ {
					used[id] = true
				}
			}
		}
	}
	for _, ref := range dvs.Portgroup {
		if pg := portgroupOf(c.Ctx.Map, ref); !isTrue(pg.Config.Uplink) {
			setting, _ := pg.Config.DefaultPortConfig.(*types.VMwareDVSPortSetting)
			note(setting)
		}
	}
	for _, record := range c.Twin.inventory.portsOf(dvs.Self).records {
		note(record.own)
	}
	delete(used, 0)
	res := &types.QueryUsedVlanIdInDvsResponse{}
	for id := range used {
		res.Returnval = append(res.Returnval, id)
	}
	slices.Sort(res.Returnval)
	return res, nil
}
