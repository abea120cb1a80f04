package main

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/vmware/govmomi/vim25/types"
)

// Standard switches of a host.

const (
	switchNameMax = 32   // documented: HostVirtualSwitch.name
	switchPorts   = 1024 // documented: the largest HostVirtualSwitchSpec.numPorts
	// Observed: what a host gives every switch since ESXi 5.5, whatever its spec
	// says, and what it keeps for itself.
	elasticPorts, reservedPorts = 1536, 4
	defaultMTU, minMTU, maxMTU  = 1500, 1280, 9190
)

// addVirtualSwitch models AddVirtualSwitch. Documented: the name is unique on the
// host (AlreadyExists) and has at most 32 characters (InvalidArgument, also for
// numPorts, policy or beacon); ResourceInUse for an uplink of another switch.
func addVirtualSwitch(c *Call, req any) (any, error) {
	n, err := c.hostNetwork()
	if err != nil {
		return nil, err
	}
	r := req.(*types.AddVirtualSwitch)
	if r.VswitchName == "" || utf8.RuneCountInString(r.VswitchName) > switchNameMax {
		return nil, invalidArgument("vswitchName")
	}
	if _, taken := n.vswitch(r.VswitchName); taken {
		return nil, NewFault(&types.AlreadyExists{Name: r.VswitchName})
	}
	spec := types.HostVirtualSwitchSpec{NumPorts: 128}
	if r.Spec != nil {
		spec = cloneValue(*r.Spec)
	}
	uplinks, err := n.checkSwitch(r.VswitchName, &spec)
	if err != nil {
		return nil, err
	}
	spec.Policy = switchPolicy(defaultSwitchPolicy(uplinks), spec.Policy, uplinks)
	fresh := types.HostVirtualSwitch{Name: r.VswitchName, Key: switchKey(r.VswitchName), NumPorts: elasticPorts}
	n.info.Vswitch = append(n.info.Vswitch, fresh)
	n.fillSwitch(&n.info.Vswitch[len(n.info.Vswitch)-1], spec, uplinks)
	n.changed()
	return &types.AddVirtualSwitchResponse{}, nil
}

// updateVirtualSwitch models UpdateVirtualSwitch. Documented: NotFound;
// ResourceInUse for an uplink of another switch; InvalidArgument. An unset bridge
// takes the uplinks away, an unset policy is unchanged, and port groups show the
// new effective values.
func updateVirtualSwitch(c *Call, req any) (any, error) {
	n, err := c.hostNetwork()
	if err != nil {
		return nil, err
	}
	r := req.(*types.UpdateVirtualSwitch)
	vswitch, ok := n.vswitch(r.VswitchName)
	if !ok {
		return nil, NewFault(&types.NotFound{})
	}
	spec := cloneValue(r.Spec)
	uplinks, err := n.checkSwitch(r.VswitchName, &spec)
	if err != nil {
		return nil, err
	}
	spec.Policy = switchPolicy(vswitch.Spec.Policy, spec.Policy, uplinks)
	if spec.Mtu == 0 {
		spec.Mtu = vswitch.Spec.Mtu // inferred: like every optional member, unset is unchanged
	}
	n.fillSwitch(vswitch, spec, uplinks)
	n.recompute(vswitch, uplinks)
	n.changed()
	return &types.UpdateVirtualSwitchResponse{}, nil
}

// removeVirtualSwitch models RemoveVirtualSwitch. Documented: NotFound, and
// ResourceInUse while virtual network adapters are on the switch. Observed (VMware's
// public test script for vim.host.NetworkSystem cleans up this way): port groups that
// nobody uses go with it; since other clients remove them first, it is a switch.
func removeVirtualSwitch(c *Call, req any) (any, error) {
	n, err := c.hostNetwork()
	if err != nil {
		return nil, err
	}
	name := req.(*types.RemoveVirtualSwitch).VswitchName
	if _, ok := n.vswitch(name); !ok {
		return nil, NewFault(&types.NotFound{})
	}
	for i := range n.info.Portgroup {
		group := &n.info.Portgroup[i]
		if group.Spec.VswitchName == name && (n.t.inventory.rules.PortGroupsKeepSwitch || n.groupInUse(group)) {
			return nil, NewFault(&types.ResourceInUse{Name: name})
		}
	}
	for i := len(n.info.Portgroup) - 1; i >= 0; i-- {
		if n.info.Portgroup[i].Spec.VswitchName == name {
			n.dropGroup(i)
		}
	}
	n.info.Vswitch = slices.DeleteFunc(n.info.Vswitch, func(v types.HostVirtualSwitch) bool { return v.Name == name })
	n.changed()
	return &types.RemoveVirtualSwitchResponse{}, nil
}

// checkSwitch validates a spec and returns the device names of its uplinks.
//
// Documented: BondBridge is the only bridge of an ESX server; a bad bridge and a
// number of ports out of range are InvalidArgument, all else is HostConfigFault.
// Observed (VMware's public test script for vim.host.NetworkSystem): an MTU below 1280
// is PlatformConfigFault, one of those; the upper limit is inferred.
func (n *hostNet) checkSwitch(name string, spec *types.HostVirtualSwitchSpec) ([]string, error) {
	if spec.NumPorts < 0 || spec.NumPorts > switchPorts {
		return nil, invalidArgument("spec.numPorts")
	}
	if spec.Mtu != 0 && (spec.Mtu < minMTU || spec.Mtu > maxMTU) {
		return nil, platformFault("The MTU %d is not within %d and %d.", spec.Mtu, minMTU, maxMTU)
	}
	if spec.Bridge == nil {
		return nil, checkPolicy(spec.Policy, nil, "spec.policy")
	}
	bond, ok := spec.Bridge.(*types.HostVirtualSwitchBondBridge)
	if !ok {
		return nil, invalidArgument("spec.bridge")
	}
	if bond.Beacon != nil && bond.Beacon.Interval <= 0 {
		return nil, invalidArgument("spec.bridge.beacon.interval")
	}
	for i, asked := range bond.NicDevice {
		nic := n.uplink(asked)
		if nic == nil || slices.Contains(bond.NicDevice[:i], nic.Device) {
			return nil, invalidArgument("spec.bridge.nicDevice")
		}
		bond.NicDevice[i] = nic.Device
		if n.uplinkTaken(name, nic.Key) {
			return nil, NewFault(&types.ResourceInUse{Name: nic.Device})
		}
	}
	return bond.NicDevice, checkPolicy(spec.Policy, spec.Bridge, "spec.policy")
}

// uplinkTaken tells whether a physical adapter is an uplink of another switch, a
// distributed one included. The twin leaves an adapter that joins a distributed switch
// on its standard switch, which may go on with it.
func (n *hostNet) uplinkTaken(name, key string) bool {
	taken := false
	for i := range n.info.Vswitch {
		if vswitch := &n.info.Vswitch[i]; slices.Contains(vswitch.Pnic, key) {
			if vswitch.Name == name {
				return false
			}
			taken = true
		}
	}
	return taken || slices.ContainsFunc(n.info.ProxySwitch, func(p types.HostProxySwitch) bool { return slices.Contains(p.Pnic, key) })
}

// platformFault is a configuration that the host itself refuses.
func platformFault(format string, args ...any) *Fault {
	text := fmt.Sprintf(format, args...)
	return Faultf(&types.PlatformConfigFault{Text: text}, "An error occurred during host configuration. %s", text)
}

// fillSwitch writes a checked spec and what a host shows of it beside.
func (n *hostNet) fillSwitch(vswitch *types.HostVirtualSwitch, spec types.HostVirtualSwitchSpec, uplinks []string) {
	dropUplinks(spec.Policy, uplinks)
	vswitch.Spec = spec
	vswitch.Mtu = spec.Mtu
	if vswitch.Mtu == 0 {
		vswitch.Mtu = defaultMTU
	}
	vswitch.Pnic = nil
	for _, device := range uplinks {
		vswitch.Pnic = append(vswitch.Pnic, n.uplink(device).Key)
	}
	n.countPorts()
}

// recompute brings the port groups of a switch in line with it.
func (n *hostNet) recompute(vswitch *types.HostVirtualSwitch, uplinks []string) {
	for i := range n.info.Portgroup {
		if group := &n.info.Portgroup[i]; group.Vswitch == vswitch.Key {
			dropUplinks(&group.Spec.Policy, uplinks)
			group.ComputedPolicy = inheritPolicy(vswitch.Spec.Policy, &group.Spec.Policy)
		}
	}
}

// countPorts derives HostVirtualSwitch.numPortsAvailable. Documented: services that
// are in no port group take ports too, each physical adapter for example.
func (n *hostNet) countPorts() {
	used := map[string]int{}
	for i := range n.info.Portgroup {
		used[n.info.Portgroup[i].Vswitch] += len(n.info.Portgroup[i].Port)
	}
	for i := range n.info.Vswitch {
		vswitch := &n.info.Vswitch[i]
		vswitch.NumPortsAvailable = vswitch.NumPorts - int32(reservedPorts+len(vswitch.Pnic)+used[vswitch.Key])
	}
}
