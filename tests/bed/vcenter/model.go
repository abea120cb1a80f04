package main

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// What the twin says it is. vCenter and hosts are of one release, as in a real
// cluster; stock says 6.5.0 with 8.0.2 hosts. pyVmomi drops every field newer than
// apiVersion and knows only exact ids: "8.0.3.0" is one of them.
const (
	productVersion  = "8.0.3"
	apiVersion      = "8.0.3.0"
	vcenterBuild    = "24022515"
	hostBuild       = "24022510"
	hardwareVersion = "vmx-21" // the newest of ESXi 8.0 U2 and later
	switchVersion   = "8.0.3"
)

// createModel builds service, registry and inventory. The world is held.
func (t *Twin) createModel() error {
	esx.HardwareVersion = hardwareVersion
	esx.HostCapability.NestedHVSupported = true

	c := t.cfg
	m := c.stock()
	about := &m.ServiceContent.About
	*about = c.product(*about)
	if err := m.Create(); err != nil {
		return err
	}
	t.model, t.service = m, m.Service
	t.orderDatastores()
	instance := t.registry().Get(types.ManagedObjectReference{Type: "ServiceInstance", Value: "ServiceInstance"})
	content := &instance.(*simulator.ServiceInstance).Content
	if !c.ESX { // documented: instanceUuid is a vCenter's
		content.About.InstanceUuid = c.InstanceUUID // a reset vCenter is still the same one
	}
	t.about = *content
	instance.(*simulator.ServiceInstance).ServerClock = t.now()
	t.promoteSwitches()
	t.completeObjects()
	return nil
}

// product is what the server says of itself: a vCenter, or an ESXi host.
func (m *Model) product(a types.AboutInfo) types.AboutInfo {
	if m.ESX {
		a = hostProduct(a)
	} else {
		a.FullName = "VMware vCenter Server " + productVersion + " build-" + vcenterBuild
		a.Version, a.Build = productVersion, vcenterBuild
		a.LicenseProductVersion = "8.0"
	}
	a.ApiVersion = m.APIVersion
	return a
}

func hostProduct(a types.AboutInfo) types.AboutInfo {
	a.FullName = "VMware ESXi " + productVersion + " build-" + hostBuild
	a.Version, a.Build, a.ApiVersion = productVersion, hostBuild, apiVersion
	a.LicenseProductVersion = "8.0"
	return a
}

// promoteSwitches gives each switch the managed object type that a real vCenter
// has: views typed to VmwareDistributedVirtualSwitch and isinstance checks find
// nothing otherwise. The reference changes, so every place that holds it is rewritten.
func (t *Twin) promoteSwitches() {
	ctx := t.newContext(nil)
	for _, e := range ordered(t.registry().All("DistributedVirtualSwitch")) {
		dvs, ok := e.(*simulator.DistributedVirtualSwitch)
		if !ok {
			continue
		}
		old := dvs.Self
		t.registry().Remove(ctx, old)
		dvs.Self.Type = "VmwareDistributedVirtualSwitch"
		t.registry().Put(dvs)
		t.completeSwitch(dvs)
		for _, other := range ordered(t.registry().All("")) {
			switch o := other.(type) {
			case *simulator.Folder:
				replaceRef(o.ChildEntity, old, dvs.Self)
			case *simulator.DistributedVirtualPortgroup:
				if r := o.Config.DistributedVirtualSwitch; r != nil && *r == old {
					self := dvs.Self
					o.Config.DistributedVirtualSwitch = &self
				}
			}
		}
	}
}

func replaceRef(refs []types.ManagedObjectReference, old, fresh types.ManagedObjectReference) {
	for i := range refs {
		if refs[i] == old {
			refs[i] = fresh
		}
	}
}

// completeSwitch fills what stock leaves empty on a switch.
// Source: VMwareDVSFeatureCapability; MAC learning since switch version 6.6.0 (documented).
func (t *Twin) completeSwitch(dvs *simulator.DistributedVirtualSwitch) {
	product := &types.DistributedVirtualSwitchProductSpec{
		Name: "DVS", Vendor: "VMware, Inc.", Version: switchVersion, Build: hostBuild, ForwardingClass: "etherswitch",
	}
	dvs.Summary.ProductInfo = product
	config := dvs.Config.GetDVSConfigInfo()
	config.ProductInfo = *product
	if config.ConfigVersion == "" {
		config.ConfigVersion = "1"
	}
	setSwitchVersion(dvs, switchVersion, true)
}

// completeObjects brings objects that stock made before our registry hook existed
// to the shape that later ones are born with, and drops the traces of the building.
func (t *Twin) completeObjects() {
	manager := t.registry().Get(*t.content().TaskManager).(*simulator.TaskManager)
	manager.RecentTask = nil
	ctx := t.newContext(nil)
	for _, task := range t.registry().AllReference("Task") {
		t.registry().Remove(ctx, task.Reference())
	}
	for _, e := range ordered(t.registry().All("")) {
		e.Entity().RecentTask = nil
		t.born(e)
		if host, ok := e.(*simulator.HostSystem); ok {
			t.completeHost(host)
		}
	}
}

// completeHosts completes the hosts that a stock task returned, by themselves or in
// their compute resource: a host that is added later is of the same release.
func (t *Twin) completeHosts(refs ...types.ManagedObjectReference) {
	for _, ref := range refs {
		switch e := t.registry().Get(ref).(type) {
		case *simulator.HostSystem:
			t.completeHost(e)
		case *mo.ComputeResource:
			t.completeHosts(e.Host...)
		}
	}
}

// completeHost makes the host's own statements agree with each other and with the
// vCenter's. It comes after the building: govmomi knows no ESXi version above 8.0.2
// and panics on one while it sets an environment browser up.
func (t *Twin) completeHost(host *simulator.HostSystem) {
	product := hostProduct(host.Config.Product)
	host.Config.Product = product
	host.Summary.Config.Product = &product
	host.Capability.NestedHVSupported = true
}

// isSwitch tells whether a type name is one of the distributed switch types.
func isSwitch(kind string) bool {
	return strings.HasSuffix(kind, "DistributedVirtualSwitch")
}

var _ mo.Entity = (*simulator.HostSystem)(nil)
