package main

import (
	"flag"
	"fmt"

	"github.com/vmware/govmomi/simulator"
)

// Model is how many objects of each kind a fresh twin has. Flags, defaults, names
// and counts are vcsim's; the objects are made by the simulator's own model.
type Model struct {
	Datacenters, Clusters, ClusterHosts, StandaloneHosts int
	Machines, Datastores, Folders                        int
	Portgroups, NSXPortgroups, OpaqueNetworks            int
	Pools, Apps, Pods                                    int
	Autostart                                            bool
	ESX                                                  bool
	APIVersion                                           string
}

// counts pairs each flag with its field.
func (m *Model) counts() []modelCount {
	return []modelCount{
		{"dc", &m.Datacenters, 1, "number of datacenters"},
		{"cluster", &m.Clusters, 1, "number of clusters per datacenter"},
		{"host", &m.ClusterHosts, 3, "number of hosts per cluster"},
		{"standalone-host", &m.StandaloneHosts, 1, "number of stand-alone hosts per datacenter"},
		{"vm", &m.Machines, 2, "number of virtual machines per resource pool"},
		{"ds", &m.Datastores, 1, "number of local datastores per datacenter"},
		{"pg", &m.Portgroups, 1, "number of distributed port groups per datacenter"},
		{"pg-nsx", &m.NSXPortgroups, 0, "number of port groups per datacenter that NSX backs"},
		{"nsx", &m.OpaqueNetworks, 0, "number of opaque NSX networks per datacenter"},
		{"folder", &m.Folders, 0, "number of datacenters that stand in a folder, with folders inside"},
		{"pool", &m.Pools, 0, "number of resource pools per cluster"},
		{"app", &m.Apps, 0, "number of vApps per cluster"},
		{"pod", &m.Pods, 0, "number of storage pods per datacenter"},
	}
}

type modelCount struct {
	flag  string
	field *int
	usual int
	help  string
}

func (m *Model) flags(fs *flag.FlagSet) {
	for _, c := range m.counts() {
		fs.IntVar(c.field, c.flag, c.usual, c.help)
	}
	fs.BoolVar(&m.ESX, "esx", false, "be one ESXi host without a vCenter; of the counts, -vm and -ds apply")
	fs.BoolVar(&m.Autostart, "autostart", true, "power the model's virtual machines on")
	fs.StringVar(&m.APIVersion, "api-version", apiVersion, "about.apiVersion; clients drop fields that are newer, so it is not vcsim's 6.5")
}

func (m *Model) check() error {
	for _, c := range m.counts() {
		if *c.field < 0 {
			return fmt.Errorf("-%s: %d; it is 0 or more", c.flag, *c.field)
		}
	}
	if m.OpaqueNetworks > 0 && m.Portgroups+m.NSXPortgroups == 0 {
		return fmt.Errorf("-nsx: %d opaque networks need a distributed switch; give -pg or -pg-nsx 1 or more", m.OpaqueNetworks)
	}
	return nil
}

// stock is the simulator's model of these counts.
func (m *Model) stock() *simulator.Model {
	if m.ESX {
		s := simulator.ESX()
		s.Machine, s.Datastore, s.Autostart = m.Machines, m.Datastores, m.Autostart
		return s
	}
	s := simulator.VPX()
	s.Datacenter, s.Cluster, s.ClusterHost, s.Host = m.Datacenters, m.Clusters, m.ClusterHosts, m.StandaloneHosts
	s.Machine, s.Datastore, s.Folder = m.Machines, m.Datastores, m.Folders
	s.Portgroup, s.PortgroupNSX, s.OpaqueNetwork = m.Portgroups, m.NSXPortgroups, m.OpaqueNetworks
	s.Pool, s.App, s.Pod, s.Autostart = m.Pools, m.Apps, m.Pods, m.Autostart
	return s
}
