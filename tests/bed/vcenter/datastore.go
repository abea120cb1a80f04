package main

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Datastores: their names inside every path, who mounts them, and what happens to
// machines whose datastore is out of reach.

func registerDatastores(t *Twin) {
	t.Handle("Rename_Task", "Datastore", renameDatastoreTask)
	t.Handle("RenameDatastore", "Datastore", renameDatastoreCall)
	t.Handle("Destroy_Task", "Datastore", destroyDatastore)
	t.Handle("DestroyDatastore", "Datastore", destroyDatastoreCall)
}

// renameDatastoreTask models Rename_Task on a datastore. Documented: DuplicateName
// and InvalidName.
func renameDatastoreTask(c *Call, req any) (any, error) {
	name := req.(*types.Rename_Task).NewName
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		return nil, tc.renameDatastore(name)
	})
	return &types.Rename_TaskResponse{Returnval: ref}, nil
}

// renameDatastoreCall models RenameDatastore, the deprecated form that is no task.
// Documented: the same faults.
func renameDatastoreCall(c *Call, req any) (any, error) {
	if err := c.renameDatastore(req.(*types.RenameDatastore).NewName); err != nil {
		return nil, err
	}
	return &types.RenameDatastoreResponse{}, nil
}

// renameDatastore changes a datastore's name everywhere.
//
// Documented (Datastore): all references to files are datastore paths, which begin
// with the datastore's name; so those of the machines on it change too (inferred).
func (c *Call) renameDatastore(asked string) error {
	ds, ok := c.Ctx.Map.Get(c.This).(*simulator.Datastore)
	if !ok {
		return notFound(c.This)
	}
	name := escapeName(asked)
	if folder, err := folderOf(c.Ctx.Map, *ds.Parent); err == nil {
		if err := c.claimName(folder, name, c.This); err != nil {
			return err
		}
	}
	before := ds.Name
	ds.Name, ds.Summary.Name = name, name
	ds.Info.GetDatastoreInfo().Name = name
	for _, ref := range ds.Vm {
		if vm, ok := c.Ctx.Map.Get(ref).(*simulator.VirtualMachine); ok {
			c.Twin.renamePaths(vm, before, name)
		}
	}
	c.Twin.Touch(c.This)
	c.post(&types.DatastoreRenamedEvent{
		DatastoreEvent: types.DatastoreEvent{
			Event:     types.Event{Datacenter: c.datacenterArgument(c.This)},
			Datastore: &types.DatastoreEventArgument{EntityEventArgument: types.EntityEventArgument{Name: name}, Datastore: c.This},
		},
		OldName: before, NewName: name,
	})
	return nil
}

// renamePaths gives the files of a machine the new name of their datastore.
func (t *Twin) renamePaths(vm *simulator.VirtualMachine, before, after string) {
	if vm.Config == nil {
		return // nobody can read the paths now
	}
	config := cloneValue(vm.Config)
	rename := func(path *string) {
		if rest, on := strings.CutPrefix(*path, "["+before+"]"); on {
			*path = "[" + after + "]" + rest
		}
	}
	files := &config.Files
	for _, path := range []*string{&files.VmPathName, &files.SnapshotDirectory, &files.SuspendDirectory, &files.LogDirectory} {
		rename(path)
	}
	for _, device := range config.Hardware.Device {
		if backing, ok := device.GetVirtualDevice().Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
			rename(&backing.GetVirtualDeviceFileBackingInfo().FileName)
		}
	}
	t.stampConfig(config)
	vm.Config = config
	t.refresh(vm)
}

// destroyDatastore models Destroy_Task on a datastore. Documented: it can be removed
// only if no host has it mounted, and datastores vanish by themselves then; so this
// is ResourceInUse, as DestroyDatastore says of itself.
func destroyDatastore(c *Call, _ any) (any, error) {
	ref := c.failedTask(c.This, descriptionID(c.This.Type, c.Method), NewFault(&types.ResourceInUse{Type: "Datastore", Name: c.Twin.nameOf(c.This)}))
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}

// destroyDatastoreCall models DestroyDatastore. Documented: it throws ResourceInUse.
func destroyDatastoreCall(c *Call, _ any) (any, error) {
	return nil, NewFault(&types.ResourceInUse{Type: "Datastore", Name: c.Twin.nameOf(c.This)})
}

// mountDatastore enters a host among those that have a datastore.
func (t *Twin) mountDatastore(ds *simulator.Datastore, host types.ManagedObjectReference) {
	for _, mount := range ds.Host {
		if mount.Key == host {
			return
		}
	}
	ds.Host = append(ds.Host, types.DatastoreHostMount{Key: host, MountInfo: types.HostMountInfo{
		AccessMode: string(types.HostMountModeReadWrite),
		Mounted:    types.NewBool(true), Accessible: types.NewBool(ds.Summary.Accessible),
	}})
	t.Touch(ds.Self)
}

// unmountDatastore is the reverse. Documented: a datastore vanishes when no host has
// it mounted; that machines on it keep it in the inventory is inferred.
func (t *Twin) unmountDatastore(ds *simulator.Datastore, host types.ManagedObjectReference) {
	kept := make([]types.DatastoreHostMount, 0, len(ds.Host))
	for _, mount := range ds.Host {
		if mount.Key != host {
			kept = append(kept, mount)
		}
	}
	ds.Host = kept
	t.Touch(ds.Self)
	if len(kept) == 0 && len(ds.Vm) == 0 {
		ctx := t.newContext(nil)
		if dc := datacenterOf(t.registry(), ds.Self); dc != nil {
			simulator.RemoveReference(&dc.Datastore, ds.Self)
		}
		t.removeChild(ctx, ds)
	}
}

// setDatastoreAccess makes a datastore reachable or not.
//
// Documented (DatastoreSummary.accessible, HostMountInfo.accessible): the connectivity
// of the datastore, and of each mount with a reason; machines whose files cannot be
// read are inaccessible.
func (t *Twin) setDatastoreAccess(ds *simulator.Datastore, accessible bool) {
	ds.Summary.Accessible = accessible
	mounts := cloneValue(ds.Host)
	for i := range mounts {
		mounts[i].MountInfo.Accessible = types.NewBool(accessible)
		mounts[i].MountInfo.InaccessibleReason = ""
		if !accessible {
			mounts[i].MountInfo.InaccessibleReason = string(types.HostMountInfoInaccessibleReasonAllPathsDown_Start)
		}
	}
	ds.Host = mounts
	t.Touch(ds.Self)
	for _, ref := range ds.Vm {
		if vm, ok := t.registry().Get(ref).(*simulator.VirtualMachine); ok {
			t.settleMachine(vm)
		}
	}
}
