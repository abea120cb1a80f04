package main

import (
	"fmt"
	"net/http"
	"sort"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// The control API's view of standard switches: changes made on a host itself, the
// seed, and the dump.

// groupChange is a port group as somebody on the host writes it. What is unset keeps
// its value, or is inherited in a new group.
type groupChange struct {
	Name             string `json:"name"`
	Switch           string `json:"switch"`
	VlanID           *int32 `json:"vlanId"`
	AllowPromiscuous *bool  `json:"allowPromiscuous"`
	MacChanges       *bool  `json:"macChanges"`
	ForgedTransmits  *bool  `json:"forgedTransmits"`
}

// changeHostNetwork works on a host itself, by the rules of the host:
// {"host": "DC0_C0_H0", "user": "root", "add": [{"name": "lab", "switch": "vSwitch0",
// "vlanId": 7}], "update": […], "remove": ["old"], "pending": true}. A pending change
// shows when vCenter asks the host, by RefreshNetworkSystem or any other call on its
// network system, or when the host reconnects; so does every change on a host that is
// out of reach.
func (c *control) changeHostNetwork(r *http.Request) (any, error) {
	var req struct {
		Host    string        `json:"host"`
		User    string        `json:"user"`
		Pending bool          `json:"pending"`
		Add     []groupChange `json:"add"`
		Update  []groupChange `json:"update"`
		Remove  []string      `json:"remove"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	t := c.t
	t.world.Lock()
	defer t.world.Unlock()
	ref, err := t.object(req.Host, "HostSystem")
	if err != nil {
		return nil, err
	}
	host, ok := t.registry().Get(ref).(*simulator.HostSystem)
	if !ok {
		return nil, bad("host: %s is a %s", req.Host, ref.Type)
	}
	var changes []lateNetworkChange
	for _, group := range req.Remove {
		changes = append(changes, func(n *hostNet) error { return n.removeGroup(group) })
	}
	for _, group := range req.Update {
		changes = append(changes, func(n *hostNet) error { return n.changeGroup(group) })
	}
	for _, group := range req.Add {
		spec := types.HostPortGroupSpec{Name: group.Name, VswitchName: orDefault(group.Switch, "vSwitch0")}
		group.writeTo(&spec)
		changes = append(changes, func(n *hostNet) error { return n.addGroup(&spec) })
	}
	t.inventory.standard.lateNetworks[ref] = append(t.inventory.standard.lateNetworks[ref], changes...)
	t.noteChange(ref, req.User, t.now())
	if req.Pending || hostAnswers(host) != nil { // nobody can tell vCenter of it now
		return map[string]int{"pending": len(t.inventory.standard.lateNetworks[ref])}, nil
	}
	if err := t.learnHostNetworks(t.newContext(nil), host); err != nil {
		return nil, bad("host %s refuses the change: %s", host.Name, err)
	}
	return map[string]int{"pending": 0}, nil
}

// changeGroup writes some settings of a group.
func (n *hostNet) changeGroup(change groupChange) error {
	at, ok := n.group(change.Name)
	if !ok {
		return NewFault(&types.NotFound{})
	}
	spec := cloneValue(n.info.Portgroup[at].Spec)
	spec.VswitchName = orDefault(change.Switch, spec.VswitchName)
	change.writeTo(&spec)
	return n.updateGroup(change.Name, &spec)
}

func (g *groupChange) writeTo(spec *types.HostPortGroupSpec) {
	if g.VlanID != nil {
		spec.VlanId = *g.VlanID
	}
	asked := types.HostNetworkSecurityPolicy{AllowPromiscuous: g.AllowPromiscuous, MacChanges: g.MacChanges, ForgedTransmits: g.ForgedTransmits}
	if spec.Policy.Security == nil {
		spec.Policy.Security = &types.HostNetworkSecurityPolicy{}
	}
	mergeSet(spec.Policy.Security, &asked)
}

// seedStandardGroups puts port groups of the same names on the first standard switch
// of every host.
func (t *Twin) seedStandardGroups(ctx *simulator.Context, count int, prefix string) ([]string, error) {
	names := make([]string, 0, count)
	for i := range count {
		names = append(names, fmt.Sprintf("%s-std-%d", prefix, i))
	}
	for _, obj := range ordered(ctx.Map.AllReference("HostSystem")) {
		host, ok := obj.(*simulator.HostSystem)
		if !ok || host.Config == nil || host.Config.Network == nil || len(host.Config.Network.Vswitch) == 0 {
			continue
		}
		n := t.networkOfHost(ctx, host)
		for _, name := range names {
			if err := n.addGroup(&types.HostPortGroupSpec{Name: name, VswitchName: n.info.Vswitch[0].Name}); err != nil {
				return nil, bad("standardPortGroups: %s on %s: %s", name, host.Name, err)
			}
		}
	}
	return names, nil
}

type dumpedHost struct {
	ID              string           `json:"id"`
	Name            string           `json:"name"`
	ConnectionState string           `json:"connectionState"`
	NestedHV        bool             `json:"nestedHV"`
	Maintenance     bool             `json:"maintenance"`
	Networks        []string         `json:"networks"`
	Switches        []dumpedVSwitch  `json:"switches"`
	PortGroups      []dumpedStandard `json:"portGroups"`
	Pending         int              `json:"pending"`
}

type dumpedVSwitch struct {
	Name    string   `json:"name"`
	MTU     int32    `json:"mtu"`
	Uplinks []string `json:"uplinks"`
}

// dumpedStandard is a standard port group with its effective security policy.
type dumpedStandard struct {
	Name             string `json:"name"`
	Switch           string `json:"switch"`
	VlanID           int32  `json:"vlanId"`
	AllowPromiscuous bool   `json:"allowPromiscuous"`
	MacChanges       bool   `json:"macChanges"`
	ForgedTransmits  bool   `json:"forgedTransmits"`
	Ports            int    `json:"ports"`
}

type dumpedNetwork struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Hosts []string `json:"hosts"`
	VMs   []string `json:"vms"`
}

func (t *Twin) dumpHost(host *simulator.HostSystem) dumpedHost {
	out := dumpedHost{
		ID: host.Self.Value, Name: host.Name, ConnectionState: string(host.Runtime.ConnectionState),
		NestedHV: host.Capability.NestedHVSupported, Maintenance: host.Runtime.InMaintenanceMode, Networks: ids(host.Network),
		Switches: []dumpedVSwitch{}, PortGroups: []dumpedStandard{}, Pending: len(t.inventory.standard.lateNetworks[host.Self]),
	}
	if host.Config == nil || host.Config.Network == nil {
		return out
	}
	for _, vswitch := range host.Config.Network.Vswitch {
		shown := dumpedVSwitch{Name: vswitch.Name, MTU: vswitch.Mtu, Uplinks: []string{}}
		if bond, ok := vswitch.Spec.Bridge.(*types.HostVirtualSwitchBondBridge); ok {
			shown.Uplinks = append(shown.Uplinks, bond.NicDevice...)
		}
		out.Switches = append(out.Switches, shown)
	}
	for _, group := range host.Config.Network.Portgroup {
		shown := dumpedStandard{Name: group.Spec.Name, Switch: group.Spec.VswitchName, VlanID: group.Spec.VlanId, Ports: len(group.Port)}
		if security := group.ComputedPolicy.Security; security != nil {
			shown.AllowPromiscuous = isTrue(security.AllowPromiscuous)
			shown.MacChanges, shown.ForgedTransmits = isTrue(security.MacChanges), isTrue(security.ForgedTransmits)
		}
		out.PortGroups = append(out.PortGroups, shown)
	}
	return out
}

func dumpNetwork(network *mo.Network) dumpedNetwork {
	return dumpedNetwork{ID: network.Self.Value, Name: network.Name, Hosts: ids(network.Host), VMs: ids(network.Vm)}
}

func sortHosts(hosts []dumpedHost, networks []dumpedNetwork) {
	sort.Slice(hosts, func(i, j int) bool { return hosts[i].Name < hosts[j].Name })
	sort.Slice(networks, func(i, j int) bool { return networks[i].Name < networks[j].Name })
}
