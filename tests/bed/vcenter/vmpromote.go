package main

import (
	"path"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Making a linked clone independent of its source.

// promoteDisks models PromoteDisks_Task.
//
// Documented: with unlink every backing that other machines share is copied into the
// machine's home directory; a backing that is neither shared nor kept by a snapshot
// is consolidated with its child; only some disks may be named; the disks of a
// running machine with snapshots cannot be promoted; nothing to do is success.
// Inferred: the fault of a running machine with snapshots, InvalidState.
func promoteDisks(c *Call, req any) (any, error) {
	r := req.(*types.PromoteDisks_Task)
	ref := c.availableMachineTask(func(tc *TaskContext, vm *simulator.VirtualMachine) error {
		if r.Unlink && vm.Runtime.PowerState == poweredOn && vm.Snapshot != nil {
			return NewFault(&types.InvalidState{})
		}
		t := tc.Twin
		read := parentFiles(t.configsOf(tc.Ctx.Map, vm))
		if r.Unlink {
			t.unlinkDisks(tc.Ctx.Map, vm, func(disk *types.VirtualDisk) bool {
				return len(r.Disks) == 0 || slices.ContainsFunc(r.Disks, func(named types.VirtualDisk) bool { return named.Key == disk.Key })
			})
		}
		t.settleChains(tc.Ctx.Map, vm, true)
		config := cloneValue(vm.Config)
		t.stampConfig(config)
		vm.Config = config
		t.relinkDatastores(tc.Ctx.Map, vm)
		t.relayout(tc.Ctx.Map, vm)
		t.refresh(vm)
		t.releaseParents(tc.Ctx.Map, read)
		return nil
	})
	return &types.PromoteDisks_TaskResponse{Returnval: ref}, nil
}

// unlinkDisks copies what other machines own or read, in the configuration and in
// every snapshot that keeps it.
func (t *Twin) unlinkDisks(r *simulator.Registry, vm *simulator.VirtualMachine, chosen func(*types.VirtualDisk) bool) {
	var home object.DatastorePath
	home.FromString(vm.Config.Files.VmPathName)
	directory := path.Dir(home.Path)
	host, ok := r.Get(*vm.Runtime.Host).(*simulator.HostSystem)
	if !ok {
		return
	}
	store := datastoreNamed(r, host, home.Datastore)
	if store == nil {
		return
	}
	pinned, copies := t.pinnedFiles(r, vm), map[string]movedFile{}
	taken := filesOf(t.configsOf(r, vm))
	for _, disk := range disksOf(vm.Config) {
		if !chosen(disk) {
			continue
		}
		for _, unit := range chain(backingOf(disk))[1:] {
			if !pinned[unit.FileName] && directoryOf(unit.FileName) == directory {
				continue
			}
			var file object.DatastorePath
			file.FromString(unit.FileName)
			file.Datastore, file.Path = home.Datastore, path.Join(directory, path.Base(file.Path))
			name := file.String()
			if taken[name] {
				name = deltaFile(name, taken)
			}
			taken[name] = true
			copies[unit.FileName] = movedFile{name, store.Self}
		}
	}
	config := cloneValue(vm.Config)
	renameFiles(config, copies)
	vm.Config = config
	if vm.Snapshot == nil {
		return
	}
	for _, node := range listSnapshots(vm.Snapshot.RootSnapshotList) {
		if s, ok := r.Get(node.Snapshot).(*simulator.VirtualMachineSnapshot); ok {
			kept := cloneValue(s.Config)
			renameFiles(&kept, copies)
			s.Config = kept
			t.Touch(s.Self)
		}
	}
}
