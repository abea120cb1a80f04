package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// HostNetworkSystem: the standard switches and port groups of one host.
//
// The idea: host.config.network is the only copy of a host's network configuration;
// networkSystem.networkInfo is the same object. A handler validates, changes that
// object and marks the host, and networks.go brings the Network objects of the
// datacenter in line. All faults are synchronous, as documented: none of these
// methods is a task, though each change leaves one (taskrecorded.go).

func registerHostNetworks(t *Twin) {
	const system = "HostNetworkSystem"
	t.Handle("AddVirtualSwitch", system, addVirtualSwitch)
	t.Handle("UpdateVirtualSwitch", system, updateVirtualSwitch)
	t.Handle("RemoveVirtualSwitch", system, removeVirtualSwitch)
	t.Handle("AddPortGroup", system, addPortGroup)
	t.Handle("UpdatePortGroup", system, updatePortGroup)
	t.Handle("RemovePortGroup", system, removePortGroup)
	t.Handle("RefreshNetworkSystem", system, refreshNetworkSystem)
	t.Handle("QueryNetworkHint", system, queryNetworkHint)
	t.Handle("DestroyNetwork", "Network", destroyNetwork)
	registerHostOptions(t)
}

// hostNet is the network configuration of one host, for a handler or the control API.
type hostNet struct {
	t    *Twin
	ctx  *simulator.Context
	host *simulator.HostSystem
	info *types.HostNetworkInfo // host.config.network itself
}

// networkOfHost opens the network configuration of a host.
func (t *Twin) networkOfHost(ctx *simulator.Context, host *simulator.HostSystem) *hostNet {
	return &hostNet{t: t, ctx: ctx, host: host, info: host.Config.Network}
}

// hostNetwork opens the configuration that a call is about.
//
// Documented: a call that the host itself has to answer fails with HostNotConnected
// while the host is disconnected. Inferred: before it changes anything, vCenter has
// the host's own view, changes that it had not heard of included.
func (c *Call) hostNetwork() (*hostNet, error) {
	system, ok := c.Ctx.Map.Get(c.This).(*simulator.HostNetworkSystem)
	if !ok {
		return nil, notFound(c.This)
	}
	host, ok := c.Ctx.Map.Get(system.Host.Self).(*simulator.HostSystem)
	if !ok {
		return nil, notFound(system.Host.Self)
	}
	if err := hostAnswers(host); err != nil {
		return nil, err
	}
	_ = c.Twin.learnHostNetworks(c.Ctx, host) // a change that the host refused is none
	return c.Twin.networkOfHost(c.Ctx, host), nil
}

// hostAnswers refuses a call that a host would have to answer and cannot.
//
// Documented: HostNotConnected is thrown for a host that "has been disconnected in
// VirtualCenter", its base HostCommunication for an error in the communication,
// which is what a host that does not respond is (inferred).
func hostAnswers(host *simulator.HostSystem) error {
	switch host.Runtime.ConnectionState {
	case types.HostSystemConnectionStateConnected:
		return nil
	case types.HostSystemConnectionStateNotResponding:
		return NewFault(&types.HostCommunication{})
	}
	return NewFault(&types.HostNotConnected{})
}

// changed marks what shows this configuration.
func (n *hostNet) changed() {
	n.t.Touch(n.host.Self)
	if system := n.host.ConfigManager.NetworkSystem; system != nil {
		n.t.Touch(*system)
	}
}

// group returns the position of a port group by its name.
func (n *hostNet) group(name string) (int, bool) {
	for i := range n.info.Portgroup {
		if n.info.Portgroup[i].Spec.Name == name {
			return i, true
		}
	}
	return 0, false
}

// vswitch returns a standard switch by its name.
func (n *hostNet) vswitch(name string) (*types.HostVirtualSwitch, bool) {
	for i := range n.info.Vswitch {
		if n.info.Vswitch[i].Name == name {
			return &n.info.Vswitch[i], true
		}
	}
	return nil, false
}

// refreshNetworkSystem models RefreshNetworkSystem. Documented: it picks up any
// changes that might have occurred on the host.
func refreshNetworkSystem(c *Call, _ any) (any, error) {
	n, err := c.hostNetwork()
	if err != nil {
		return nil, err
	}
	n.changed()
	return &types.RefreshNetworkSystemResponse{}, nil
}

// queryNetworkHint models QueryNetworkHint. Documented: as many hints as devices
// are named, all for an empty list; NotFound for a device that does not exist.
// The twin's hosts hear no CDP, no LLDP and no subnets.
func queryNetworkHint(c *Call, req any) (any, error) {
	n, err := c.hostNetwork()
	if err != nil {
		return nil, err
	}
	asked := req.(*types.QueryNetworkHint).Device
	if len(asked) == 0 {
		for _, nic := range n.info.Pnic {
			asked = append(asked, nic.Device)
		}
	}
	res := &types.QueryNetworkHintResponse{}
	for _, device := range asked {
		if n.uplink(device) == nil {
			return nil, NewFault(&types.NotFound{})
		}
		res.Returnval = append(res.Returnval, types.PhysicalNicHintInfo{Device: device})
	}
	return res, nil
}

// uplink finds a physical adapter by its device name or its key.
func (n *hostNet) uplink(name string) *types.PhysicalNic {
	for i := range n.info.Pnic {
		if n.info.Pnic[i].Device == name || n.info.Pnic[i].Key == name {
			return &n.info.Pnic[i]
		}
	}
	return nil
}

func invalidArgument(property string) *Fault {
	return NewFault(&types.InvalidArgument{InvalidProperty: property})
}

func switchKey(name string) string    { return "key-vim.host.VirtualSwitch-" + name }
func portGroupKey(name string) string { return "key-vim.host.PortGroup-" + name }
