package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Resource pools: what moves into them, and what becomes of their content.

func registerPools(t *Twin) {
	t.Handle("MoveIntoResourcePool", "ResourcePool", moveIntoPool)
	t.Handle("Destroy_Task", "ResourcePool", destroyPool)
}

// moveIntoPool models MoveIntoResourcePool, which is no task.
//
// Documented: what moves must belong to the cluster or stand-alone host of the
// pool; one after another, and a failure ends it there; DuplicateName when the pool
// has a child pool of that name, InvalidArgument when an ancestor of the pool is in
// the list; the root resource pool cannot be moved. Inferred: the faults for another
// cluster and for a root pool, InvalidArgument and NotSupported.
func moveIntoPool(c *Call, req any) (any, error) {
	for _, ref := range req.(*types.MoveIntoResourcePool).List {
		if err := c.moveOneIntoPool(ref); err != nil {
			return nil, err
		}
	}
	return &types.MoveIntoResourcePoolResponse{}, nil
}

func (c *Call) moveOneIntoPool(ref types.ManagedObjectReference) error {
	r, target := c.Ctx.Map, poolOf(c.Ctx.Map, &c.This)
	elsewhere := NewFault(&types.InvalidArgument{InvalidProperty: "list"})
	switch e := r.Get(ref).(type) {
	case *simulator.VirtualMachine:
		if from := poolOf(r, e.ResourcePool); from == nil || from.Owner != target.Owner {
			return elsewhere
		}
		c.Twin.changePool(r, e, &c.This)
	case *simulator.ResourcePool:
		switch {
		case isCompute(e.Parent.Type):
			return NewFault(&types.NotSupported{})
		case e.Owner != target.Owner, c.isBelow(c.This, ref):
			return elsewhere
		}
		if holder := poolNamed(r, target, e.Name, ref); holder != nil {
			return NewFault(&types.DuplicateName{Name: e.Name, Object: *holder})
		}
		if from := poolOf(r, e.Parent); from != nil {
			simulator.RemoveReference(&from.ResourcePool, ref)
			c.Twin.Touch(from.Self)
		}
		addReference(&target.ResourcePool, ref)
		e.Parent = &types.ManagedObjectReference{Type: c.This.Type, Value: c.This.Value}
	case nil:
		return notFound(ref)
	default:
		return notModelled(c.Method, ref)
	}
	c.Twin.Touch(ref, c.This)
	c.Twin.watchers.moved()
	return nil
}

// ownPool gives a pool what the simulator shares among all of them: the summary with
// its name, and the configuration, which tells whose it is (ResourceConfigSpec.entity).
func ownPool(pool *simulator.ResourcePool) {
	pool.Summary = cloneValue(pool.Summary)
	pool.Summary.GetResourcePoolSummary().Name = pool.Name
	self := pool.Self
	pool.Config.Entity = &self
}

// poolNamed finds a child pool by name, other than `except`.
func poolNamed(r *simulator.Registry, pool *mo.ResourcePool, name string, except types.ManagedObjectReference) *types.ManagedObjectReference {
	for _, ref := range pool.ResourcePool {
		if e, ok := r.Get(ref).(mo.Entity); ok && ref != except && e.Entity().Name == name {
			return &ref
		}
	}
	return nil
}

func isCompute(kind string) bool {
	return kind == "ComputeResource" || kind == "ClusterComputeResource"
}

// destroyPool models Destroy_Task on a resource pool.
//
// Documented (ResourcePool): its machines go to the parent pool, and InvalidType for
// the root pool of a compute resource. Inferred: child pools go to the parent too.
func destroyPool(c *Call, _ any) (any, error) {
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		r := tc.Ctx.Map
		pool, ok := r.Get(c.This).(*simulator.ResourcePool)
		if !ok {
			return nil, notFound(c.This)
		}
		parent := poolOf(r, pool.Parent)
		if parent == nil {
			return nil, NewFault(&types.InvalidType{Argument: "ResourcePool"})
		}
		for _, child := range pool.ResourcePool.ResourcePool {
			if e, ok := r.Get(child).(mo.Entity); ok {
				e.Entity().Parent = &types.ManagedObjectReference{Type: parent.Self.Type, Value: parent.Self.Value}
				addReference(&parent.ResourcePool, child)
				tc.Twin.Touch(child)
			}
		}
		for _, ref := range append([]types.ManagedObjectReference(nil), pool.Vm...) {
			if vm, ok := r.Get(ref).(*simulator.VirtualMachine); ok {
				tc.Twin.changePool(r, vm, &parent.Self)
			}
		}
		simulator.RemoveReference(&parent.ResourcePool, c.This)
		r.Remove(tc.Ctx, c.This)
		tc.Twin.Touch(parent.Self)
		tc.Twin.watchers.moved()
		return nil, nil
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}
