package main

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// Port groups of standard switches.

const maxVlanID = 4095 // 0 is untagged, 4095 passes all VLANs on to the guest

// addPortGroup models AddPortGroup. Documented: AlreadyExists, NotFound for the
// switch, InvalidArgument for a VLAN outside 0..4095 or an invalid policy. The name
// is unique on the host; other hosts may have a group of the same name.
func addPortGroup(c *Call, req any) (any, error) {
	n, err := c.hostNetwork()
	if err != nil {
		return nil, err
	}
	if err := n.addGroup(&req.(*types.AddPortGroup).Portgrp); err != nil {
		return nil, err
	}
	return &types.AddPortGroupResponse{}, nil
}

// updatePortGroup models UpdatePortGroup. Documented: NotFound for the group or the
// switch, AlreadyExists if the new name is another group's, InvalidArgument. All
// members of the spec but those of the policy are required, so it replaces the whole
// group, and a policy that it leaves out is inherited again.
func updatePortGroup(c *Call, req any) (any, error) {
	n, err := c.hostNetwork()
	if err != nil {
		return nil, err
	}
	r := req.(*types.UpdatePortGroup)
	if err := n.updateGroup(r.PgName, &r.Portgrp); err != nil {
		return nil, err
	}
	return &types.UpdatePortGroupResponse{}, nil
}

// removePortGroup models RemovePortGroup. Documented: NotFound, and ResourceInUse
// while virtual network adapters are associated with the group.
func removePortGroup(c *Call, req any) (any, error) {
	n, err := c.hostNetwork()
	if err != nil {
		return nil, err
	}
	if err := n.removeGroup(req.(*types.RemovePortGroup).PgName); err != nil {
		return nil, err
	}
	return &types.RemovePortGroupResponse{}, nil
}

// checkGroup validates a spec and returns the switch it names.
//
// Documented: name, vlanId, vswitchName and policy are required. Inferred: an empty
// name is InvalidArgument, as for a member that is missing.
func (n *hostNet) checkGroup(spec *types.HostPortGroupSpec) (*types.HostVirtualSwitch, error) {
	switch {
	case spec.Name == "":
		return nil, invalidArgument("portgrp.name")
	case spec.VswitchName == "":
		return nil, invalidArgument("portgrp.vswitchName")
	case spec.VlanId < 0 || spec.VlanId > maxVlanID:
		return nil, invalidArgument("portgrp.vlanId")
	}
	vswitch, ok := n.vswitch(spec.VswitchName)
	if !ok {
		return nil, NewFault(&types.NotFound{})
	}
	return vswitch, checkPolicy(&spec.Policy, vswitch.Spec.Bridge, "portgrp.policy")
}

// nameTaken is the fault for the name of another port group of the host.
//
// Documented: AlreadyExists. Observed (ansible issue 36773): an InvalidArgument
// that names the specification's name instead; so it is a switch.
func (n *hostNet) nameTaken(name string) error {
	if n.t.inventory.rules.DuplicatePortGroupIsInvalid {
		return invalidArgument("Vim.Host.PortGroup.Specification.name")
	}
	return NewFault(&types.AlreadyExists{Name: name})
}

func (n *hostNet) addGroup(spec *types.HostPortGroupSpec) error {
	vswitch, err := n.checkGroup(spec)
	if err != nil {
		return err
	}
	if _, taken := n.group(spec.Name); taken {
		return n.nameTaken(spec.Name)
	}
	group := types.HostPortGroup{Key: portGroupKey(spec.Name), Vswitch: vswitch.Key, Spec: storedGroup(spec)}
	group.ComputedPolicy = inheritPolicy(vswitch.Spec.Policy, &spec.Policy)
	n.info.Portgroup = append(n.info.Portgroup, group)
	vswitch.Portgroup = append(vswitch.Portgroup, group.Key)
	n.t.joinNetwork(n.ctx, n.host, spec.Name)
	n.findMachines(spec.Name)
	n.changed()
	return nil
}

func (n *hostNet) updateGroup(name string, spec *types.HostPortGroupSpec) error {
	at, ok := n.group(name)
	if !ok {
		return NewFault(&types.NotFound{})
	}
	vswitch, err := n.checkGroup(spec)
	if err != nil {
		return err
	}
	if _, taken := n.group(spec.Name); taken && spec.Name != name {
		return n.nameTaken(spec.Name)
	}
	group := &n.info.Portgroup[at]
	if old, ok := n.vswitch(group.Spec.VswitchName); ok {
		old.Portgroup = slices.DeleteFunc(slices.Clone(old.Portgroup), func(key string) bool { return key == group.Key })
	}
	group.Key, group.Vswitch, group.Spec = portGroupKey(spec.Name), vswitch.Key, storedGroup(spec)
	group.ComputedPolicy = inheritPolicy(vswitch.Spec.Policy, &spec.Policy)
	vswitch.Portgroup = append(vswitch.Portgroup, group.Key)
	if spec.Name != name {
		n.renamed(name, spec.Name)
	}
	n.countPorts()
	n.changed()
	return nil
}

func (n *hostNet) removeGroup(name string) error {
	at, ok := n.group(name)
	if !ok {
		return NewFault(&types.NotFound{})
	}
	if n.groupInUse(&n.info.Portgroup[at]) {
		return NewFault(&types.ResourceInUse{Name: name})
	}
	n.dropGroup(at)
	n.changed()
	return nil
}

// dropGroup takes an unused group off the host.
func (n *hostNet) dropGroup(at int) {
	group := n.info.Portgroup[at]
	if vswitch, ok := n.vswitch(group.Spec.VswitchName); ok {
		vswitch.Portgroup = slices.DeleteFunc(slices.Clone(vswitch.Portgroup), func(key string) bool { return key == group.Key })
	}
	n.info.Portgroup = slices.Delete(n.info.Portgroup, at, at+1)
	n.t.leaveNetwork(n.ctx, n.host, group.Spec.Name)
}

// renamed carries a new name of a group to what refers to it.
//
// Inferred: the host's own adapters follow, since they sit on a port of the group.
// For virtual machines nothing authoritative was found, so it is a switch: their
// configuration names a network, and goes on naming the old one unless the switch
// says that they follow. The new name is a Network object of its own.
func (n *hostNet) renamed(old, fresh string) {
	for i := range n.info.Vnic {
		if vnic := &n.info.Vnic[i]; vnic.Portgroup == old {
			vnic.Portgroup, vnic.Spec.Portgroup = fresh, fresh
		}
	}
	n.t.inventory.standard.plugs.rename(n.host.Self, old, fresh)
	n.t.joinNetwork(n.ctx, n.host, fresh)
	if n.t.inventory.rules.PortGroupRenameMovesMachines {
		n.moveMachines(old, fresh)
	}
	n.findMachines(fresh)
	n.t.leaveNetwork(n.ctx, n.host, old)
}

// storedGroup is how a host shows a port group's spec.
//
// Observed (the network configuration of an ESXi host that govmomi's simulator
// carries): a policy group that was never set reads back as an empty object, and
// NicOrder as unset.
func storedGroup(spec *types.HostPortGroupSpec) types.HostPortGroupSpec {
	out := cloneValue(*spec)
	policy := &out.Policy
	if policy.Security == nil {
		policy.Security = &types.HostNetworkSecurityPolicy{}
	}
	if policy.NicTeaming == nil {
		policy.NicTeaming = &types.HostNicTeamingPolicy{}
	}
	if policy.NicTeaming.FailureCriteria == nil {
		policy.NicTeaming.FailureCriteria = &types.HostNicFailureCriteria{}
	}
	if policy.OffloadPolicy == nil {
		policy.OffloadPolicy = &types.HostNetOffloadCapabilities{}
	}
	if policy.ShapingPolicy == nil {
		policy.ShapingPolicy = &types.HostNetworkTrafficShapingPolicy{}
	}
	return out
}
