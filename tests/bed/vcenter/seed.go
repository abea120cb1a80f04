package main

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// seed puts many objects into the inventory fast: copies of the model's first
// machine with identities of their own, port groups on its first distributed switch,
// and standard port groups on every host. {"vms": 10000, "portGroups": 10000,
// "templates": 2, "standardPortGroups": 500, "prefix": "seed"}
func (c *control) seed(r *http.Request) (any, error) {
	req := struct {
		VMs        int    `json:"vms"`
		Portgroups int    `json:"portGroups"`
		Templates  int    `json:"templates"`
		Standard   int    `json:"standardPortGroups"`
		Hosts      int    `json:"hosts"`
		Prefix     string `json:"prefix"`
	}{Prefix: "seed"}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if min(req.VMs, req.Portgroups, req.Templates, req.Standard, req.Hosts) < 0 {
		return nil, bad("vms, portGroups, templates, standardPortGroups, hosts: %d, %d, %d, %d, %d; each is 0 or more",
			req.VMs, req.Portgroups, req.Templates, req.Standard, req.Hosts)
	}
	start := time.Now()
	c.t.world.Lock()
	defer c.t.world.Unlock()
	ctx := c.t.newContext(nil)
	out := map[string][]string{"vms": {}, "portGroups": {}, "templates": {}}
	dvs, ok := pattern(c.t, "VmwareDistributedVirtualSwitch", func(*simulator.DistributedVirtualSwitch) bool { return true })
	if !ok && req.Portgroups > 0 {
		return nil, bad("portGroups: the model has no distributed switch; start the twin with -pg 1 or more")
	}
	source, ok := pattern(c.t, "VirtualMachine", func(vm *simulator.VirtualMachine) bool { return vm.Config != nil && !vm.Config.Template })
	if !ok && req.VMs+req.Templates > 0 {
		return nil, bad("vms: the model has no virtual machine to copy; start the twin with -vm 1 or more")
	}
	groups, machines := numbered(req.Prefix+"-pg", req.Portgroups), numbered(req.Prefix+"-vm", req.VMs)
	templates := numbered(req.Prefix+"-template", req.Templates)
	var err error
	if len(groups) > 0 {
		err = c.t.checkFree(*dvs.Parent, groups)
	}
	if err == nil && len(machines)+len(templates) > 0 {
		err = c.t.checkFree(*source.Parent, append(machines, templates...))
	}
	if err != nil {
		return nil, err
	}
	if out["hosts"], err = c.t.seedHosts(ctx, dvs, req.Hosts, req.Prefix); err != nil {
		return nil, err
	}
	for _, name := range groups {
		out["portGroups"] = append(out["portGroups"], c.t.seedPortgroup(ctx, dvs, name).Value)
	}
	for _, name := range machines {
		out["vms"] = append(out["vms"], c.t.seedMachine(source, name, false).Value)
	}
	for _, name := range templates {
		out["templates"] = append(out["templates"], c.t.seedMachine(source, name, true).Value)
	}
	if out["standardPortGroups"], err = c.t.seedStandardGroups(ctx, req.Standard, req.Prefix); err != nil {
		return nil, err
	}
	return map[string]any{"created": out, "seconds": time.Since(start).Seconds()}, nil
}

// numbered are count names: "seed-vm-0" and on.
func numbered(prefix string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return names
}

// checkFree refuses names that no entity of a folder could get: taken ones, whatever
// their case, and what is no name as vCenter stores it. It looks at the folder once.
func (t *Twin) checkFree(parent types.ManagedObjectReference, names []string) error {
	folder, err := folderOf(t.registry(), parent)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, child := range folder.ChildEntity {
		taken[strings.ToLower(t.nameOf(child))] = true
	}
	for _, name := range names {
		if checkName(name) != nil || escapeName(name) != name {
			return bad("prefix: %q is no name of 1 to %d characters without slashes", name, entityNameMax)
		}
		if taken[strings.ToLower(name)] {
			return bad("prefix: the name %s is taken", name)
		}
	}
	return nil
}

// pattern finds the oldest object of a type that a filter accepts.
func pattern[T mo.Entity](t *Twin, kind string, accept func(T) bool) (found T, ok bool) {
	for _, e := range t.registry().All(kind) {
		if x, is := e.(T); is && accept(x) && (!ok || older(x.Reference(), found.Reference())) {
			found, ok = x, true
		}
	}
	return found, ok
}

// older compares two ids of one type by their counters: shorter is older, then by text.
func older(a, b types.ManagedObjectReference) bool {
	if len(a.Value) != len(b.Value) {
		return len(a.Value) < len(b.Value)
	}
	return a.Value < b.Value
}

func (t *Twin) seedMachine(source *simulator.VirtualMachine, name string, template bool) types.ManagedObjectReference {
	r := t.registry()
	vm := &simulator.VirtualMachine{DataSets: map[string]*simulator.DataSet{}}
	reflect.ValueOf(&vm.VirtualMachine).Elem().Set(wireCopy(reflect.ValueOf(source.VirtualMachine)))
	r.NewEntity(vm)
	vm.Name, vm.Config.Name = name, name
	vm.Config.Template = template
	vm.Config.Uuid, vm.Config.InstanceUuid = uuid.NewString(), uuid.NewString()
	path := object.DatastorePath{}
	path.FromString(source.Config.Files.VmPathName)
	path.Path = name + "/" + name + ".vmx"
	vm.Config.Files.VmPathName = path.String()
	vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOff
	vm.Runtime.BootTime = nil
	vm.Guest = guestWithoutTools()
	vm.Snapshot, vm.RootSnapshot, vm.RecentTask, vm.Network = nil, nil, nil, nil
	vm.Runtime.ConsolidationNeeded = false
	ownDisks(vm.Config)
	vm.Summary.Vm = &vm.Self
	if template {
		vm.ResourcePool = nil
	}
	for _, device := range vm.Config.Hardware.Device {
		if nic, ok := device.(types.BaseVirtualEthernetCard); ok {
			card := nic.GetVirtualEthernetCard()
			card.MacAddress = t.inventory.newMAC()
			if b, ok := card.Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo); ok {
				b.Port.PortKey, b.Port.ConnectionCookie = "", 0
			}
		}
	}
	t.bindPorts(r, vm.Self, nil, vm.Config, false)
	t.stampConfig(vm.Config)
	folder := r.Get(*source.Parent).(*simulator.Folder)
	folder.ChildEntity = append(folder.ChildEntity, vm.Self)
	r.PutEntity(folder, vm)
	t.linkMachine(r, vm)
	t.refresh(vm)
	return vm.Self
}

// ownDisks gives a copied machine disks of its own, without parents.
func ownDisks(config *types.VirtualMachineConfigInfo) {
	for i, disk := range disksOf(config) {
		backing := backingOf(disk)
		var file object.DatastorePath
		file.FromString(backing.FileName)
		file.Path = fmt.Sprintf("%s/%s_%d.vmdk", config.Name, config.Name, i)
		backing.FileName, backing.Uuid, backing.Parent = file.String(), diskUUID(), nil
	}
}

func (t *Twin) seedPortgroup(ctx *simulator.Context, dvs *simulator.DistributedVirtualSwitch, name string) types.ManagedObjectReference {
	folder := t.registry().Get(*dvs.Parent).(*simulator.Folder)
	return t.putPortgroup(ctx, dvs, &folder.Folder, &types.DVPortgroupConfigSpec{Name: name, NumPorts: 8}).Self
}
