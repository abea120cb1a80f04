package main

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Reconfigure of single ports: what a group allows to be different on one of them.

// reconfigurePorts models ReconfigureDVPort_Task.
//
// Documented: InvalidArgument when a port is named twice, NotFound, ResourceInUse,
// ConcurrentAccess, NotSupported for a feature that the switch lacks; operations
// edit and remove. Inferred: all specs are checked before the first is applied.
func reconfigurePorts(c *Call, req any) (any, error) {
	specs := req.(*types.ReconfigureDVPort_Task).Port
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		return nil, tc.reconfigurePorts(specs)
	})
	return &types.ReconfigureDVPort_TaskResponse{Returnval: ref}, nil
}

// portChange is a checked change of one port.
type portChange struct {
	pg     *simulator.DistributedVirtualPortgroup
	key    string
	next   *portRecord // nil: the port is removed
	before types.DVPortConfigInfo
}

func (c *Call) reconfigurePorts(specs []types.DVPortConfigSpec) error {
	dvs, err := switchOf(c.Ctx.Map, c.This)
	if err != nil {
		return err
	}
	wanted := map[string]*portView{}
	for _, spec := range specs {
		if _, twice := wanted[spec.Key]; twice || spec.Key == "" {
			return NewFault(&types.InvalidArgument{InvalidProperty: "port.key"})
		}
		wanted[spec.Key] = nil
	}
	if err := c.selectPorts(nil, func(p *portView) {
		if _, ok := wanted[p.key]; ok {
			wanted[p.key] = p
		}
	}); err != nil {
		return err
	}
	changes := make([]portChange, 0, len(specs))
	for i := range specs {
		change, err := c.checkPortSpec(wanted[specs[i].Key], &specs[i])
		if err != nil {
			return err
		}
		changes = append(changes, change)
	}
	c.commitPorts(dvs, changes)
	return nil
}

// checkPortSpec computes what a spec makes of a port and changes nothing.
//
// Observed: the version is the port's own; a switch's gives ConcurrentAccess
// (pyvmomi issue 538). Inferred: an uplink port goes only with its host, and a port
// of an NSX group is NSX's.
func (c *Call) checkPortSpec(p *portView, spec *types.DVPortConfigSpec) (portChange, error) {
	if p == nil {
		return portChange{}, objectNotFound()
	}
	before := c.describePort(p)
	change := portChange{pg: p.pg, key: p.key, before: before.Config}
	if err := c.checkPortVersion(spec.ConfigVersion, before.Config.ConfigVersion); err != nil {
		return change, err
	}
	if ownedByNsx(p.pg) {
		return change, NewFault(&types.NotSupported{})
	}
	switch types.ConfigSpecOperation(spec.Operation) {
	case types.ConfigSpecOperationRemove:
		if before.Connectee != nil || isTrue(p.pg.Config.Uplink) {
			return change, NewFault(&types.ResourceInUse{Type: "DistributedVirtualPort", Name: p.key})
		}
		return change, nil
	case types.ConfigSpecOperationEdit:
	default:
		return change, NewFault(&types.InvalidArgument{InvalidProperty: "port.operation"})
	}
	change.next = &portRecord{}
	if p.record != nil {
		*change.next = *p.record
	}
	change.next.version++
	change.next.name = orDefault(spec.Name, change.next.name)
	change.next.description = orDefault(spec.Description, change.next.description)
	if len(spec.Scope) > 0 {
		change.next.scope = slices.Clone(spec.Scope)
	}
	if spec.Setting == nil {
		return change, nil
	}
	asked, err := portSettingOf(spec.Setting, "port.setting")
	if err != nil {
		return change, err
	}
	if err := rulesOf(p.dvs, switchConfig(p.dvs)).check(asked, "port.setting."); err != nil {
		return change, err
	}
	if err := checkOverrides(asked, p.pg); err != nil {
		return change, err
	}
	parent, _ := p.pg.Config.DefaultPortConfig.(*types.VMwareDVSPortSetting)
	current := portSetting(p.pg, p.record)
	change.next.own = ownPolicies(mergePortSetting(current, asked, parent, c.Twin.inventory.rules.MacManagementLeaves))
	return change, nil
}

// checkPortVersion compares the version that a port's spec carries.
//
// Undecided: DVPortConfigSpec.configVersion is not called required, unlike that of
// a group and a switch. Inferred: without one there is no fence; the rule switch
// portNeedsConfigVersion takes the other reading.
func (c *Call) checkPortVersion(asked, current string) error {
	if asked == "" && !c.Twin.inventory.rules.PortNeedsConfigVersion {
		return nil
	}
	return checkConfigVersion(asked, current)
}

// overrideFlags says which flag of a group's policy lets a port differ in which
// policy. Documented: DVPortgroupPolicy and VMwareDVSPortgroupPolicy. A policy that
// no flag speaks of may differ (inferred).
var overrideFlags = []struct {
	member  string
	allowed func(*types.VMwareDVSPortgroupPolicy) bool
}{
	{"Blocked", func(p *types.VMwareDVSPortgroupPolicy) bool { return p.BlockOverrideAllowed }},
	{"InShapingPolicy", func(p *types.VMwareDVSPortgroupPolicy) bool { return p.ShapingOverrideAllowed }},
	{"OutShapingPolicy", func(p *types.VMwareDVSPortgroupPolicy) bool { return p.ShapingOverrideAllowed }},
	{"VendorSpecificConfig", func(p *types.VMwareDVSPortgroupPolicy) bool { return p.VendorConfigOverrideAllowed }},
	{"NetworkResourcePoolKey", func(p *types.VMwareDVSPortgroupPolicy) bool { return isTrue(p.NetworkResourcePoolOverrideAllowed) }},
	{"FilterPolicy", func(p *types.VMwareDVSPortgroupPolicy) bool { return isTrue(p.TrafficFilterOverrideAllowed) }},
	{"Vlan", func(p *types.VMwareDVSPortgroupPolicy) bool { return p.VlanOverrideAllowed }},
	{"UplinkTeamingPolicy", func(p *types.VMwareDVSPortgroupPolicy) bool { return p.UplinkTeamingOverrideAllowed }},
	{"SecurityPolicy", func(p *types.VMwareDVSPortgroupPolicy) bool { return p.SecurityPolicyOverrideAllowed }},
	{"MacManagementPolicy", func(p *types.VMwareDVSPortgroupPolicy) bool { return isTrue(p.MacManagementOverrideAllowed) }},
	{"IpfixEnabled", func(p *types.VMwareDVSPortgroupPolicy) bool { return isTrue(p.IpfixOverrideAllowed) }},
}

// checkOverrides refuses what a group does not let a port decide.
//
// Documented: the flags allow a port's setting to override the group's. Inferred:
// the fault is the DvsFault of the method, and asking for inheritance is always
// allowed.
func checkOverrides(asked *types.VMwareDVSPortSetting, pg *simulator.DistributedVirtualPortgroup) error {
	policy, ok := pg.Config.Policy.(*types.VMwareDVSPortgroupPolicy)
	if !ok {
		policy = &types.VMwareDVSPortgroupPolicy{DVPortgroupPolicy: *pg.Config.Policy.GetDVPortgroupPolicy()}
	}
	setting := reflect.ValueOf(asked).Elem()
	for _, flag := range overrideFlags {
		field := setting.FieldByName(flag.member)
		inherited, _ := inheritedFlag(field)
		if !isUnset(field) && !inherited && !flag.allowed(policy) {
			return Faultf(&types.DvsFault{}, "The port group %s does not allow a port to override %s.", pg.Name, strings.ToLower(flag.member[:1])+flag.member[1:])
		}
	}
	return nil
}

// commitPorts puts checked changes in force. Inferred: a removed port lowers the
// group's number of ports and leaves its configVersion alone.
func (c *Call) commitPorts(dvs *simulator.DistributedVirtualSwitch, changes []portChange) {
	table := c.Twin.inventory.portsOf(dvs.Self)
	event := &types.DvsPortReconfiguredEvent{DvsEvent: c.switchEvent(dvs)}
	for _, change := range changes {
		event.PortKey = append(event.PortKey, change.key)
		if change.next == nil {
			c.Twin.dropPorts(dvs, change.pg, change.key)
			if change.pg.Config.Type != string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral) {
				change.pg.Config.NumPorts = int32(len(change.pg.PortKeys))
			}
			continue
		}
		table.records[change.key] = change.next
		after := types.DVPortConfigInfo{
			Name: change.next.name, Description: change.next.description, Scope: change.next.scope,
			Setting: portSetting(change.pg, change.next), ConfigVersion: strconv.Itoa(change.next.version),
		}
		event.ConfigChanges = append(event.ConfigChanges, *configChanges(&change.before, &after))
	}
	c.Twin.Touch(dvs.Self)
	c.post(event)
}
