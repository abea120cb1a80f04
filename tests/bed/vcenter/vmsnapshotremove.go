package main

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Removing and renaming snapshots, and consolidating what removal leaves behind.

// snapshotTask runs an operation on a snapshot as a task of its machine. Observed
// (govmomi): TaskInfo.entity is the machine, a snapshot being no managed entity.
func (c *Call) snapshotTask(operation func(*TaskContext, *simulator.VirtualMachineSnapshot, *simulator.VirtualMachine) error) (types.ManagedObjectReference, error) {
	s, _, err := snapshotOf(c.Ctx.Map, c.This)
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	return c.taskOnMachine(s.Vm, func(tc *TaskContext) (any, error) {
		s, vm, err := snapshotOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if err := available(vm); err != nil {
			return nil, err
		}
		return nil, operation(tc, s, vm)
	}), nil
}

// removeSnapshot models RemoveSnapshot_Task.
//
// Documented: the machine itself stays as it is; removeChildren takes the subtree;
// consolidate defaults to true. When connected to vCenter, a disk that a linked
// clone reads stays (programming guide, "Removing Snapshots and Deleting Linked
// Virtual Machines").
func removeSnapshot(c *Call, req any) (any, error) {
	r := req.(*types.RemoveSnapshot_Task)
	ref, err := c.snapshotTask(func(tc *TaskContext, s *simulator.VirtualMachineSnapshot, vm *simulator.VirtualMachine) error {
		if err := checkSnapshotLock(vm); err != nil {
			return err
		}
		tc.dropSnapshots(vm, r.Consolidate == nil || *r.Consolidate, func(trees snapshotTrees) (snapshotTrees, []types.ManagedObjectReference) {
			return dropSnapshot(trees, s.Self, r.RemoveChildren)
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &types.RemoveSnapshot_TaskResponse{Returnval: ref}, nil
}

// removeAllSnapshots models RemoveAllSnapshots_Task. Documented: success without
// any snapshot; spec.retentionDays selects the snapshots older than that.
func removeAllSnapshots(c *Call, req any) (any, error) {
	r := req.(*types.RemoveAllSnapshots_Task)
	ref := c.availableMachineTask(func(tc *TaskContext, vm *simulator.VirtualMachine) error {
		if vm.Snapshot == nil {
			return nil
		}
		if err := checkSnapshotLock(vm); err != nil {
			return err
		}
		limit := tc.Twin.now()
		if r.Spec != nil {
			limit = limit.Add(-time.Duration(r.Spec.RetentionDays) * 24 * time.Hour)
		}
		tc.dropSnapshots(vm, r.Consolidate == nil || *r.Consolidate, func(trees snapshotTrees) (snapshotTrees, []types.ManagedObjectReference) {
			var gone []types.ManagedObjectReference
			for _, old := range listSnapshots(cloneValue(trees)) {
				if old.CreateTime.After(limit) {
					continue
				}
				var lost []types.ManagedObjectReference
				trees, lost = dropSnapshot(trees, old.Snapshot, false)
				gone = append(gone, lost...)
			}
			return trees, gone
		})
		return nil
	})
	return &types.RemoveAllSnapshots_TaskResponse{Returnval: ref}, nil
}

// dropSnapshots removes snapshots and settles the disks. Documented (SnapshotInfo):
// currentSnapshot is unset when the machine is at the root of the tree. Inferred:
// when the current one goes, its nearest parent that stays is the current one.
func (c *Call) dropSnapshots(vm *simulator.VirtualMachine, consolidate bool, drop func(snapshotTrees) (snapshotTrees, []types.ManagedObjectReference)) {
	t, r := c.Twin, c.Ctx.Map
	before, info := vm.Snapshot, cloneValue(vm.Snapshot)
	kept, gone := drop(info.RootSnapshotList)
	info.RootSnapshotList = kept
	current := info.CurrentSnapshot
	for current != nil && findSnapshot(kept, *current) == nil {
		current = parentSnapshot(before.RootSnapshotList, *current)
	}
	info.CurrentSnapshot = current
	for _, ref := range gone {
		r.Remove(c.Ctx, ref)
	}
	vm.Snapshot = info
	t.settleChains(r, vm, consolidate)
	config := cloneValue(vm.Config)
	t.stampConfig(config)
	vm.Config = config
	t.setSnapshots(r, vm, info)
	t.refresh(vm)
}

// forgetSnapshots removes the snapshots of a machine that leaves the inventory.
func (t *Twin) forgetSnapshots(ctx *simulator.Context, vm *simulator.VirtualMachine) {
	if vm.Snapshot != nil {
		for _, node := range listSnapshots(vm.Snapshot.RootSnapshotList) {
			ctx.Map.Remove(ctx, node.Snapshot)
		}
	}
	delete(t.inventory.snapshots, vm.Self)
}

// releaseParents looks again at the machines whose files a linked clone has read,
// when that clone is gone: what it pinned may be combinable now.
func (t *Twin) releaseParents(r *simulator.Registry, read map[string]bool) {
	if len(read) == 0 {
		return
	}
	for _, obj := range r.AllReference("VirtualMachine") {
		vm, ok := obj.(*simulator.VirtualMachine)
		if !ok || vm.Config == nil {
			continue
		}
		shares := false
		eachFile(t.configsOf(r, vm), func(file string) { shares = shares || read[file] })
		if shares {
			t.settleChains(r, vm, false)
		}
	}
}

// parentFiles lists the files that a machine reads and does not write.
func parentFiles(configs []*types.VirtualMachineConfigInfo) map[string]bool {
	read := map[string]bool{}
	for _, config := range configs {
		for _, disk := range disksOf(config) {
			for _, unit := range chain(backingOf(disk))[1:] {
				read[unit.FileName] = true
			}
		}
	}
	return read
}

// renameSnapshot models RenameSnapshot. Documented: it is no task; at least one of
// name and description must be given. Inferred: neither is an InvalidArgument.
func renameSnapshot(c *Call, req any) (any, error) {
	r := req.(*types.RenameSnapshot)
	_, vm, err := snapshotOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	if err := available(vm); err != nil {
		return nil, err
	}
	if r.Name == "" && r.Description == "" {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "name"})
	}
	info := cloneValue(vm.Snapshot)
	node := findSnapshot(info.RootSnapshotList, c.This)
	if r.Name != "" {
		if err := checkName(escapeName(r.Name)); err != nil {
			return nil, err
		}
		node.Name = escapeName(r.Name)
	}
	if r.Description != "" {
		node.Description = r.Description
	}
	c.Twin.setSnapshots(c.Ctx.Map, vm, info)
	return &types.RenameSnapshotResponse{}, nil
}

// consolidateDisks models ConsolidateVMDisks_Task. Documented: combines what can be
// combined without violating data dependency; nothing to do is success.
func consolidateDisks(c *Call, _ any) (any, error) {
	ref := c.availableMachineTask(func(tc *TaskContext, vm *simulator.VirtualMachine) error {
		t, r := tc.Twin, tc.Ctx.Map
		t.settleChains(r, vm, true)
		t.relayout(r, vm)
		t.refresh(vm)
		return nil
	})
	return &types.ConsolidateVMDisks_TaskResponse{Returnval: ref}, nil
}
