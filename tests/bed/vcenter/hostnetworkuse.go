package main

import (
	"slices"
	"strconv"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Who is on a standard port group: the host's own adapters, and NICs of machines.

// plug is one connected NIC of a running machine on a port of a standard switch.
type plug struct {
	host    types.ManagedObjectReference
	nic     int32
	mac     string
	network string // what the NIC's backing names
	group   string // the group the port is in; another name after a rename
	key     string
}

// plugTable remembers the ports of running machines.
type plugTable struct {
	byVM map[types.ManagedObjectReference][]plug
	last int
}

// firstPort is where the numbers of ports begin; the form was observed on ESXi.
const firstPort = 33554440

func (p *plugTable) nextKey() string {
	p.last++
	return "key-vim.host.PortGroup.Port-" + strconv.Itoa(firstPort+p.last)
}

func (p *plugTable) rename(host types.ManagedObjectReference, old, fresh string) {
	for _, plugs := range p.byVM {
		for i := range plugs {
			if plugs[i].host == host && plugs[i].group == old {
				plugs[i].group = fresh
			}
		}
	}
}

// replug brings HostPortGroup.port in line with a machine's state.
//
// Documented (HostPortGroup.port): the ports that currently exist and are used.
// Inferred: a machine has them while it runs and its NIC is connected; a port stays
// where it is when its group is renamed.
func (t *Twin) replug(vm *simulator.VirtualMachine) {
	had := t.inventory.standard.plugs.byVM[vm.Self]
	want := t.pluggedNICs(vm)
	if len(had) == 0 && len(want) == 0 {
		return
	}
	var now []plug
	for _, w := range want {
		at := slices.IndexFunc(had, func(h plug) bool {
			return h.host == w.host && h.nic == w.nic && h.mac == w.mac && h.network == w.network
		})
		if at >= 0 {
			now = append(now, had[at])
			had = slices.Delete(slices.Clone(had), at, at+1)
		} else if t.plugIn(&w) {
			now = append(now, w)
		}
	}
	for _, h := range had {
		t.unplug(h)
	}
	if len(now) == 0 {
		delete(t.inventory.standard.plugs.byVM, vm.Self)
		return
	}
	t.inventory.standard.plugs.byVM[vm.Self] = now
}

// unplugAll takes a machine that leaves its host off its ports.
func (t *Twin) unplugAll(vm types.ManagedObjectReference) {
	for _, h := range t.inventory.standard.plugs.byVM[vm] {
		t.unplug(h)
	}
	delete(t.inventory.standard.plugs.byVM, vm)
}

// pluggedNICs lists the connected NICs on standard networks of a running machine.
func (t *Twin) pluggedNICs(vm *simulator.VirtualMachine) []plug {
	if vm.Config == nil || vm.Runtime.Host == nil || vm.Runtime.PowerState != poweredOn {
		return nil
	}
	var out []plug
	for _, device := range vm.Config.Hardware.Device {
		nic, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		card := nic.GetVirtualEthernetCard()
		backing, ok := card.Backing.(*types.VirtualEthernetCardNetworkBackingInfo)
		if ok && (card.Connectable == nil || card.Connectable.Connected) {
			out = append(out, plug{
				host: *vm.Runtime.Host, nic: card.Key, mac: card.MacAddress, network: backing.DeviceName, group: backing.DeviceName,
			})
		}
	}
	return out
}

// plugIn gives a NIC a port; false when its host has no such group.
func (t *Twin) plugIn(p *plug) bool {
	n, at, ok := t.groupOfPlug(*p)
	if !ok {
		return false
	}
	p.key = t.inventory.standard.plugs.nextKey()
	group := &n.info.Portgroup[at]
	group.Port = append(slices.Clone(group.Port), types.HostPortGroupPort{
		Key: p.key, Mac: []string{p.mac}, Type: string(types.PortGroupConnecteeTypeVirtualMachine),
	})
	n.countPorts()
	n.changed()
	return true
}

func (t *Twin) unplug(p plug) {
	n, at, ok := t.groupOfPlug(p)
	if !ok {
		return
	}
	group := &n.info.Portgroup[at]
	group.Port = slices.DeleteFunc(slices.Clone(group.Port), func(port types.HostPortGroupPort) bool { return port.Key == p.key })
	if len(group.Port) == 0 {
		group.Port = nil
	}
	n.countPorts()
	n.changed()
}

func (t *Twin) groupOfPlug(p plug) (*hostNet, int, bool) {
	host, ok := t.registry().Get(p.host).(*simulator.HostSystem)
	if !ok || host.Config == nil || host.Config.Network == nil {
		return nil, 0, false
	}
	n := t.networkOfHost(nil, host)
	at, ok := n.group(p.group)
	return n, at, ok
}

// groupInUse tells whether a group cannot be removed from its host.
//
// Documented: while virtual network adapters are associated with it; observed with
// those of this host's machines only (equinix/terraform-metal-vsphere issue 36). A
// machine that is off, a template among them, has no port but names the group;
// whether that counts was not found, so it is a switch.
func (n *hostNet) groupInUse(group *types.HostPortGroup) bool {
	if len(group.Port) > 0 || carriesVmknic(n.info, group.Spec.Name) {
		return true
	}
	if !n.t.inventory.rules.OffMachinesKeepPortGroup {
		return false
	}
	network := n.t.networkNamed(n.host, group.Spec.Name)
	return network != nil && slices.ContainsFunc(network.Vm, n.runs)
}

// runs tells whether a machine is registered on this host.
func (n *hostNet) runs(ref types.ManagedObjectReference) bool {
	vm, ok := n.t.registry().Get(ref).(*simulator.VirtualMachine)
	return ok && vm.Runtime.Host != nil && *vm.Runtime.Host == n.host.Self
}

// carriesVmknic tells whether one of the host's own adapters is on a group.
func carriesVmknic(info *types.HostNetworkInfo, group string) bool {
	return slices.ContainsFunc(info.Vnic, func(nic types.HostVirtualNic) bool { return nic.Portgroup == group })
}

// moveMachines makes this host's machines name the new name of a group.
func (n *hostNet) moveMachines(old, fresh string) {
	from, to := n.t.networkNamed(n.host, old), n.t.networkNamed(n.host, fresh)
	if from == nil || to == nil {
		return
	}
	for _, ref := range slices.Clone(from.Vm) {
		if n.runs(ref) {
			n.rewire(ref, fresh, to, func(b *types.VirtualEthernetCardNetworkBackingInfo) bool { return b.DeviceName == old })
		}
	}
}

// findMachines lists the machines of this host that name a group which it did not have
// while they were registered, moved or reverted: a NIC names its network, and the name
// means something again (inferred).
func (n *hostNet) findMachines(name string) {
	network := n.t.networkNamed(n.host, name)
	if network == nil {
		return
	}
	for _, ref := range n.host.Vm {
		n.rewire(ref, name, network, func(b *types.VirtualEthernetCardNetworkBackingInfo) bool {
			return b.DeviceName == name && b.Network == nil
		})
	}
}

// rewire makes NICs of a machine name a group of this host.
func (n *hostNet) rewire(ref types.ManagedObjectReference, name string, to *mo.Network, which func(*types.VirtualEthernetCardNetworkBackingInfo) bool) {
	vm, ok := n.t.registry().Get(ref).(*simulator.VirtualMachine)
	if !ok || vm.Config == nil {
		return
	}
	wanted := func(device types.BaseVirtualDevice) bool {
		backing, ok := device.GetVirtualDevice().Backing.(*types.VirtualEthernetCardNetworkBackingInfo)
		return ok && which(backing)
	}
	if !slices.ContainsFunc(vm.Config.Hardware.Device, wanted) {
		return // most machines of most hosts: no copy is made of them
	}
	config := cloneValue(vm.Config)
	for _, device := range config.Hardware.Device {
		if !wanted(device) {
			continue
		}
		self := to.Self
		backing := device.GetVirtualDevice().Backing.(*types.VirtualEthernetCardNetworkBackingInfo)
		backing.DeviceName, backing.Network = name, &self
		if info := device.GetVirtualDevice().DeviceInfo; info != nil {
			info.GetDescription().Summary = name
		}
	}
	n.t.stampConfig(config)
	vm.Config = config
	n.t.relinkNetworks(n.ctx.Map, vm, networksOf(config))
	n.t.refresh(vm)
}
