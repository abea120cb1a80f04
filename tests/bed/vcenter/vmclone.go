package main

import (
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// cloneMachine models CloneVM_Task.
//
// Documented: unset members of the spec come from the source; location.folder
// beats the folder argument. Observed: a template needs location.pool
// (InvalidArgument), the new machine cannot be found by UUID before the task ends,
// while its name is taken at once. Inferred: DuplicateName, though not declared
// for clone, is what a taken name gives, in the task.
func cloneMachine(c *Call, req any) (any, error) {
	r := req.(*types.CloneVM_Task)
	target := r.Folder
	if r.Spec.Location.Folder != nil {
		target = *r.Spec.Location.Folder
	}
	folder, err := folderOf(c.Ctx.Map, target)
	if err != nil {
		return nil, err
	}
	for _, ref := range []*types.ManagedObjectReference{r.Spec.Location.Pool, r.Spec.Location.Host, r.Spec.Location.Datastore} {
		if ref != nil && c.Ctx.Map.Get(*ref) == nil {
			return nil, notFound(*ref)
		}
	}
	id := descriptionID(c.This.Type, c.Method)
	name := escapeName(r.Name)
	if err := c.claimName(folder, name, types.ManagedObjectReference{}); err != nil {
		return &types.CloneVM_TaskResponse{Returnval: c.failedTask(c.This, id, err)}, nil
	}
	key := keyOf(folder.Self, name)
	ref := c.StartTask(c.This, id, func(tc *TaskContext) (any, error) {
		tc.Twin.inventory.release(key)
		vm, err := tc.cloneMachine(c.This, target, name, &r.Spec)
		if err != nil {
			return nil, err
		}
		return vm.Self, nil
	})
	c.Twin.inventory.reserve(key, ref)
	return &types.CloneVM_TaskResponse{Returnval: ref}, nil
}

func (c *Call) cloneMachine(sourceRef, target types.ManagedObjectReference, name string, spec *types.VirtualMachineCloneSpec) (*simulator.VirtualMachine, error) {
	source, err := machineOf(c.Ctx.Map, sourceRef)
	if err != nil {
		return nil, err
	}
	if err := available(source); err != nil {
		return nil, err
	}
	folder, err := folderOf(c.Ctx.Map, target)
	if err != nil {
		return nil, err
	}
	base, err := c.cloneBase(source, spec)
	if err != nil {
		return nil, err
	}
	location, err := c.clonePath(source, name, spec.Location.Datastore)
	if err != nil {
		return nil, err
	}
	pool := spec.Location.Pool
	if pool == nil {
		pool = source.ResourcePool
	}
	hosts, err := c.cloneHosts(source, spec, pool, location.Datastore)
	if err != nil {
		return nil, err
	}
	var refusal error
	for _, host := range hosts {
		d, err := c.draftClone(source, base, folder, host, name, location, spec)
		if refusal = err; err != nil {
			continue
		}
		vm := d.enter(pool)
		if spec.Template {
			vm.ResourcePool = nil
		}
		c.Twin.inventory.copyGuest(source.Self, vm.Self)
		c.postMachineCloned(source, vm)
		c.reportConflicts(vm, nil, d.askedUUID(spec.Config))
		if spec.PowerOn && !spec.Template {
			if err := c.powerOn(vm); err != nil {
				return nil, err
			}
		}
		return vm, nil
	}
	return nil, refusal
}

// cloneBase is the configuration that a clone starts from: the snapshot's, or the
// machine's own.
//
// Documented (CloneSpec.snapshot): the configuration at the time of the snapshot. A
// snapshot of another machine is an InvalidArgument (inferred). Guest customization
// and memory of a snapshot are not modelled, so they are refused, unless a template
// is made, which ignores customization (documented).
func (c *Call) cloneBase(source *simulator.VirtualMachine, spec *types.VirtualMachineCloneSpec) (*types.VirtualMachineConfigInfo, error) {
	switch {
	case spec.Customization != nil && !spec.Template:
		return nil, Faultf(&types.NotImplemented{}, "The vCenter twin does not model guest customization yet")
	case source.Config.Template && spec.Location.Pool == nil && !spec.Template:
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.location.pool"})
	case spec.Snapshot == nil:
		return source.Config, nil
	}
	s, vm, err := snapshotOf(c.Ctx.Map, *spec.Snapshot)
	if err != nil {
		return nil, err
	}
	if vm.Self != source.Self {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.snapshot"})
	}
	if node := findSnapshot(vm.Snapshot.RootSnapshotList, s.Self); isTrue(spec.Memory) && node.State != poweredOff {
		return nil, Faultf(&types.NotImplemented{}, "The vCenter twin does not model clones with the memory of a snapshot yet")
	}
	return &s.Config, nil
}

// clonePath is where the files of a clone go: its own directory, on the asked
// datastore or the source's.
func (c *Call) clonePath(source *simulator.VirtualMachine, name string, datastore *types.ManagedObjectReference) (object.DatastorePath, error) {
	var p object.DatastorePath
	p.FromString(source.Config.Files.VmPathName)
	p.Path = name + "/" + name + ".vmx"
	if datastore != nil {
		ds, ok := c.Ctx.Map.Get(*datastore).(*simulator.Datastore)
		if !ok {
			return p, notFound(*datastore)
		}
		p.Datastore = ds.Name
	}
	return c.freeHome(p), nil
}

// cloneHosts lists hosts for a clone. Documented (RelocateSpec.host, CloneVM_Task):
// without host and pool a clone stays on the source's host; with a pool alone DRS
// chooses, and where a cluster has no DRS that is an InvalidArgument.
func (c *Call) cloneHosts(source *simulator.VirtualMachine, spec *types.VirtualMachineCloneSpec, pool *types.ManagedObjectReference, datastore string) ([]*simulator.HostSystem, error) {
	if pool == nil { // a template cloned to a template stays where it is
		host, ok := c.Ctx.Map.Get(*source.Runtime.Host).(*simulator.HostSystem)
		if !ok || datastoreNamed(c.Ctx.Map, host, datastore) == nil {
			return nil, NewFault(&types.InvalidDatastore{Name: datastore})
		}
		return []*simulator.HostSystem{host}, nil
	}
	host := spec.Location.Host
	if host == nil && spec.Location.Pool == nil {
		host = source.Runtime.Host
	}
	if host == nil && !choosesHosts(c.Ctx.Map, pool) {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.location.host"})
	}
	return c.candidateHosts(pool, host, datastore)
}

// choosesHosts tells whether vCenter places machines in a pool by itself: always
// on a stand-alone host, in a cluster if DRS is on.
func choosesHosts(m *simulator.Registry, pool *types.ManagedObjectReference) bool {
	owner := poolOf(m, pool)
	if owner == nil {
		return true
	}
	cluster, ok := m.Get(owner.Owner).(*simulator.ClusterComputeResource)
	if !ok {
		return true
	}
	config, ok := cluster.ConfigurationEx.(*types.ClusterConfigInfoEx)
	return ok && config.DrsConfig.Enabled != nil && *config.DrsConfig.Enabled
}

// draftClone plans a clone on one host.
//
// Documented: disks and NICs may be changed by location.deviceChange; observed
// (CAPV): config.deviceChange works too, and device keys in it are the source's.
func (c *Call) draftClone(source *simulator.VirtualMachine, base *types.VirtualMachineConfigInfo, folder *mo.Folder, host *simulator.HostSystem, name string, location object.DatastorePath, spec *types.VirtualMachineCloneSpec) (*draft, error) {
	config := cloneValue(base)
	c.Twin.newIdentity(config)
	config.Template = spec.Template
	disconnectDevices(config)
	showHotPlug(config, false)
	config.Files = machineFiles(location)
	d := &draft{call: c, config: config, host: host, folder: folder, creating: true}
	config.Name = name
	if !c.Twin.inventory.rules.CloneCopiesManagedBy {
		config.ManagedBy = nil
	}
	copies, err := d.copyDisks(source, spec)
	if err != nil {
		return nil, err
	}
	if err := d.changeDevices(cloneValue(spec.Location.DeviceChange)); err != nil {
		return nil, err
	}
	if spec.Config != nil && !c.Twin.inventory.rules.CloneIgnoresConfig {
		asked := cloneValue(spec.Config)
		asked.Name = ""
		if err := d.apply(asked); err != nil {
			return nil, err
		}
	}
	copies.keep(d)
	if err := d.ownNICs(base); err != nil {
		return nil, err
	}
	return d, d.checkPorts()
}

// ownNICs makes the NICs that came from the source the clone's own: new MAC
// addresses unless they are manual, and new ports. Documented: addressType manual
// keeps the address. NICs are checked against the clone's host, since it may be
// another one.
func (d *draft) ownNICs(base *types.VirtualMachineConfigInfo) error {
	inherited := map[string]bool{}
	for _, device := range base.Hardware.Device {
		if nic, ok := device.(types.BaseVirtualEthernetCard); ok {
			inherited[nic.GetVirtualEthernetCard().MacAddress] = true
		}
	}
	for i, device := range d.config.Hardware.Device {
		nic, ok := device.(types.BaseVirtualEthernetCard)
		if !ok {
			continue
		}
		card := nic.GetVirtualEthernetCard()
		if inherited[card.MacAddress] && card.AddressType != string(types.VirtualEthernetCardMacTypeManual) {
			card.MacAddress = d.call.Twin.inventory.newMAC()
		}
		if b, ok := card.Backing.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo); ok && hasPort(base, b.Port) {
			b.Port.PortKey, b.Port.ConnectionCookie = "", 0
		}
		if err := d.checkNIC(i, card); err != nil {
			return err
		}
	}
	return nil
}

func hasPort(base *types.VirtualMachineConfigInfo, port types.DistributedVirtualSwitchPortConnection) bool {
	for _, use := range portUses(base) {
		if use.port.PortgroupKey == port.PortgroupKey && use.port.PortKey == port.PortKey {
			return true
		}
	}
	return false
}
