package main

import (
	"path"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The disks of a clone: copied, or linked to those of its source.

// diskCopies is what each disk is for the clone, by device key, and the files of the source.
type diskCopies struct {
	source map[string]bool
	fresh  map[int32]*diskBacking
}

// diskMove says where one disk goes and how.
type diskMove struct {
	how       string
	datastore *simulator.Datastore
}

const (
	moveAllAllowSharing = string(types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndAllowSharing)
	moveChildMost       = string(types.VirtualMachineRelocateDiskMoveOptionsMoveChildMostDiskBacking)
	createNewChild      = string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)
)

var diskMoves = []string{
	"", moveAllAllowSharing, moveChildMost, createNewChild,
	string(types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndDisallowSharing),
	string(types.VirtualMachineRelocateDiskMoveOptionsMoveAllDiskBackingsAndConsolidate),
}

// copyDisks gives a clone disks of its own.
//
// Documented (VirtualMachineRelocateSpecDiskMoveOptions): by default delta disks are
// consolidated; moveChildMostDiskBacking copies the written file and shares its
// parents; createNewChildDiskBacking copies nothing, and is valid only when cloning
// from a snapshot; moveAllDiskBackingsAndAllowSharing copies the chain. Observed
// (pyvmomi issue 362): without a snapshot it is InvalidArgument "spec.snapshot".
func (d *draft) copyDisks(source *simulator.VirtualMachine, spec *types.VirtualMachineCloneSpec) (*diskCopies, error) {
	copies := &diskCopies{source: filesOf(d.call.Twin.configsOf(d.call.Ctx.Map, source)), fresh: map[int32]*diskBacking{}}
	disks := disksOf(d.config)
	moves, err := d.diskMoves(disks, &spec.Location)
	if err != nil {
		return nil, err
	}
	old := map[int32]*diskBacking{}
	for _, disk := range disks {
		if moves[disk.Key].how == createNewChild && spec.Snapshot == nil {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.snapshot"})
		}
		old[disk.Key] = backingOf(disk)
		disk.Backing = &diskBacking{}
	}
	for _, disk := range disks {
		move := moves[disk.Key]
		file := object.DatastorePath{Datastore: move.datastore.Name, Path: path.Join(d.directory(), d.freeDiskName())}
		fresh := copyChain(old[disk.Key], move.how, file.String(), move.datastore.Self)
		fresh.Uuid = diskUUID()
		disk.Backing, copies.fresh[disk.Key] = fresh, cloneValue(fresh)
	}
	return copies, nil
}

// copyChain is a disk of a clone whose written file has a name.
func copyChain(old *diskBacking, how, file string, datastore types.ManagedObjectReference) *diskBacking {
	fresh := cloneValue(old)
	switch {
	case how == createNewChild:
		fresh = childOf(old, file)
	case how == moveChildMost:
	case how == moveAllAllowSharing:
		units := chain(fresh)
		taken := map[string]bool{}
		slices.Reverse(units)
		for i, unit := range units {
			unit.FileName, unit.Datastore = file, &datastore
			if i > 0 {
				unit.FileName = deltaFile(file, taken)
				taken[unit.FileName] = true
			}
		}
		return fresh
	default:
		fresh.Parent, fresh.DeltaDiskFormat = nil, ""
	}
	fresh.FileName, fresh.Datastore = file, &datastore
	return fresh
}

// keep puts the clone's files back where a client sent the source's with an edit.
func (copies *diskCopies) keep(d *draft) {
	for _, disk := range disksOf(d.config) {
		if fresh := copies.fresh[disk.Key]; fresh != nil && copies.source[diskFile(disk)] {
			backing := backingOf(disk)
			backing.FileName, backing.Datastore, backing.Parent, backing.Uuid = fresh.FileName, fresh.Datastore, fresh.Parent, fresh.Uuid
		}
	}
}

// diskMoves reads how and where each disk goes from a relocate spec.
//
// Documented: disk locators override the spec per disk; InvalidArgument for a device
// that is no disk of the machine and for a locator without a datastore. Inferred:
// InvalidArgument for a diskMoveType that does not exist, InvalidDatastore for a
// datastore that the host does not have.
func (d *draft) diskMoves(disks []*types.VirtualDisk, spec *types.VirtualMachineRelocateSpec) (map[int32]diskMove, error) {
	home, err := d.homeDatastore()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(diskMoves, spec.DiskMoveType) {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.location.diskMoveType"})
	}
	moves := map[int32]diskMove{}
	for _, disk := range disks {
		moves[disk.Key] = diskMove{spec.DiskMoveType, home}
	}
	for _, locator := range spec.Disk {
		move, ok := moves[locator.DiskId]
		switch {
		case !ok:
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.disk.diskId"})
		case locator.Datastore.Value == "":
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.disk.datastore"})
		case !slices.Contains(diskMoves, locator.DiskMoveType):
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.disk.diskMoveType"})
		}
		ds, ok := d.call.Ctx.Map.Get(locator.Datastore).(*simulator.Datastore)
		if !ok {
			return nil, notFound(locator.Datastore)
		}
		if datastoreNamed(d.call.Ctx.Map, d.host, ds.Name) == nil {
			return nil, NewFault(&types.InvalidDatastore{Datastore: &ds.Self, Name: ds.Name})
		}
		move.datastore = ds
		if locator.DiskMoveType != "" {
			move.how = locator.DiskMoveType
		}
		moves[locator.DiskId] = move
	}
	return moves, nil
}

// homeDatastore is where a draft's configuration file goes.
func (d *draft) homeDatastore() (*simulator.Datastore, error) {
	var p object.DatastorePath
	p.FromString(d.config.Files.VmPathName)
	if ds := datastoreNamed(d.call.Ctx.Map, d.host, p.Datastore); ds != nil {
		return ds, nil
	}
	return nil, NewFault(&types.InvalidDatastore{Name: p.Datastore})
}
