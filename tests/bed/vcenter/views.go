package main

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// View is a ListView or a ContainerView of one session. A ListView holds what its
// client put in; a ContainerView computes its content when somebody looks after the
// inventory changed, so creating a thousand objects costs one walk, not a thousand.
type View struct {
	t         *Twin
	session   *Session // whose permissions decide what is in the view
	self      types.ManagedObjectReference
	container *types.ManagedObjectReference // nil: a ListView
	kinds     []string
	recursive bool
	opened    map[types.ManagedObjectReference]bool // of an InventoryView, guarded by mu

	stale atomic.Bool // the content has to be computed anew

	mu   sync.Mutex
	refs []types.ManagedObjectReference
	have map[types.ManagedObjectReference]struct{} // of a ListView
	log  viewLog

	destroyed bool
}

// content lists the view's objects. The world is held, for reading at least.
func (v *View) content(t *Twin) []types.ManagedObjectReference {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.container != nil && v.stale.Swap(false) {
		// Mostly nothing has moved: then whoever follows the log need not compare everything.
		if fresh := v.collect(t); !sameObjects(v.refs, fresh) {
			v.refs = fresh
			v.log.forget()
		}
	}
	if eyes := t.viewer(v.session); !eyes.everything && v.container == nil {
		return eyes.seen(v.refs) // a client's list keeps what it may not see now, and may see again
	}
	return v.refs
}

// sameObjects tells whether two lists without repetitions hold the same, in any order.
func sameObjects(a, b []types.ManagedObjectReference) bool {
	if len(a) != len(b) {
		return false
	}
	if slices.Equal(a, b) {
		return true
	}
	in := make(map[types.ManagedObjectReference]struct{}, len(a))
	for _, ref := range a {
		in[ref] = struct{}{}
	}
	return !slices.ContainsFunc(b, func(ref types.ManagedObjectReference) bool {
		_, ok := in[ref]
		return !ok
	})
}

// hidden makes the view look again at what its session may see.
func (v *View) hidden() {
	v.stale.Store(v.container != nil)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.log.forget()
}

// properties is the view as a managed object.
func (v *View) properties(t *Twin) any {
	refs := v.content(t)
	if v.opened != nil {
		return &mo.InventoryView{ManagedObjectView: mo.ManagedObjectView{Self: v.self, View: refs}}
	}
	if v.container == nil {
		return &mo.ListView{ManagedObjectView: mo.ManagedObjectView{Self: v.self, View: refs}}
	}
	return &mo.ContainerView{
		ManagedObjectView: mo.ManagedObjectView{Self: v.self, View: refs},
		Container:         *v.container, Type: v.kinds, Recursive: v.recursive,
	}
}

// byParent tells whether the container is one that its content has as an ancestor.
// Pools, hosts and compute resources show machines, whose parent is a folder.
func (v *View) byParent() bool {
	return v.container.Type == "Folder" || v.container.Type == "Datacenter" || v.container.Type == "StoragePod"
}

// admit appends a new entity if it lies below the container.
func (v *View) admit(ref types.ManagedObjectReference, ancestors []types.ManagedObjectReference) bool {
	if v.opened != nil {
		return !v.stale.Swap(true) // what is open decides; look again
	}
	if !v.recursive && len(ancestors) > 1 {
		ancestors = ancestors[:1]
	}
	if v.stale.Load() || !slices.Contains(ancestors, *v.container) || !v.wants(ref.Type) {
		return false
	}
	if !v.t.viewer(v.session).everything {
		v.stale.Store(true) // what a new object inherits is known when it is complete
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if slices.Contains(v.refs, ref) {
		return false
	}
	v.refs = append(v.refs, ref)
	v.log.note(ref, true)
	return true
}

// wants tells whether the view is about objects of a type.
func (v *View) wants(kind string) bool {
	return len(v.kinds) == 0 || slices.ContainsFunc(v.kinds, func(k string) bool { return isA(kind, k) })
}

// collect walks the container.
//
// Documented (ViewManager.CreateContainerView): direct children only unless recursive;
// of a resource pool and a compute resource the machines of the next level too; the
// container itself is not part of the view.
func (v *View) collect(t *Twin) []types.ManagedObjectReference {
	if v.opened != nil {
		return v.collectOpened(t)
	}
	var out []types.ManagedObjectReference
	seen := map[types.ManagedObjectReference]bool{}
	wanted := map[string]bool{}
	nextLevel := !v.recursive && !v.byParent()
	var walk func(types.ManagedObjectReference, bool)
	walk = func(parent types.ManagedObjectReference, machinesOnly bool) {
		for _, child := range children(t.registry().Get(parent)) {
			if seen[child] || (machinesOnly && child.Type != "VirtualMachine") {
				continue
			}
			seen[child] = true
			want, known := wanted[child.Type]
			if !known {
				want = v.wants(child.Type)
				wanted[child.Type] = want
			}
			if want {
				out = append(out, child)
			}
			// What may not be seen can have something below it that may.
			if v.recursive || (nextLevel && !machinesOnly) {
				walk(child, nextLevel)
			}
		}
	}
	walk(*v.container, false)
	return t.viewer(v.session).seen(out)
}

// children lists the inventory objects directly below another one.
func children(obj mo.Reference) []types.ManagedObjectReference {
	switch e := obj.(type) {
	case *simulator.Folder:
		return e.ChildEntity
	case *simulator.Datacenter:
		return []types.ManagedObjectReference{e.VmFolder, e.HostFolder, e.DatastoreFolder, e.NetworkFolder}
	case *simulator.StoragePod:
		return e.ChildEntity
	case *simulator.ClusterComputeResource:
		return append(append([]types.ManagedObjectReference(nil), e.Host...), *e.ResourcePool)
	case *mo.ComputeResource:
		return append(append([]types.ManagedObjectReference(nil), e.Host...), *e.ResourcePool)
	case *simulator.ResourcePool:
		return append(append([]types.ManagedObjectReference(nil), e.ResourcePool.ResourcePool...), e.Vm...)
	case *simulator.VirtualApp:
		return append(append([]types.ManagedObjectReference(nil), e.ResourcePool.ResourcePool...), e.Vm...)
	case *simulator.HostSystem:
		return e.Vm
	}
	return nil
}

// containers are the types a ContainerView may be made of.
// Source: ViewManager.CreateContainerView: a folder, datacenter, compute resource, resource pool or host (documented).
var containers = []string{"Folder", "Datacenter", "ComputeResource", "ResourcePool", "HostSystem"}

// createContainerView models ViewManager.CreateContainerView. Documented: what a
// container may be, and that the list follows every change. Inferred: InvalidArgument
// for anything else and for an unknown type.
func createContainerView(c *Call, req any) (any, error) {
	r := req.(*types.CreateContainerView)
	if c.Ctx.Map.Get(r.Container) == nil {
		return nil, notFound(r.Container)
	}
	if !slices.ContainsFunc(containers, func(kind string) bool { return isA(r.Container.Type, kind) }) {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "container"})
	}
	for _, kind := range r.Type {
		if managedType(kind) == nil {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "type"})
		}
	}
	v := &View{container: &r.Container, kinds: r.Type, recursive: r.Recursive}
	v.stale.Store(true)
	return &types.CreateContainerViewResponse{Returnval: c.addView("ContainerView", v)}, nil
}

// createListView models ViewManager.CreateListView. Documented: an arbitrary list of
// objects. Inferred: ManagedObjectNotFound for one that is not there.
func createListView(c *Call, req any) (any, error) {
	v := &View{}
	unresolved := v.add(c, req.(*types.CreateListView).Obj)
	if len(unresolved) > 0 {
		return nil, notFound(unresolved[0])
	}
	return &types.CreateListViewResponse{Returnval: c.addView("ListView", v)}, nil
}

func (c *Call) addView(kind string, v *View) types.ManagedObjectReference {
	v.t, v.session, v.self = c.Twin, c.Session, c.sessionRef(kind)
	c.Session.put(v.self, v)
	c.Twin.watchers.addView(v)
	return v.self
}

// sessionRef makes a reference in the form vCenter gives to objects of a session.
func (c *Call) sessionRef(kind string) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: kind, Value: "session[" + c.Session.Key + "]" + sessionKey()}
}

// add appends known objects that are not in the list yet and returns the unknown ones.
func (v *View) add(c *Call, refs []types.ManagedObjectReference) (unresolved []types.ManagedObjectReference) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.have == nil {
		v.have = map[types.ManagedObjectReference]struct{}{}
	}
	for _, ref := range refs {
		if !c.Twin.exists(c.Session, ref) {
			unresolved = append(unresolved, ref)
			continue
		}
		if _, dup := v.have[ref]; !dup {
			v.have[ref] = struct{}{}
			v.refs = append(v.refs, ref) // readers keep their own, shorter slice
			v.log.note(ref, true)
		}
	}
	return unresolved
}

// remove takes objects off the list and tells whether one was on it.
func (v *View) remove(refs ...types.ManagedObjectReference) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.container != nil {
		before := len(v.refs)
		v.refs = slices.DeleteFunc(slices.Clone(v.refs), func(r types.ManagedObjectReference) bool {
			return slices.Contains(refs, r)
		})
		v.noteGone(refs)
		return len(v.refs) != before
	}
	before := len(v.have)
	for _, ref := range refs {
		delete(v.have, ref)
	}
	if len(v.have) == before {
		return false
	}
	kept := make([]types.ManagedObjectReference, 0, len(v.have))
	for _, ref := range v.refs {
		if _, still := v.have[ref]; still {
			kept = append(kept, ref)
		}
	}
	v.refs = kept
	v.noteGone(refs)
	return true
}

func (v *View) noteGone(refs []types.ManagedObjectReference) {
	for _, ref := range refs {
		v.log.note(ref, false)
	}
}

func (c *Call) view() (*View, error) {
	if v, ok := c.Session.get(c.This).(*View); ok {
		return v, nil
	}
	return nil, notFound(c.This)
}

// modifyListView models ListView.ModifyListView. Documented: what cannot be resolved
// is returned and is no fault.
func modifyListView(c *Call, req any) (any, error) {
	v, err := c.view()
	if err != nil {
		return nil, err
	}
	r := req.(*types.ModifyListView)
	unresolved := v.add(c, r.Add)
	v.remove(r.Remove...)
	c.Twin.Touch(v.self)
	return &types.ModifyListViewResponse{Returnval: unresolved}, nil
}

// resetListView models ListView.ResetListView. Documented: the list is replaced; what
// cannot be resolved is returned.
func resetListView(c *Call, req any) (any, error) {
	v, err := c.view()
	if err != nil {
		return nil, err
	}
	unresolved := v.reset(c, req.(*types.ResetListView).Obj)
	return &types.ResetListViewResponse{Returnval: unresolved}, nil
}

// reset replaces the content of a list.
func (v *View) reset(c *Call, refs []types.ManagedObjectReference) (unresolved []types.ManagedObjectReference) {
	v.mu.Lock()
	v.refs, v.have = nil, nil
	v.log.forget()
	v.mu.Unlock()
	unresolved = v.add(c, refs)
	c.Twin.Touch(v.self)
	return unresolved
}

// destroyView models View.DestroyView. Documented: a view exists until then or until
// the session ends. Inferred: what its filters selected leaves them.
func destroyView(c *Call, _ any) (any, error) {
	v, err := c.view()
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	v.destroyed = true
	v.mu.Unlock()
	c.Session.drop(c.This)
	c.Twin.watchers.dropView(v)
	c.Twin.Touch(c.This)
	return &types.DestroyViewResponse{}, nil
}

func registerViews(t *Twin) {
	// Views guard themselves, so their calls only need the inventory to stand still.
	t.HandleMode("CreateContainerView", "ViewManager", Reader, createContainerView)
	t.HandleMode("CreateListView", "ViewManager", Reader, createListView)
	t.HandleMode("ModifyListView", "ListView", Reader, modifyListView)
	t.HandleMode("ResetListView", "ListView", Reader, resetListView)
	t.HandleMode("DestroyView", "", Reader, destroyView)
	registerMoreViews(t)
}
