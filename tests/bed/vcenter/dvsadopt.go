package main

import (
	"math"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// adoptNetworks completes the switches and port groups that the stock model
// builder made: effective settings, versions, switch-wide port keys, uplinks.
func (t *Twin) adoptNetworks(ctx *simulator.Context) {
	t.rebuildNetworkLists(ctx.Map)
	tellSwitchesApart(ctx.Map)
	for _, obj := range ordered(ctx.Map.AllReference("VmwareDistributedVirtualSwitch")) {
		dvs, ok := obj.(*simulator.DistributedVirtualSwitch)
		if !ok {
			continue
		}
		t.adoptSwitch(dvs)
		for _, ref := range dvs.Portgroup {
			t.adoptPortgroup(dvs, portgroupOf(ctx.Map, ref))
		}
		t.adoptUplinks(ctx.Map, dvs)
	}
}

// rebuildNetworkLists writes the network lists of datacenters, hosts and compute
// resources anew. In the stock model they share one backing array, so that adding
// to one overwrites another, and a datacenter lists its switches as networks.
// Documented: Datacenter.network and HostSystem.network list networks, which
// includes distributed port groups.
func (t *Twin) rebuildNetworkLists(r *simulator.Registry) {
	standard := map[types.ManagedObjectReference][]types.ManagedObjectReference{}
	for _, obj := range ordered(r.AllReference("Network")) {
		if dc := datacenterOf(r, obj.Reference()); dc != nil {
			standard[dc.Self] = append(standard[dc.Self], obj.Reference())
		}
	}
	for _, obj := range ordered(r.AllReference("Datacenter")) {
		dc := obj.(*simulator.Datacenter)
		dc.Network = slices.Clone(standard[dc.Self])
	}
	for _, obj := range ordered(r.AllReference("HostSystem")) {
		host, compute := obj.(*simulator.HostSystem), computeOf(r, obj.(*simulator.HostSystem).Parent)
		host.Network = nil
		if dc := datacenterOf(r, host.Self); dc != nil {
			host.Network = slices.Clone(standard[dc.Self])
		}
		if compute != nil {
			compute.Network = slices.Clone(host.Network)
		}
	}
	for _, obj := range ordered(r.AllReference("VmwareDistributedVirtualSwitch")) {
		dvs := obj.(*simulator.DistributedVirtualSwitch)
		if dc := datacenterOf(r, dvs.Self); dc != nil {
			dc.Network = append(dc.Network, dvs.Portgroup...)
		}
		for _, ref := range dvs.Portgroup {
			portgroupOf(r, ref).Host = slices.Clone(dvs.Summary.HostMember)
		}
		t.showNetworks(r, dvs.Summary.HostMember, false, dvs.Portgroup...)
	}
}

func (t *Twin) adoptSwitch(dvs *simulator.DistributedVirtualSwitch) {
	config := switchConfig(dvs)
	config.CreateTime = t.now()
	t.inventory.byUUID[dvs.Uuid] = dvs.Self
	if config.MaxMtu == 0 {
		config.MaxMtu = 1500
	}
	if config.MaxPorts == 0 {
		config.MaxPorts = math.MaxInt32
	}
	if config.UplinkPortPolicy == nil {
		config.UplinkPortPolicy = defaultUplinks()
	}
	config.DefaultPortConfig = defaultSwitchSetting(uplinkNames(config)...)
	fillSwitchDefaults(config)
	config.Host = nil
	for _, ref := range dvs.Summary.HostMember {
		config.Host = append(config.Host, hostMember(dvs, ref))
	}
	dvs.Summary.NumHosts = int32(len(dvs.Summary.HostMember))
	dvs.Summary.NumPorts, config.NumPorts = 0, 0 // its groups count their ports
	dvs.Config = config
}

// adoptUplinks gives the member hosts of a switch their uplink ports.
func (t *Twin) adoptUplinks(r *simulator.Registry, dvs *simulator.DistributedVirtualSwitch) {
	for _, ref := range dvs.Summary.HostMember {
		t.addUplinks(r, dvs, ref)
		t.showProxy(r, ref, dvs)
	}
}

func (t *Twin) adoptPortgroup(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup) {
	parent := switchSetting(dvs)
	asked, err := portSettingOf(pg.Config.DefaultPortConfig, "spec.defaultPortConfig")
	if err != nil {
		panic(err) // the stock model uses VMware settings
	}
	pg.Config.DefaultPortConfig = mergePortSetting(inheritedSetting(parent), asked, parent, MergeKeep)
	pg.Config.Policy = portgroupPolicy(pg.Config.Policy)
	pg.Config.BackingType = orDefault(pg.Config.BackingType, string(types.DistributedVirtualPortgroupBackingTypeStandard))
	pg.Config.Type = orDefault(pg.Config.Type, string(types.DistributedVirtualPortgroupPortgroupTypeEarlyBinding))
	pg.Config.ConfigVersion = "0"
	uplink := strings.Contains(pg.Name, "-DVUplinks")
	pg.Config.Uplink = types.NewBool(uplink)
	if uplink {
		switchConfig(dvs).UplinkPortgroup = []types.ManagedObjectReference{pg.Self}
		pg.Config.NumPorts = 0 // its ports come with the member hosts
	} else if pg.Config.AutoExpand == nil {
		pg.Config.AutoExpand = types.NewBool(true)
	}
	pg.PortKeys = nil
	t.addPorts(dvs, pg, int(pg.Config.NumPorts))
}
