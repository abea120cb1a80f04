package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Folders and names: the stock simulator renames, moves and deletes past the rules
// for what is inside.

func registerFolders(t *Twin) {
	for _, kind := range []string{"Folder", "Datacenter", "ClusterComputeResource", "ComputeResource", "ResourcePool"} {
		t.Handle("Rename_Task", kind, renameEntity)
	}
	t.Handle("Rename_Task", "HostSystem", renameHost)
	t.Handle("CreateFolder", "Folder", createFolder)
	t.Handle("CreateDatacenter", "Folder", createDatacenter)
	t.Handle("Destroy_Task", "Folder", destroyFolder)
	t.Handle("MoveIntoFolder_Task", "Folder", moveIntoFolder)
}

// createFolder models CreateFolder, which is no task.
//
// Documented: DuplicateName and InvalidName; slash, backslash and percent are
// escaped, a percent that starts an escape sequence is not; the new folder takes
// what its parent takes.
func createFolder(c *Call, req any) (any, error) {
	parent, err := folderOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	name := escapeName(req.(*types.CreateFolder).Name)
	if err := c.claimName(parent, name, types.ManagedObjectReference{}); err != nil {
		return nil, err
	}
	folder := &simulator.Folder{}
	c.Ctx.Map.NewEntity(folder)
	folder.Name = name
	folder.ChildType = parent.ChildType
	parent.ChildEntity = append(parent.ChildEntity, folder.Self)
	c.Ctx.Map.PutEntity(parent, folder)
	c.Twin.Touch(parent.Self)
	return &types.CreateFolderResponse{Returnval: folder.Self}, nil
}

// createDatacenter models CreateDatacenter, which is no task. Documented:
// DuplicateName, InvalidName, NotSupported in a folder that takes no datacenters; a
// Network comes with the first host that has it, so the one that stock puts into each
// datacenter goes.
func createDatacenter(c *Call, req any) (any, error) {
	r := req.(*types.CreateDatacenter)
	parent, err := folderOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	if !takes(parent, "Datacenter") {
		return nil, NewFault(&types.NotSupported{})
	}
	asked := *r
	asked.Name = escapeName(r.Name)
	if err := c.claimName(parent, asked.Name, types.ManagedObjectReference{}); err != nil {
		return nil, err
	}
	res, err := c.CallStock(&asked)
	if err != nil {
		return nil, err
	}
	dc := c.Ctx.Map.Get(res.(*types.CreateDatacenterResponse).Returnval).(*simulator.Datacenter)
	for _, ref := range slices.Clone(dc.Network) {
		c.Twin.dropUnusedNetwork(c.Ctx, networkByRef(c.Ctx.Map, ref))
	}
	return res, nil
}

// renameEntity models Rename_Task on an entity that has no second name.
// Documented: DuplicateName and InvalidName. A datacenter's own four folders cannot
// be renamed (documented); that NotSupported is the fault is inferred.
func renameEntity(c *Call, req any) (any, error) {
	name := escapeName(req.(*types.Rename_Task).NewName)
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		e, err := tc.Entity(c.This)
		if err != nil {
			return nil, err
		}
		if err := tc.checkRename(e, name); err != nil {
			return nil, err
		}
		e.Entity().Name = name
		if pool, ok := e.(*simulator.ResourcePool); ok {
			pool.Summary.GetResourcePoolSummary().Name = name
		}
		tc.Twin.Touch(c.This)
		return nil, nil
	})
	return &types.Rename_TaskResponse{Returnval: ref}, nil
}

func (c *Call) checkRename(e mo.Entity, name string) error {
	parent := e.Entity().Parent
	switch {
	case parent == nil, c.This.Type == "Folder" && parent.Type == "Datacenter":
		return NewFault(&types.NotSupported{})
	case parent.Type == "Folder":
		folder, err := folderOf(c.Ctx.Map, *parent)
		if err != nil {
			return err
		}
		return c.claimName(folder, name, c.This)
	}
	if pool := poolOf(c.Ctx.Map, parent); pool != nil {
		if holder := poolNamed(c.Ctx.Map, pool, name, c.This); holder != nil {
			return NewFault(&types.DuplicateName{Name: name, Object: *holder})
		}
	}
	return checkName(name)
}

// renameHost models Rename_Task on a host: its name is its address. Inferred:
// NotSupported, since no client of vSphere offers it.
func renameHost(c *Call, _ any) (any, error) {
	ref := c.failedTask(c.This, descriptionID(c.This.Type, c.Method), NewFault(&types.NotSupported{}))
	return &types.Rename_TaskResponse{Returnval: ref}, nil
}

// destroyFolder models Destroy_Task on a folder.
//
// Documented: the machines of a machine folder are destroyed, one after another, and
// one that is on ends it (InvalidPowerState); hosts, compute resources and
// datacenters in a folder leave the inventory as they are; network and datastore
// folders can be removed only if they are empty; the four folders of a datacenter
// stay. Inferred: ResourceInUse and NotSupported are the faults of the last two, and
// that a machine that is on is found before anything is destroyed.
func destroyFolder(c *Call, _ any) (any, error) {
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		folder, err := folderOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if folder.Parent == nil || folder.Parent.Type == "Datacenter" {
			return nil, NewFault(&types.NotSupported{})
		}
		if takes(folder, "Network") || takes(folder, "Datastore") {
			if len(folder.ChildEntity) > 0 {
				return nil, NewFault(&types.ResourceInUse{Type: "Folder", Name: folder.Name})
			}
		}
		if takes(folder, "ComputeResource") || takes(folder, "Datacenter") {
			tc.removeTree(c.This)
			tc.Twin.watchers.moved()
			return nil, nil
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

// moveIntoFolder models MoveIntoFolder_Task.
//
// Documented: the entities are moved one after another, and a failure leaves the
// rest where it is; DuplicateName when the folder has a child of that name,
// InvalidFolder when a folder would become its own ancestor, NotSupported for what
// the folder does not take; a host that moves into a folder of hosts becomes a
// stand-alone one, see hostmove.go.
func moveIntoFolder(c *Call, req any) (any, error) {
	list := req.(*types.MoveIntoFolder_Task).List
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		for _, ref := range list {
			target, err := folderOf(tc.Ctx.Map, c.This)
			if err != nil {
				return nil, err
			}
			if err := tc.moveOneIntoFolder(target, ref); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	return &types.MoveIntoFolder_TaskResponse{Returnval: ref}, nil
}

func (tc *TaskContext) moveOneIntoFolder(target *mo.Folder, ref types.ManagedObjectReference) error {
	e, err := tc.Entity(ref)
	if err != nil {
		return err
	}
	if host, ok := e.(*simulator.HostSystem); ok && takes(target, "ComputeResource") {
		return tc.standAlone(host, target)
	}
	parent := e.Entity().Parent
	switch {
	case parent == nil, !tc.fits(target, e), ref.Type == "Folder" && parent.Type == "Datacenter":
		return NewFault(&types.NotSupported{})
	case tc.isBelow(target.Self, ref):
		return NewFault(&types.InvalidFolder{Target: target.Self})
	case *parent == target.Self:
		return nil
	}
	if err := tc.claimName(target, entityName(e), ref); err != nil {
		return err
	}
	if old, err := folderOf(tc.Ctx.Map, *parent); err == nil {
		simulator.RemoveReference(&old.ChildEntity, ref)
		tc.Twin.Touch(old.Self)
	}
	addReference(&target.ChildEntity, ref)
	e.Entity().Parent = &types.ManagedObjectReference{Type: target.Self.Type, Value: target.Self.Value}
	tc.Twin.Touch(ref, target.Self)
	tc.Twin.watchers.moved()
	return nil
}

// fits tells whether a folder takes an entity: of a type it lists, or a folder that
// lists the same. Inferred: and of the same datacenter, since nothing here moves
// files or hosts to another one.
func (c *Call) fits(target *mo.Folder, e mo.Entity) bool {
	r, ref := c.Ctx.Map, e.Reference()
	if datacenterOf(r, target.Self) != datacenterOf(r, ref) && ref.Type != "Datacenter" {
		return false
	}
	if folder, err := folderOf(r, ref); err == nil {
		return slices.Equal(folder.ChildType, target.ChildType)
	}
	return takes(target, ref.Type)
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
