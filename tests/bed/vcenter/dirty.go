package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Touch marks objects as possibly changed. The property collectors look only at
// marked objects, so whoever changes an object outside a handler's This, arguments
// or result has to touch it. Safe from any goroutine; never blocks on the world.
func (t *Twin) Touch(refs ...types.ManagedObjectReference) {
	for _, ref := range refs {
		t.watchers.touch(ref)
	}
}

// registryHook hears of everything the stock registry adds, updates and removes,
// so that changes made deep inside stock code are seen too.
type registryHook struct{ t *Twin }

var _ simulator.RegisterObject = (*registryHook)(nil)

func (h *registryHook) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "TwinRegistryHook", Value: "twin"}
}

// PutObject is called for each new object.
func (h *registryHook) PutObject(_ *simulator.Context, obj mo.Reference) {
	if task, ok := obj.(*simulator.Task); ok {
		h.t.adoptStockTask(task)
	}
	h.t.born(obj)
}

// UpdateObject is called for each change that stock code announces.
func (h *registryHook) UpdateObject(_ *simulator.Context, obj mo.Reference, _ []types.PropertyChange) {
	h.t.Touch(obj.Reference())
}

// RemoveObject is called before an object leaves the registry.
func (h *registryHook) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	h.t.died(ref)
}
