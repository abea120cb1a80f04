package main

import (
	"github.com/vmware/govmomi/vim25/types"
)

// The tree of a machine's snapshots as VirtualMachine.snapshot shows it. Pure
// functions; whoever changes a tree works on a copy of it.

type snapshotTrees = []types.VirtualMachineSnapshotTree

// findSnapshot returns the node of a snapshot, or nil.
func findSnapshot(trees snapshotTrees, ref types.ManagedObjectReference) *types.VirtualMachineSnapshotTree {
	for i := range trees {
		if trees[i].Snapshot == ref {
			return &trees[i]
		}
		if below := findSnapshot(trees[i].ChildSnapshotList, ref); below != nil {
			return below
		}
	}
	return nil
}

// parentSnapshot returns the snapshot that another one was taken on, or nil for a root.
func parentSnapshot(trees snapshotTrees, ref types.ManagedObjectReference) *types.ManagedObjectReference {
	for i := range trees {
		for _, child := range trees[i].ChildSnapshotList {
			if child.Snapshot == ref {
				return &trees[i].Snapshot
			}
		}
		if above := parentSnapshot(trees[i].ChildSnapshotList, ref); above != nil {
			return above
		}
	}
	return nil
}

// snapshotLevel counts the snapshots from the root down to one, itself included.
func snapshotLevel(trees snapshotTrees, ref *types.ManagedObjectReference) int {
	level := 0
	for ref != nil {
		level++
		ref = parentSnapshot(trees, *ref)
	}
	return level
}

// listSnapshots lists the nodes of a tree, parents first.
func listSnapshots(trees snapshotTrees) []*types.VirtualMachineSnapshotTree {
	var out []*types.VirtualMachineSnapshotTree
	for i := range trees {
		out = append(out, &trees[i])
		out = append(out, listSnapshots(trees[i].ChildSnapshotList)...)
	}
	return out
}

func snapshotRefs(trees snapshotTrees) []types.ManagedObjectReference {
	var out []types.ManagedObjectReference
	for i := range trees {
		out = append(out, trees[i].Snapshot)
	}
	return out
}

// dropSnapshot takes a snapshot out of a tree, with everything below it or so that
// its children move up to its parent. It returns the snapshots that are gone.
//
// Documented: RemoveSnapshot_Task, "removeChildren: removal of the entire snapshot
// subtree".
func dropSnapshot(trees snapshotTrees, ref types.ManagedObjectReference, withChildren bool) (kept snapshotTrees, gone []types.ManagedObjectReference) {
	for _, node := range trees {
		if node.Snapshot != ref {
			below, lost := dropSnapshot(node.ChildSnapshotList, ref, withChildren)
			node.ChildSnapshotList = below
			kept, gone = append(kept, node), append(gone, lost...)
			continue
		}
		gone = append(gone, ref)
		if withChildren {
			for _, child := range listSnapshots(node.ChildSnapshotList) {
				gone = append(gone, child.Snapshot)
			}
			continue
		}
		kept = append(kept, node.ChildSnapshotList...)
	}
	return kept, gone
}
