package main

import (
	"slices"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// The rarer views: lists made from other views, the list of a session's views, and
// the inventory view, which shows what is below the folders that its client opened.

// viewManager is ViewManager as a session sees it. Documented (ViewManager.viewList):
// the views that this session made.
func (s *Session) viewManager(self types.ManagedObjectReference) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &mo.ViewManager{Self: self}
	for ref, obj := range s.owned {
		if _, ok := obj.(*View); ok {
			m.ViewList = append(m.ViewList, ref)
		}
	}
	slices.SortFunc(m.ViewList, func(a, b types.ManagedObjectReference) int {
		if a.Value < b.Value {
			return -1
		}
		return 1
	})
	return m
}

// source finds a view that another one is made from.
func (c *Call) source(ref types.ManagedObjectReference) ([]types.ManagedObjectReference, error) {
	v, ok := c.Session.get(ref).(*View)
	if !ok {
		return nil, notFound(ref)
	}
	return v.content(c.Twin), nil
}

// createListViewFromView models ViewManager.CreateListViewFromView. Documented: the
// list starts with the objects of another view and does not follow it.
func createListViewFromView(c *Call, req any) (any, error) {
	refs, err := c.source(req.(*types.CreateListViewFromView).View)
	if err != nil {
		return nil, err
	}
	v := &View{}
	v.add(c, refs)
	return &types.CreateListViewFromViewResponse{Returnval: c.addView("ListView", v)}, nil
}

// resetListViewFromView models ListView.ResetListViewFromView. Documented: the list
// is replaced by the objects of another view.
func resetListViewFromView(c *Call, req any) (any, error) {
	v, err := c.view()
	if err != nil {
		return nil, err
	}
	refs, err := c.source(req.(*types.ResetListViewFromView).View)
	if err != nil {
		return nil, err
	}
	v.reset(c, refs)
	return &types.ResetListViewFromViewResponse{}, nil
}

// createInventoryView models ViewManager.CreateInventoryView. Documented: the view
// begins with the root folder alone.
func createInventoryView(c *Call, _ any) (any, error) {
	root := c.Twin.content().RootFolder
	v := &View{container: &root, recursive: true, opened: map[types.ManagedObjectReference]bool{}}
	v.stale.Store(true)
	return &types.CreateInventoryViewResponse{Returnval: c.addView("InventoryView", v)}, nil
}

// collectOpened lists the root folder and the children of whatever is open and shown.
func (v *View) collectOpened(t *Twin) []types.ManagedObjectReference {
	out := []types.ManagedObjectReference{*v.container}
	seen := map[types.ManagedObjectReference]bool{*v.container: true}
	for i := 0; i < len(out); i++ {
		if !v.opened[out[i]] {
			continue
		}
		for _, child := range children(t.registry().Get(out[i])) {
			if !seen[child] {
				seen[child] = true
				out = append(out, child)
			}
		}
	}
	return out
}

// openFolder models InventoryView.OpenInventoryViewFolder. Documented: shows the
// children of the entities, opens what is above them as needed, and returns what
// could not be resolved.
func openFolder(c *Call, req any) (any, error) {
	v, err := c.view()
	if err != nil {
		return nil, err
	}
	var unresolved []types.ManagedObjectReference
	v.mu.Lock()
	for _, ref := range req.(*types.OpenInventoryViewFolder).Entity {
		e, ok := c.Ctx.Map.Get(ref).(mo.Entity)
		if !ok {
			unresolved = append(unresolved, ref)
			continue
		}
		v.opened[ref] = true
		for _, above := range c.Twin.ancestors(e) {
			v.opened[above] = true
		}
	}
	v.mu.Unlock()
	v.stale.Store(true)
	c.Twin.Touch(v.self)
	return &types.OpenInventoryViewFolderResponse{Returnval: unresolved}, nil
}

// closeFolder models InventoryView.CloseInventoryViewFolder. Documented: what is below
// the entities leaves the view, they themselves stay.
func closeFolder(c *Call, req any) (any, error) {
	v, err := c.view()
	if err != nil {
		return nil, err
	}
	var unresolved []types.ManagedObjectReference
	v.mu.Lock()
	for _, ref := range req.(*types.CloseInventoryViewFolder).Entity {
		if c.Ctx.Map.Get(ref) == nil {
			unresolved = append(unresolved, ref)
		}
		delete(v.opened, ref)
	}
	v.mu.Unlock()
	v.stale.Store(true)
	c.Twin.Touch(v.self)
	return &types.CloseInventoryViewFolderResponse{Returnval: unresolved}, nil
}

func registerMoreViews(t *Twin) {
	t.HandleMode("CreateListViewFromView", "ViewManager", Reader, createListViewFromView)
	t.HandleMode("ResetListViewFromView", "ListView", Reader, resetListViewFromView)
	t.HandleMode("CreateInventoryView", "ViewManager", Reader, createInventoryView)
	t.HandleMode("OpenInventoryViewFolder", "InventoryView", Reader, openFolder)
	t.HandleMode("CloseInventoryViewFolder", "InventoryView", Reader, closeFolder)
}
