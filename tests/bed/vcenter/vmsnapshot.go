package main

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Taking snapshots. A snapshot is an object of its own that keeps the machine's
// configuration; the tree in VirtualMachine.snapshot says how snapshots hang
// together and which power state each goes back to.

func registerSnapshots(t *Twin) {
	t.Handle("CreateSnapshot_Task", "VirtualMachine", createSnapshot)
	t.Handle("CreateSnapshotEx_Task", "VirtualMachine", createSnapshotEx)
	t.Handle("RevertToSnapshot_Task", "VirtualMachineSnapshot", revertToSnapshot)
	t.Handle("RevertToCurrentSnapshot_Task", "VirtualMachine", revertToCurrentSnapshot)
	t.Handle("RemoveSnapshot_Task", "VirtualMachineSnapshot", removeSnapshot)
	t.Handle("RemoveAllSnapshots_Task", "VirtualMachine", removeAllSnapshots)
	t.Handle("RenameSnapshot", "VirtualMachineSnapshot", renameSnapshot)
	t.Handle("ConsolidateVMDisks_Task", "VirtualMachine", consolidateDisks)
	t.Handle("PromoteDisks_Task", "VirtualMachine", promoteDisks)
}

// snapshotMemo is what the twin remembers of a machine's snapshots beside the tree.
type snapshotMemo struct {
	lastID  int32  // ids grow and are not given out again
	version string // config.changeVersion right after the last snapshot
}

func (inv *inventory) snapshotsOf(vm types.ManagedObjectReference) *snapshotMemo {
	memo, ok := inv.snapshots[vm]
	if !ok {
		memo = &snapshotMemo{}
		inv.snapshots[vm] = memo
	}
	return memo
}

// snapshotRequest is what both calls ask for.
type snapshotRequest struct {
	name, description string
	memory, quiesce   bool
}

// createSnapshot models CreateSnapshot_Task. Documented: the result is the new
// snapshot, which becomes the current one; its name need not be unique.
func createSnapshot(c *Call, req any) (any, error) {
	r := req.(*types.CreateSnapshot_Task)
	ref := c.takeSnapshot(snapshotRequest{r.Name, r.Description, r.Memory, r.Quiesce})
	return &types.CreateSnapshot_TaskResponse{Returnval: ref}, nil
}

// createSnapshotEx models CreateSnapshotEx_Task. Documented: as CreateSnapshot_Task
// with quiesceSpec for quiesce; InvalidArgument for an invalid spec, whose timeout
// is 5 to 240 minutes.
func createSnapshotEx(c *Call, req any) (any, error) {
	r := req.(*types.CreateSnapshotEx_Task)
	asked := snapshotRequest{name: r.Name, description: r.Description, memory: r.Memory, quiesce: r.QuiesceSpec != nil}
	if asked.quiesce {
		const property = "quiesceSpec.timeout"
		if minutes := r.QuiesceSpec.GetVirtualMachineGuestQuiesceSpec().Timeout; minutes != 0 && (minutes < 5 || minutes > 240) {
			id := descriptionID(c.This.Type, c.Method)
			task := c.failedTask(c.This, id, NewFault(&types.InvalidArgument{InvalidProperty: property}))
			return &types.CreateSnapshotEx_TaskResponse{Returnval: task}, nil
		}
	}
	return &types.CreateSnapshotEx_TaskResponse{Returnval: c.takeSnapshot(asked)}, nil
}

func (c *Call) takeSnapshot(asked snapshotRequest) types.ManagedObjectReference {
	return c.machineTask(func(tc *TaskContext) (any, error) {
		vm, err := machineOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if err := tc.checkSnapshot(vm, asked); err != nil {
			return nil, err
		}
		return tc.putSnapshot(vm, asked), nil
	})
}

// putSnapshot keeps the configuration in a new snapshot and goes on with new deltas.
//
// Documented: without memory the snapshot's power state is poweredOff; a suspended
// machine is always kept with its memory; quiesce is ignored when the machine is
// off or its Tools do not run. Inferred: memory of a machine that is off is ignored
// in the same way, and changeVersion changes, since the disks' files do.
func (c *Call) putSnapshot(vm *simulator.VirtualMachine, asked snapshotRequest) types.ManagedObjectReference {
	t, r := c.Twin, c.Ctx.Map
	memo := t.inventory.snapshotsOf(vm.Self)
	memo.lastID++
	snapshot := &simulator.VirtualMachineSnapshot{VirtualMachineSnapshot: mo.VirtualMachineSnapshot{
		Vm: vm.Self, Config: *cloneValue(vm.Config),
	}}
	r.Put(snapshot)
	node := types.VirtualMachineSnapshotTree{
		Snapshot: snapshot.Self, Vm: vm.Self, Name: escapeName(asked.name), Description: asked.description,
		Id: memo.lastID, CreateTime: t.now(), State: poweredOff, ReplaySupported: types.NewBool(false),
	}
	switch {
	case vm.Runtime.PowerState == suspended:
		node.State = suspended
	case vm.Runtime.PowerState == poweredOn:
		node.Quiesced = asked.quiesce && toolsRun(vm)
		if asked.memory {
			node.State = poweredOn
		}
	}
	info := &types.VirtualMachineSnapshotInfo{}
	if vm.Snapshot != nil {
		info = cloneValue(vm.Snapshot)
	}
	parent := (*types.VirtualMachineSnapshotTree)(nil)
	if info.CurrentSnapshot != nil {
		parent = findSnapshot(info.RootSnapshotList, *info.CurrentSnapshot)
	}
	if parent == nil {
		info.RootSnapshotList = append(info.RootSnapshotList, node)
	} else {
		parent.ChildSnapshotList = append(parent.ChildSnapshotList, node)
	}
	info.CurrentSnapshot = &snapshot.Self

	config := cloneValue(vm.Config)
	addDeltas(config, filesOf(t.configsOf(r, vm)))
	t.stampConfig(config)
	memo.version = config.ChangeVersion
	vm.Config = config
	t.setSnapshots(r, vm, info)
	t.refresh(vm)
	return snapshot.Self
}

// setSnapshots shows a machine's snapshots everywhere: the tree, its roots, and the
// children of each. Documented: VirtualMachine.snapshot is unset without snapshots.
func (t *Twin) setSnapshots(r *simulator.Registry, vm *simulator.VirtualMachine, info *types.VirtualMachineSnapshotInfo) {
	if info == nil || len(info.RootSnapshotList) == 0 {
		vm.Snapshot, vm.RootSnapshot = nil, nil
	} else {
		vm.Snapshot, vm.RootSnapshot = info, snapshotRefs(info.RootSnapshotList)
		for _, node := range listSnapshots(info.RootSnapshotList) {
			if s, ok := r.Get(node.Snapshot).(*simulator.VirtualMachineSnapshot); ok {
				s.ChildSnapshot = snapshotRefs(node.ChildSnapshotList)
				t.Touch(s.Self)
			}
		}
	}
	t.relayout(r, vm)
}

func toolsRun(vm *simulator.VirtualMachine) bool {
	return vm.Guest != nil && vm.Guest.ToolsRunningStatus == string(types.VirtualMachineToolsRunningStatusGuestToolsRunning)
}

// snapshotFile is the path of a snapshot's files without extension. Observed on
// real datastores: name-Snapshot1.vmsn in the machine's directory.
func snapshotFile(vm *simulator.VirtualMachine, node *types.VirtualMachineSnapshotTree) string {
	return beside(vm.Config, fmt.Sprintf("-Snapshot%d", node.Id))
}

// snapshotOf returns a snapshot and its machine.
func snapshotOf(r *simulator.Registry, ref types.ManagedObjectReference) (*simulator.VirtualMachineSnapshot, *simulator.VirtualMachine, error) {
	s, ok := r.Get(ref).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return nil, nil, notFound(ref)
	}
	vm, err := machineOf(r, s.Vm)
	return s, vm, err
}
