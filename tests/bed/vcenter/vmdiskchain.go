package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Chains of disk files. A disk is a chain of files: the one that is written to,
// and below it the parents that are only read. A snapshot keeps the file that was
// written to and puts a new child on top; a linked clone puts its child on a file
// of another machine.
//
// Documented: VirtualDiskFlatVer2BackingInfo.parent, "since the parent backing is
// not being written to, it may be shared among disks of multiple virtual machines".

type diskBacking = types.VirtualDiskFlatVer2BackingInfo

// disksOf lists the disks of a configuration whose backing is a file.
func disksOf(config *types.VirtualMachineConfigInfo) []*types.VirtualDisk {
	var out []*types.VirtualDisk
	for _, device := range config.Hardware.Device {
		if disk, ok := device.(*types.VirtualDisk); ok && backingOf(disk) != nil {
			out = append(out, disk)
		}
	}
	return out
}

func backingOf(disk *types.VirtualDisk) *diskBacking {
	backing, _ := disk.Backing.(*diskBacking)
	return backing
}

// isIndependent tells whether a disk is left out of snapshots (documented, VirtualDiskMode).
func isIndependent(backing *diskBacking) bool {
	return backing.DiskMode == string(types.VirtualDiskModeIndependent_persistent) ||
		backing.DiskMode == string(types.VirtualDiskModeIndependent_nonpersistent)
}

// deltaName is the number that ends the name of a delta file.
var deltaName = regexp.MustCompile(`-\d{6}$`)

// deltaFile names the next delta of a disk. Observed on real datastores:
// name-000001.vmdk and so on; documented (VirtualMachineFileInfo.snapshotDirectory):
// since 5.0 beside the disk that it belongs to.
func deltaFile(file string, taken map[string]bool) string {
	stem := deltaName.ReplaceAllString(file[:len(file)-len(path.Ext(file))], "")
	for i := 1; ; i++ {
		if name := fmt.Sprintf("%s-%06d.vmdk", stem, i); !taken[name] {
			return name
		}
	}
}

// addDeltas puts a new child on every disk that snapshots include.
func addDeltas(config *types.VirtualMachineConfigInfo, taken map[string]bool) {
	for _, disk := range disksOf(config) {
		backing := backingOf(disk)
		if !isIndependent(backing) {
			disk.Backing = childOf(backing, deltaFile(backing.FileName, taken))
			taken[diskFile(disk)] = true
		}
	}
}

// childOf is a delta on a file, which nobody writes to from now on.
func childOf(parent *diskBacking, file string) *diskBacking {
	child := *parent
	child.FileName, child.Parent = file, cloneValue(parent)
	child.BackingObjectId = nil
	child.DeltaDiskFormat = "redoLogFormat"
	return &child
}

// chain lists the files of a disk, the written one first.
func chain(backing *diskBacking) []*diskBacking {
	var out []*diskBacking
	for ; backing != nil; backing = backing.Parent {
		out = append(out, backing)
	}
	return out
}

// configsOf lists all configurations that hold on to a machine's disk files: the
// running one and those of its snapshots.
func (t *Twin) configsOf(r *simulator.Registry, vm *simulator.VirtualMachine) []*types.VirtualMachineConfigInfo {
	var out []*types.VirtualMachineConfigInfo
	if config := t.configOf(vm); config != nil {
		out = append(out, config)
	}
	return append(out, snapshotConfigs(r, vm)...)
}

func snapshotConfigs(r *simulator.Registry, vm *simulator.VirtualMachine) []*types.VirtualMachineConfigInfo {
	if vm.Snapshot == nil {
		return nil
	}
	var out []*types.VirtualMachineConfigInfo
	for _, node := range listSnapshots(vm.Snapshot.RootSnapshotList) {
		if s, ok := r.Get(node.Snapshot).(*simulator.VirtualMachineSnapshot); ok {
			out = append(out, &s.Config)
		}
	}
	return out
}

// eachFile visits every disk file that configurations hold on to. It makes no copies:
// it runs over all machines of an inventory.
func eachFile(configs []*types.VirtualMachineConfigInfo, visit func(file string)) {
	for _, config := range configs {
		for _, device := range config.Hardware.Device {
			disk, ok := device.(*types.VirtualDisk)
			if !ok {
				continue
			}
			for unit := backingOf(disk); unit != nil; unit = unit.Parent {
				visit(unit.FileName)
			}
		}
	}
}

func filesOf(configs []*types.VirtualMachineConfigInfo) map[string]bool {
	files := map[string]bool{}
	eachFile(configs, func(file string) { files[file] = true })
	return files
}

// pinnedFiles lists those of a machine's files that other machines read too, the
// unregistered ones included.
func (t *Twin) pinnedFiles(r *simulator.Registry, vm *simulator.VirtualMachine) map[string]bool {
	mine, pinned := filesOf(t.configsOf(r, vm)), map[string]bool{}
	pin := func(file string) {
		if mine[file] {
			pinned[file] = true
		}
	}
	for _, obj := range r.AllReference("VirtualMachine") {
		if other, ok := obj.(*simulator.VirtualMachine); ok && other.Self != vm.Self {
			eachFile(t.configsOf(r, other), pin)
		}
	}
	for _, stored := range t.inventory.stored {
		eachFile(stored.configs(), pin)
	}
	return pinned
}

// combination is a file that can be written into its parent.
type combination struct{ child, parent string }

// combinable finds the next pair of files that can become one without violating
// data dependency: the parent is nobody's snapshot and has a single child, and no
// other machine reads either.
//
// Documented: ConsolidateVMDisks_Task, "finding hierarchies of redo logs that can
// be combined without violating data dependency". Inferred: a base that belongs to
// another machine's directory is not this machine's to combine.
func combinable(configs []*types.VirtualMachineConfigInfo, pinned map[string]bool) *combination {
	heads, own := map[string]bool{}, map[string]bool{}
	children := map[string][]string{}
	for _, config := range configs {
		own[directoryOf(config.Files.VmPathName)] = true
		for _, disk := range disksOf(config) {
			units := chain(backingOf(disk))
			heads[units[0].FileName] = true
			own[directoryOf(units[0].FileName)] = true
			for i, unit := range units[1:] {
				if !slices.Contains(children[unit.FileName], units[i].FileName) {
					children[unit.FileName] = append(children[unit.FileName], units[i].FileName)
				}
			}
		}
	}
	for _, parent := range keysOf(children) {
		below := children[parent]
		if len(below) == 1 && !heads[parent] && own[directoryOf(parent)] && !pinned[parent] && !pinned[below[0]] {
			return &combination{below[0], parent}
		}
	}
	return nil
}

// combine writes a child into its parent in one configuration: the parent's file stays.
func (c combination) combine(config *types.VirtualMachineConfigInfo) {
	for _, disk := range disksOf(config) {
		for _, unit := range chain(backingOf(disk)) {
			if unit.FileName == c.child && unit.Parent != nil && unit.Parent.FileName == c.parent {
				unit.FileName, unit.Datastore, unit.Parent = c.parent, unit.Parent.Datastore, unit.Parent.Parent
				if unit.Parent == nil {
					unit.DeltaDiskFormat = ""
				}
			}
		}
	}
}

func directoryOf(file string) string {
	var p object.DatastorePath
	p.FromString(file)
	return path.Dir(p.Path)
}

// settleChains combines what can be combined, or only tells that something could be.
//
// Documented: VirtualMachineRuntimeInfo.consolidationNeeded, "when a snapshot is
// deleted but its associated disk is not committed back to the base disk".
func (t *Twin) settleChains(r *simulator.Registry, vm *simulator.VirtualMachine, consolidate bool) {
	pinned := t.pinnedFiles(r, vm)
	running := cloneValue(vm.Config)
	configs := []*types.VirtualMachineConfigInfo{running}
	var snapshots []*simulator.VirtualMachineSnapshot
	if vm.Snapshot != nil {
		for _, node := range listSnapshots(vm.Snapshot.RootSnapshotList) {
			if s, ok := r.Get(node.Snapshot).(*simulator.VirtualMachineSnapshot); ok {
				kept := cloneValue(s.Config)
				configs, snapshots = append(configs, &kept), append(snapshots, s)
			}
		}
	}
	pair := combinable(configs, pinned)
	for ; consolidate && pair != nil; pair = combinable(configs, pinned) {
		for _, config := range configs {
			pair.combine(config)
		}
	}
	if consolidate {
		vm.Config = running
		for i, s := range snapshots {
			s.Config = *configs[i+1]
			t.Touch(s.Self)
		}
	}
	vm.Runtime.ConsolidationNeeded = pair != nil
	vm.Summary.Runtime = vm.Runtime
	t.Touch(vm.Self)
}
