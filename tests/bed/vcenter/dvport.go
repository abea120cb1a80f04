package main

import (
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The ports of a distributed switch, which are no managed objects: who sits on
// them and what they have of their own. The idea: only what differs from the
// group is kept, and a port's setting is computed when it is read, so a change of
// the group shows in every port that inherits it and touches no override.

// portTable is the ports of one distributed switch. Which keys a group owns is
// DistributedVirtualPortgroup.portKeys; only connected ports have a connection and
// only ports that somebody changed have a record.
type portTable struct {
	nextKey    int
	nextCookie int32
	connected  map[string]portConnection
	records    map[string]*portRecord
	taken      map[string]int // by group: how many of its first ports are connected for sure
	users      map[types.ManagedObjectReference]int
}

// portConnection is which virtual NIC sits on a port.
type portConnection struct {
	vm     types.ManagedObjectReference
	nicKey int32
	mac    string
	cookie int32
	since  time.Time
}

// portRecord is what a port has of its own.
type portRecord struct {
	name        string
	description string
	scope       []types.ManagedObjectReference
	own         *types.VMwareDVSPortSetting // the overridden policies and nothing else
	version     int
	uplink      *uplinkPort
}

// uplinkPort is the host that an uplink port was made for, and its physical NIC.
type uplinkPort struct {
	host   types.ManagedObjectReference
	pnic   string
	cookie int32
}

func (inv *inventory) portsOf(dvs types.ManagedObjectReference) *portTable {
	table, ok := inv.switches[dvs]
	if !ok {
		table = &portTable{
			connected: map[string]portConnection{}, records: map[string]*portRecord{},
			taken: map[string]int{}, users: map[types.ManagedObjectReference]int{},
		}
		inv.switches[dvs] = table
	}
	return table
}

// newKeys gives out port keys. Documented: a port key is unique on its switch.
func (p *portTable) newKeys(n int) []string {
	keys := make([]string, 0, n)
	for range n {
		keys = append(keys, strconv.Itoa(p.nextKey))
		p.nextKey++
	}
	return keys
}

// connect puts a virtual NIC on a port and returns the connection cookie.
// Documented: the server generates it, and port and NIC show the same one.
func (p *portTable) connect(key string, vm types.ManagedObjectReference, nicKey int32, mac string, now time.Time) int32 {
	p.nextCookie++
	p.connected[key] = portConnection{vm: vm, nicKey: nicKey, mac: mac, cookie: p.nextCookie, since: now}
	p.users[vm]++
	return p.nextCookie
}

// disconnect takes a virtual NIC off a port, if it is that machine's.
func (p *portTable) disconnect(key string, vm types.ManagedObjectReference) {
	if on, ok := p.connected[key]; ok && on.vm == vm {
		delete(p.connected, key)
		if p.users[vm]--; p.users[vm] == 0 {
			delete(p.users, vm)
		}
	}
}

// record returns a port's record, a fresh one if it has none.
func (p *portTable) record(key string) *portRecord {
	record, ok := p.records[key]
	if !ok {
		record = &portRecord{}
		p.records[key] = record
	}
	return record
}

// busy tells whether a port has a connectee, virtual or physical.
func (p *portTable) busy(key string) bool {
	if _, connected := p.connected[key]; connected {
		return true
	}
	record, ok := p.records[key]
	return ok && record.uplink != nil && record.uplink.pnic != ""
}

// portSetting is the effective setting of a port.
//
// Documented: InheritablePolicy; values shown are effective, `inherited` tells
// that they are the group's.
func portSetting(pg *simulator.DistributedVirtualPortgroup, record *portRecord) *types.VMwareDVSPortSetting {
	parent, ok := pg.Config.DefaultPortConfig.(*types.VMwareDVSPortSetting)
	if !ok {
		parent = defaultSwitchSetting()
	}
	inherited := inheritedSetting(parent)
	if record == nil || record.own == nil {
		return inherited
	}
	return mergePortSetting(inherited, record.own, parent, MergeKeep)
}

// ownPolicies is the part of a setting that is not inherited; nil when all of it is.
func ownPolicies(setting *types.VMwareDVSPortSetting) *types.VMwareDVSPortSetting {
	out := cloneValue(setting)
	dropInherited(reflect.ValueOf(out).Elem())
	if reflect.ValueOf(*out).IsZero() {
		return nil
	}
	return out
}

func dropInherited(v reflect.Value) {
	for i := range v.NumField() {
		if v.Type().Field(i).Anonymous {
			dropInherited(v.Field(i))
			continue
		}
		if inherited, _ := inheritedFlag(v.Field(i)); inherited {
			v.Field(i).SetZero()
		}
	}
}

// resetPort drops a port's own setting when its connectee leaves.
//
// Documented: DVPortgroupPolicy.portConfigResetAtDisconnect; the setting goes,
// name and description stay. Inferred: that counts the port's version up.
func (p *portTable) resetPort(pg *simulator.DistributedVirtualPortgroup, key string) {
	record, ok := p.records[key]
	if ok && record.own != nil && pg.Config.Policy.GetDVPortgroupPolicy().PortConfigResetAtDisconnect {
		record.own = nil
		record.version++
	}
}

// isEphemeral tells whether a group's ports exist only while they are used.
func isEphemeral(pg *simulator.DistributedVirtualPortgroup) bool {
	return pg.Config.Type == string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral)
}

// addPorts makes fresh ports of a group.
func (t *Twin) addPorts(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, n int) []string {
	keys := t.inventory.portsOf(dvs.Self).newKeys(n)
	pg.PortKeys = append(slices.Clone(pg.PortKeys), keys...)
	countPorts(dvs, n)
	t.Touch(pg.Self, dvs.Self)
	return keys
}

// dropPorts deletes ports of a group.
func (t *Twin) dropPorts(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, keys ...string) {
	table := t.inventory.portsOf(dvs.Self)
	gone := make(map[string]bool, len(keys))
	for _, key := range keys {
		gone[key] = true
		delete(table.records, key)
	}
	before := len(pg.PortKeys)
	pg.PortKeys = slices.DeleteFunc(slices.Clone(pg.PortKeys), func(key string) bool { return gone[key] })
	countPorts(dvs, len(pg.PortKeys)-before)
	delete(table.taken, pg.Key)
	t.Touch(pg.Self, dvs.Self)
}

// countPorts keeps the number of ports that a switch shows.
// Documented: DVSSummary.numPorts and DVSConfigInfo.numPorts, the current number.
func countPorts(dvs *simulator.DistributedVirtualSwitch, change int) {
	dvs.Summary.NumPorts += int32(change)
	dvs.Config.GetDVSConfigInfo().NumPorts += int32(change)
}
