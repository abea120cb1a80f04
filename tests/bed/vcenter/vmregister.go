package main

import (
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Registering a machine again whose files were left on a datastore by UnregisterVM.
//
// The idea: what is in the files comes back (configuration, snapshots, the guest on
// the disks); what is in vCenter's database does not (the managed object reference,
// folder, pool, tasks, custom values).

// storedMachine is the files of an unregistered machine.
type storedMachine struct {
	config    *types.VirtualMachineConfigInfo
	snapshot  *types.VirtualMachineSnapshotInfo
	snapshots map[types.ManagedObjectReference]types.VirtualMachineConfigInfo // by the old references of the tree
	memo      snapshotMemo
	guest     GuestProfile
}

func (s *storedMachine) configs() []*types.VirtualMachineConfigInfo {
	out := []*types.VirtualMachineConfigInfo{s.config}
	for _, config := range s.snapshots {
		out = append(out, &config)
	}
	return out
}

// storeMachine remembers the files of a machine that is about to be unregistered;
// nil when they are out of reach.
func (c *Call) storeMachine(ref types.ManagedObjectReference) *storedMachine {
	r, inv := c.Ctx.Map, c.Twin.inventory
	vm, err := machineOf(r, ref)
	if err != nil || c.Twin.configOf(vm) == nil {
		return nil
	}
	kept := &storedMachine{
		config: c.Twin.configOf(vm), snapshot: vm.Snapshot, memo: *inv.snapshotsOf(ref),
		guest:     inv.guestOf(ref).profile,
		snapshots: map[types.ManagedObjectReference]types.VirtualMachineConfigInfo{},
	}
	if vm.Snapshot != nil {
		for _, node := range listSnapshots(vm.Snapshot.RootSnapshotList) {
			if s, ok := r.Get(node.Snapshot).(*simulator.VirtualMachineSnapshot); ok {
				kept.snapshots[node.Snapshot] = s.Config
			}
		}
	}
	return kept
}

// registerMachine models RegisterVM_Task.
//
// Documented: AlreadyExists for a machine that is registered, NotFound for a file
// that is not there, DuplicateName and InvalidName; without a name the machine's own
// is used; a template takes no pool, anything else needs one; the host must belong
// to the pool's compute resource. Observed (rule book of every client that keeps
// references): the machine gets a new managed object reference. Inferred: faults of
// the arguments' form are synchronous, the others come out of the task.
func registerMachine(c *Call, req any) (any, error) {
	r := req.(*types.RegisterVM_Task)
	folder, err := folderOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Pool == nil && !r.AsTemplate, r.Pool != nil && r.AsTemplate:
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "pool"})
	case r.Pool != nil && poolOf(c.Ctx.Map, r.Pool) == nil:
		return nil, notFound(*r.Pool)
	case r.AsTemplate && r.Host == nil:
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "host"})
	case r.Host != nil && c.Ctx.Map.Get(*r.Host) == nil:
		return nil, notFound(*r.Host)
	}
	name, id := escapeName(r.Name), descriptionID(c.This.Type, c.Method)
	if stored := c.Twin.inventory.stored[r.Path]; stored != nil && name == "" {
		name = stored.config.Name
	}
	refused := c.checkRegistration(r.Path)
	if refused == nil {
		refused = c.claimName(folder, name, types.ManagedObjectReference{})
	}
	if refused != nil {
		return &types.RegisterVM_TaskResponse{Returnval: c.failedTask(c.This, id, refused)}, nil
	}
	key := keyOf(folder.Self, name)
	ref := c.StartTask(c.This, id, func(tc *TaskContext) (any, error) {
		tc.Twin.inventory.release(key)
		vm, err := tc.registerMachine(r, name)
		if err != nil {
			return nil, err
		}
		return vm.Self, nil
	})
	c.Twin.inventory.reserve(key, ref)
	return &types.RegisterVM_TaskResponse{Returnval: ref}, nil
}

// checkRegistration looks for the file and for a machine that uses it already.
func (c *Call) checkRegistration(file string) error {
	var p object.DatastorePath
	if !p.FromString(file) || p.Path == "" {
		return NewFault(&types.InvalidDatastorePath{InvalidDatastore: types.InvalidDatastore{Name: p.Datastore}, DatastorePath: file})
	}
	for _, obj := range c.Ctx.Map.AllReference("VirtualMachine") {
		if vm, ok := obj.(*simulator.VirtualMachine); ok && vm.Summary.Config.VmPathName == file {
			return Faultf(&types.AlreadyExists{Name: file}, "The specified key, name, or identifier '%s' already exists.", file)
		}
	}
	if c.Twin.inventory.stored[file] == nil {
		return Faultf(&types.NotFound{}, "The object or item referred to could not be found.")
	}
	return nil
}

func (c *Call) registerMachine(r *types.RegisterVM_Task, name string) (*simulator.VirtualMachine, error) {
	if err := c.checkRegistration(r.Path); err != nil {
		return nil, err
	}
	folder, err := folderOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	var p object.DatastorePath
	p.FromString(r.Path)
	var hosts []*simulator.HostSystem
	if r.AsTemplate {
		host, ok := c.Ctx.Map.Get(*r.Host).(*simulator.HostSystem)
		if !ok {
			return nil, notFound(*r.Host)
		}
		if datastoreNamed(c.Ctx.Map, host, p.Datastore) == nil {
			return nil, NewFault(&types.InvalidDatastore{Name: p.Datastore})
		}
		hosts = []*simulator.HostSystem{host}
	} else if hosts, err = c.candidateHosts(r.Pool, r.Host, p.Datastore); err != nil {
		return nil, err
	}
	stored := c.Twin.inventory.stored[r.Path]
	d := &draft{call: c, config: cloneValue(stored.config), host: hosts[0], folder: folder, creating: true}
	d.config.Name, d.config.Template = name, r.AsTemplate
	conflict := c.holderOfUUID(d.config.InstanceUuid, nil)
	old := d.config.InstanceUuid
	d.config.InstanceUuid = c.freeInstanceUUID(old, nil)
	d.settleNetworks()
	if err := d.checkPorts(); err != nil {
		return nil, err
	}
	delete(c.Twin.inventory.stored, r.Path)
	vm := d.enter(r.Pool)
	c.Twin.inventory.guests[vm.Self] = &guest{profile: stored.guest}
	c.restoreSnapshots(vm, stored)
	c.post(&types.VmRegisteredEvent{VmEvent: c.machineEvent(vm)})
	if conflict != nil {
		c.postUUIDConflict(vm, conflict, old)
	}
	return vm, nil
}

// restoreSnapshots gives a registered machine the snapshots in its files. Inferred:
// they are objects with references of their own, as the machine is.
func (c *Call) restoreSnapshots(vm *simulator.VirtualMachine, stored *storedMachine) {
	t, r := c.Twin, c.Ctx.Map
	*t.inventory.snapshotsOf(vm.Self) = stored.memo
	if stored.snapshot == nil {
		return
	}
	info := cloneValue(stored.snapshot)
	for _, node := range listSnapshots(info.RootSnapshotList) {
		s := &simulator.VirtualMachineSnapshot{VirtualMachineSnapshot: mo.VirtualMachineSnapshot{
			Vm: vm.Self, Config: cloneValue(stored.snapshots[node.Snapshot]),
		}}
		r.Put(s)
		if info.CurrentSnapshot != nil && *info.CurrentSnapshot == node.Snapshot {
			info.CurrentSnapshot = &s.Self
		}
		node.Snapshot, node.Vm = s.Self, vm.Self
	}
	t.setSnapshots(r, vm, info)
	t.settleChains(r, vm, false)
}
