package main

import (
	"path"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The files of a machine that moves: its configuration, its disks, and what its
// snapshots keep of them.

// movedFile is where a disk file goes.
type movedFile struct {
	name      string
	datastore types.ManagedObjectReference
}

// planFiles plans where the files go and makes sure that the host can read them.
//
// Documented: InvalidDatastore for one that the host does not have; a template's
// datastore cannot change; the method's page wants a host named for a machine that
// is on and whose storage moves, RelocateSpec.host does not (a rule switch);
// CannotAccessVmConfig and CannotAccessVmDisk, both VmConfigFaults, where the host
// does not have the datastore of files that stay.
func (m *relocation) planFiles() error {
	r := m.call.Ctx.Map
	m.files = map[string]movedFile{}
	if err := m.planHome(); err != nil {
		return err
	}
	if reason := m.unreachable(m.config.Files.VmPathName); reason != nil {
		return Faultf(&types.CannotAccessVmConfig{Reason: *reason},
			"Unable to access the virtual machine configuration: %s", reason.LocalizedMessage)
	}
	disks := disksOf(m.config)
	moves, err := m.diskMoves(disks, m.spec)
	if err != nil {
		return err
	}
	named := map[int32]bool{}
	for _, locator := range m.spec.Disk {
		named[locator.DiskId] = true
		m.convert(&locator)
	}
	for _, disk := range disks {
		if m.spec.Datastore == nil && !named[disk.Key] {
			continue // neither the machine nor this disk was given a datastore
		}
		if moves[disk.Key].how == createNewChild {
			return Faultf(&types.NotImplemented{}, "The vCenter twin does not model relocation to new child disks")
		}
		m.moveDisk(backingOf(disk), moves[disk.Key])
	}
	moved := len(m.files) > 0
	switch {
	case moved && m.config.Template:
		return NewFault(&types.NotSupported{})
	case moved && m.vm.Runtime.PowerState == poweredOn && m.spec.Host == nil && m.call.Twin.inventory.rules.StorageMoveNeedsHost:
		return NewFault(&types.InvalidArgument{InvalidProperty: "spec.host"})
	}
	renameFiles(m.config, m.files)
	m.snapshots = map[*simulator.VirtualMachineSnapshot]types.VirtualMachineConfigInfo{}
	if m.vm.Snapshot != nil && moved {
		for _, node := range listSnapshots(m.vm.Snapshot.RootSnapshotList) {
			if s, ok := r.Get(node.Snapshot).(*simulator.VirtualMachineSnapshot); ok {
				config := cloneValue(s.Config)
				config.Files = m.config.Files
				renameFiles(&config, m.files)
				m.snapshots[s] = config
			}
		}
	}
	return m.checkDisks()
}

// planHome moves the configuration file. Inferred: it keeps its directory's name.
func (m *relocation) planHome() error {
	if m.spec.Datastore == nil {
		return nil
	}
	ds, ok := m.call.Ctx.Map.Get(*m.spec.Datastore).(*simulator.Datastore)
	if !ok {
		return notFound(*m.spec.Datastore)
	}
	if datastoreNamed(m.call.Ctx.Map, m.host, ds.Name) == nil {
		return NewFault(&types.InvalidDatastore{Datastore: &ds.Self, Name: ds.Name})
	}
	var p object.DatastorePath
	p.FromString(m.config.Files.VmPathName)
	if p.Datastore != ds.Name {
		p.Datastore = ds.Name
		m.files[m.config.Files.VmPathName] = movedFile{p.String(), ds.Self}
		m.config.Files = machineFiles(p)
	}
	return nil
}

// moveDisk plans the files of one disk. Documented: by default all backings move,
// with moveChildMostDiskBacking only the written one. A parent that belongs to
// another machine is copied into the directory of the disk (inferred).
func (m *relocation) moveDisk(backing *diskBacking, move diskMove) {
	directory := directoryOf(backing.FileName)
	for i, unit := range chain(backing) {
		if i > 0 && move.how == moveChildMost {
			return
		}
		var p object.DatastorePath
		p.FromString(unit.FileName)
		if p.Datastore == move.datastore.Name {
			continue
		}
		p.Datastore, p.Path = move.datastore.Name, path.Join(directory, path.Base(p.Path))
		m.files[unit.FileName] = movedFile{p.String(), move.datastore.Self}
	}
}

// convert takes the disk format that a locator asks for. Documented (DiskLocator.
// diskBackingInfo): thinProvisioned and eagerlyScrub of a flat disk are supported.
func (m *relocation) convert(locator *types.VirtualMachineRelocateSpecDiskLocator) {
	asked, ok := locator.DiskBackingInfo.(*diskBacking)
	if !ok {
		return
	}
	for _, disk := range disksOf(m.config) {
		if backing := backingOf(disk); disk.Key == locator.DiskId {
			if asked.ThinProvisioned != nil {
				backing.ThinProvisioned = asked.ThinProvisioned
			}
			if asked.EagerlyScrub != nil {
				backing.EagerlyScrub = asked.EagerlyScrub
			}
		}
	}
}

func renameFiles(config *types.VirtualMachineConfigInfo, files map[string]movedFile) {
	for _, disk := range disksOf(config) {
		for _, unit := range chain(backingOf(disk)) {
			if to, ok := files[unit.FileName]; ok {
				unit.FileName, unit.Datastore = to.name, &to.datastore
			}
		}
	}
}

// unreachable says why the host cannot read a file; nil if it can.
func (m *relocation) unreachable(file string) *types.LocalizedMethodFault {
	var p object.DatastorePath
	p.FromString(file)
	if datastoreNamed(m.call.Ctx.Map, m.host, p.Datastore) != nil {
		return nil
	}
	return NewFault(&types.InvalidDatastore{Name: p.Datastore}).Localized()
}

// checkDisks makes sure that the host can read every disk file.
func (m *relocation) checkDisks() error {
	for _, disk := range disksOf(m.config) {
		for _, unit := range chain(backingOf(disk)) {
			if reason := m.unreachable(unit.FileName); reason != nil {
				label := disk.DeviceInfo.GetDescription().Label
				device := types.CannotAccessVmDevice{Device: label, Backing: unit.FileName}
				return Faultf(&types.CannotAccessVmDisk{CannotAccessVmDevice: device, Fault: *reason},
					"Virtual disk '%s' is not accessible on the host: %s", label, reason.LocalizedMessage)
			}
		}
	}
	return nil
}

// relinkDatastores brings VirtualMachine.datastore and the back references in line
// with the machine's files.
func (t *Twin) relinkDatastores(r *simulator.Registry, vm *simulator.VirtualMachine) {
	host, ok := r.Get(*vm.Runtime.Host).(*simulator.HostSystem)
	if !ok {
		return
	}
	now := datastoresOf(r, host, vm.Config)
	for _, ref := range vm.Datastore {
		if ds, ok := r.Get(ref).(*simulator.Datastore); ok && simulator.FindReference(now, ref) == nil {
			simulator.RemoveReference(&ds.Vm, vm.Self)
			t.Touch(ref)
		}
	}
	for _, ref := range now {
		if ds, ok := r.Get(ref).(*simulator.Datastore); ok && simulator.FindReference(vm.Datastore, ref) == nil {
			addReference(&ds.Vm, vm.Self)
			t.Touch(ref)
		}
	}
	vm.Datastore = now
	t.Touch(vm.Self)
}
