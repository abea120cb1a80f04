package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Folders: renaming and deleting them, since the stock simulator does both past
// the rules for what is inside.

func registerFolders(t *Twin) {
	for _, kind := range []string{"Folder", "Datacenter", "ClusterComputeResource", "ComputeResource", "ResourcePool"} {
		t.Handle("Rename_Task", kind, renameEntity)
	}
	t.Handle("Destroy_Task", "Folder", destroyFolder)
	t.Handle("MoveIntoFolder_Task", "Folder", moveIntoFolder)
}

// renameEntity models Rename_Task on an entity that has no second name.
// Documented: DuplicateName and InvalidName.
func renameEntity(c *Call, req any) (any, error) {
	name := escapeName(req.(*types.Rename_Task).NewName)
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		e, err := tc.Entity(c.This)
		if err != nil {
			return nil, err
		}
		if parent := e.Entity().Parent; parent != nil && parent.Type == "Folder" {
			folder, err := folderOf(tc.Ctx.Map, *parent)
			if err != nil {
				return nil, err
			}
			if err := tc.claimName(folder, name, c.This); err != nil {
				return nil, err
			}
		} else if err := checkName(name); err != nil {
			return nil, err
		}
		e.Entity().Name = name
		tc.Twin.Touch(c.This)
		return nil, nil
	})
	return &types.Rename_TaskResponse{Returnval: ref}, nil
}

// destroyFolder models Destroy_Task on a folder of virtual machines.
//
// Documented: the contents are destroyed recursively, and a machine that is on
// keeps the folder (InvalidPowerState). Other kinds of content are not modelled.
func destroyFolder(c *Call, _ any) (any, error) {
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		folder, err := folderOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if folder.Parent == nil || folder.Parent.Type == "Datacenter" {
			return nil, NewFault(&types.NotSupported{}) // documented: a root folder cannot be deleted
		}
		content, err := tc.contentOf(folder)
		if err != nil {
			return nil, err
		}
		for _, e := range content {
			if vm, ok := e.(*simulator.VirtualMachine); ok {
				if err := tc.removeMachine(vm.Self); err != nil {
					return nil, err
				}
				continue
			}
			tc.Twin.removeChild(tc.Ctx, e)
		}
		tc.Twin.removeChild(tc.Ctx, tc.Ctx.Map.Get(c.This).(mo.Entity))
		return nil, nil
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}

// contentOf lists what is below a folder, deepest first, if all of it can go.
func (c *Call) contentOf(folder *mo.Folder) ([]mo.Entity, error) {
	var out []mo.Entity
	for _, ref := range folder.ChildEntity {
		switch e := c.Ctx.Map.Get(ref).(type) {
		case *simulator.VirtualMachine:
			if e.Runtime.PowerState == poweredOn {
				return nil, invalidPowerState(poweredOff, poweredOn)
			}
			out = append(out, e)
		case *simulator.Folder:
			below, err := c.contentOf(&e.Folder)
			if err != nil {
				return nil, err
			}
			out = append(append(out, below...), e)
		default:
			return nil, notModelled(c.Method, ref)
		}
	}
	return out, nil
}

// moveIntoFolder models MoveIntoFolder_Task for machines and folders.
//
// Documented: DuplicateName when the folder has a child of that name, InvalidFolder
// when a folder would become its own ancestor. Inferred: all or nothing.
func moveIntoFolder(c *Call, req any) (any, error) {
	list := req.(*types.MoveIntoFolder_Task).List
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		target, err := folderOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		moved := make([]mo.Entity, 0, len(list))
		for _, ref := range list {
			e, err := tc.Entity(ref)
			if err != nil {
				return nil, err
			}
			if ref.Type != "VirtualMachine" && ref.Type != "Folder" {
				return nil, notModelled(c.Method, ref)
			}
			if err := tc.claimName(target, entityName(e), ref); err != nil {
				return nil, err
			}
			if tc.isBelow(target.Self, ref) {
				return nil, NewFault(&types.InvalidFolder{Target: target.Self})
			}
			moved = append(moved, e)
		}
		for _, e := range moved {
			ref := e.Reference()
			if old, err := folderOf(tc.Ctx.Map, *e.Entity().Parent); err == nil {
				simulator.RemoveReference(&old.ChildEntity, ref)
				tc.Twin.Touch(old.Self)
			}
			addReference(&target.ChildEntity, ref)
			e.Entity().Parent = &target.Self
			tc.Twin.Touch(ref, target.Self)
		}
		tc.Twin.watchers.moved()
		return nil, nil
	})
	return &types.MoveIntoFolder_TaskResponse{Returnval: ref}, nil
}

// isBelow tells whether an entity is another one or inside it.
func (c *Call) isBelow(ref, ancestor types.ManagedObjectReference) bool {
	for {
		if ref == ancestor {
			return true
		}
		e, ok := c.Ctx.Map.Get(ref).(mo.Entity)
		if !ok || e.Entity().Parent == nil {
			return false
		}
		ref = *e.Entity().Parent
	}
}
