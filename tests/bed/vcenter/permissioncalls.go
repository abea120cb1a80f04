package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The AuthorizationManager's calls on permissions.

// setEntityPermissions models SetEntityPermissions. Documented: one permission per principal and entity, the last one
// given wins; applied one by one, so that a failure leaves the earlier ones in force; UserNotFound, NotFound for an
// unknown role, InvalidArgument for the roles View and Anonymous and for parts of complex entities,
// AuthMinimumAdminPermission, NoPermission for giving what the caller has not got.
func setEntityPermissions(c *Call, req any) (any, error) {
	r := req.(*types.SetEntityPermissions)
	if err := c.takesPermissions(r.Entity); err != nil {
		return nil, err
	}
	for _, p := range r.Permission {
		if err := c.setPermission(r.Entity, p); err != nil {
			return nil, err
		}
	}
	return &types.SetEntityPermissionsResponse{}, nil
}

// resetEntityPermissions models ResetEntityPermissions. Documented: the given ones are set first, one by one, then the
// others are removed.
func resetEntityPermissions(c *Call, req any) (any, error) {
	r := req.(*types.ResetEntityPermissions)
	if err := c.takesPermissions(r.Entity); err != nil {
		return nil, err
	}
	for _, p := range r.Permission {
		if err := c.setPermission(r.Entity, p); err != nil {
			return nil, err
		}
	}
	for _, old := range c.Twin.grants.Load().byEntity[r.Entity] {
		if !slices.ContainsFunc(r.Permission, func(p types.Permission) bool { return samePrincipal(p, old) }) {
			if err := c.removePermission(r.Entity, old); err != nil {
				return nil, err
			}
		}
	}
	return &types.ResetEntityPermissionsResponse{}, nil
}

// removeEntityPermission models RemoveEntityPermission. Documented: NotFound where there is no such permission,
// AuthMinimumAdminPermission for the last administrator on the root.
func removeEntityPermission(c *Call, req any) (any, error) {
	r := req.(*types.RemoveEntityPermission)
	if err := c.takesPermissions(r.Entity); err != nil {
		return nil, err
	}
	if err := c.removePermission(r.Entity, types.Permission{Principal: r.User, Group: r.IsGroup}); err != nil {
		return nil, err
	}
	return &types.RemoveEntityPermissionResponse{}, nil
}

// mergePermissions models MergePermissions. Documented: NotFound for either role, InvalidArgument if both are the same
// or the target cannot be granted, AuthMinimumAdminPermission.
func mergePermissions(c *Call, req any) (any, error) {
	r := req.(*types.MergePermissions)
	g := c.Twin.grants.Load()
	for _, id := range []int32{r.SrcRoleId, r.DstRoleId} {
		if _, ok := g.roles[id]; !ok {
			return nil, NewFault(&types.NotFound{})
		}
	}
	if r.SrcRoleId == r.DstRoleId || !grantable(r.DstRoleId) {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "dstRoleId"})
	}
	merged := slices.Clone(g.permissions)
	for i := range merged {
		if merged[i].RoleId == r.SrcRoleId {
			merged[i].RoleId = r.DstRoleId
		}
	}
	if !c.administered(merged) {
		return nil, NewFault(&types.AuthMinimumAdminPermission{})
	}
	c.changeGrants(func(n *grants) { n.permissions = merged })
	return &types.MergePermissionsResponse{}, nil
}

// takesPermissions refuses the parts of complex entities. Source: SetEntityPermissions (documented).
func (c *Call) takesPermissions(ref types.ManagedObjectReference) error {
	e, err := c.Entity(ref)
	if err != nil {
		return err
	}
	if parent := e.Entity().Parent; parent != nil && c.Twin.partOf(ref, *parent) {
		return NewFault(&types.InvalidArgument{InvalidProperty: "entity"})
	}
	return nil
}

// grantable: the roles View and Anonymous are the system's to give.
func grantable(role int32) bool { return role != roleView && role != roleAnonymous }

func samePrincipal(a, b types.Permission) bool {
	return a.Group == b.Group && principalKey(a.Principal) == principalKey(b.Principal)
}

// administered tells whether the root still has somebody who may do everything.
func (c *Call) administered(permissions []types.Permission) bool {
	return slices.ContainsFunc(permissions, func(p types.Permission) bool {
		return p.RoleId == roleAdmin && *p.Entity == c.Twin.content().RootFolder
	})
}

// mayGrant refuses to give privileges that the caller has not got. Source: SetEntityPermissions (documented).
func (c *Call) mayGrant(set privilegeSet, on types.ManagedObjectReference) error {
	if lacking := c.Twin.viewer(c.Session).on(on).lacking(set).ids(); len(lacking) > 0 {
		return denial(on, lacking[0])
	}
	return nil
}

// setPermission applies one permission to an entity.
func (c *Call) setPermission(entity types.ManagedObjectReference, p types.Permission) error {
	g := c.Twin.grants.Load()
	p.Entity = &entity
	p.Principal = displayUser(p.Principal)
	role, ok := g.roles[p.RoleId]
	switch {
	case !ok:
		return NewFault(&types.NotFound{})
	case !grantable(p.RoleId):
		return NewFault(&types.InvalidArgument{InvalidProperty: "permission.roleId"})
	case !c.Twin.knows(g, p):
		return NewFault(&types.UserNotFound{Principal: p.Principal})
	}
	if err := c.mayGrant(role.set, entity); err != nil {
		return err
	}
	changed := slices.Clone(g.permissions)
	at := slices.IndexFunc(changed, func(o types.Permission) bool { return *o.Entity == entity && samePrincipal(o, p) })
	if at < 0 {
		changed = append(changed, p)
	} else {
		changed[at] = p
	}
	if !c.administered(changed) {
		return NewFault(&types.AuthMinimumAdminPermission{})
	}
	c.changeGrants(func(n *grants) { n.permissions = changed })
	event := c.permissionEvent(entity, p)
	if at < 0 {
		c.post(&types.PermissionAddedEvent{PermissionEvent: event, Role: roleArgument(role), Propagate: p.Propagate})
		return nil
	}
	before := g.permissions[at]
	previous := roleArgument(g.roles[before.RoleId])
	c.post(&types.PermissionUpdatedEvent{
		PermissionEvent: event, Role: roleArgument(role), Propagate: p.Propagate,
		PrevRole: &previous, PrevPropagate: &before.Propagate,
	})
	return nil
}

// removePermission takes one permission off an entity.
func (c *Call) removePermission(entity types.ManagedObjectReference, p types.Permission) error {
	g := c.Twin.grants.Load()
	rest := slices.DeleteFunc(slices.Clone(g.permissions), func(o types.Permission) bool {
		return *o.Entity == entity && samePrincipal(o, p)
	})
	if len(rest) == len(g.permissions) {
		return NewFault(&types.NotFound{})
	}
	if !c.administered(rest) {
		return NewFault(&types.AuthMinimumAdminPermission{})
	}
	c.changeGrants(func(n *grants) { n.permissions = rest })
	c.post(&types.PermissionRemovedEvent{PermissionEvent: c.permissionEvent(entity, p)})
	return nil
}

func (c *Call) permissionEvent(entity types.ManagedObjectReference, p types.Permission) types.PermissionEvent {
	return types.PermissionEvent{
		Entity: types.ManagedEntityEventArgument{
			EntityEventArgument: types.EntityEventArgument{Name: c.Twin.nameOf(entity)}, Entity: entity,
		},
		Principal: p.Principal, Group: p.Group,
	}
}

// knows tells whether a principal exists. Where anybody may log in, everybody exists.
func (t *Twin) knows(g *grants, p types.Permission) bool {
	if !p.Group {
		return t.sessions.knows(p.Principal) || principalKey(p.Principal) == principalKey(`VSPHERE.LOCAL\Administrator`)
	}
	if principalKey(p.Principal) == principalKey(administrators) || t.sessions.open() {
		return true
	}
	for _, groups := range g.groups {
		if slices.ContainsFunc(groups, func(group string) bool { return principalKey(group) == principalKey(p.Principal) }) {
			return true
		}
	}
	return false
}

// retrieveEntityPermissions models RetrieveEntityPermissions. Documented: the permissions defined on the entity;
// inherited adds those that its parents propagate to it.
func retrieveEntityPermissions(c *Call, req any) (any, error) {
	r := req.(*types.RetrieveEntityPermissions)
	if _, err := c.Entity(r.Entity); err != nil {
		return nil, err
	}
	g := c.Twin.grants.Load()
	found := slices.Clone(g.byEntity[r.Entity])
	if r.Inherited {
		c.Twin.collectInherited(g, r.Entity, false, map[types.ManagedObjectReference]bool{}, &found)
	}
	return &types.RetrieveEntityPermissionsResponse{Returnval: found}, nil
}

func (t *Twin) collectInherited(g *grants, ref types.ManagedObjectReference, propagated bool, seen map[types.ManagedObjectReference]bool, out *[]types.Permission) {
	for _, parent := range t.grantors(ref) {
		if seen[parent] {
			continue
		}
		seen[parent] = true
		must := propagated || !t.partOf(ref, parent)
		for _, p := range g.byEntity[parent] {
			if p.Propagate || !must {
				*out = append(*out, p)
			}
		}
		t.collectInherited(g, parent, must, seen, out)
	}
}

// retrieveAllPermissions models RetrieveAllPermissions. Documented: restricted to entities the caller may see.
func retrieveAllPermissions(c *Call, _ any) (any, error) {
	return &types.RetrieveAllPermissionsResponse{Returnval: c.visiblePermissions(func(types.Permission) bool { return true })}, nil
}

// retrieveRolePermissions models RetrieveRolePermissions. Documented: NotFound for an unknown role; restricted to
// entities the caller may see.
func retrieveRolePermissions(c *Call, req any) (any, error) {
	id := req.(*types.RetrieveRolePermissions).RoleId
	if _, ok := c.Twin.grants.Load().roles[id]; !ok {
		return nil, NewFault(&types.NotFound{})
	}
	return &types.RetrieveRolePermissionsResponse{
		Returnval: c.visiblePermissions(func(p types.Permission) bool { return p.RoleId == id }),
	}, nil
}

func (c *Call) visiblePermissions(which func(types.Permission) bool) []types.Permission {
	var out []types.Permission
	eyes := c.Twin.viewer(c.Session)
	for _, p := range eyes.g.permissions {
		if which(p) && eyes.sees(*p.Entity) {
			out = append(out, p)
		}
	}
	return out
}

// completeAuthorization starts each model with the permissions of a fresh vCenter. Groups outlive it, as logins do.
func completeAuthorization(t *Twin) {
	var groups map[string][]string
	if old := t.grants.Load(); old != nil {
		groups = old.groups
	} else {
		groups = map[string][]string{}
	}
	g := firstGrants(t.content().RootFolder, groups)
	t.grants.Store(g)
	manager := t.registry().Get(*t.content().AuthorizationManager).(*simulator.AuthorizationManager)
	manager.PrivilegeList = privilegeList()
	t.publishRoles(g)
}

// rememberGrants makes a backup bring roles and permissions back, which vCenter keeps in its database. Logins and their
// groups are the identity source's, not the vCenter's.
func (t *Twin) rememberGrants() (undo func()) {
	then := t.grants.Load()
	return func() {
		back := then.draft()
		back.groups = t.grants.Load().groups
		t.grants.Store(back.index())
		t.publishRoles(back)
	}
}

func registerPermissions(t *Twin) {
	t.OnModel(completeAuthorization)
	const manager = "AuthorizationManager"
	t.Handle("SetEntityPermissions", manager, setEntityPermissions)
	t.Handle("ResetEntityPermissions", manager, resetEntityPermissions)
	t.Handle("RemoveEntityPermission", manager, removeEntityPermission)
	t.Handle("MergePermissions", manager, mergePermissions)
	t.Handle("AddAuthorizationRole", manager, addAuthorizationRole)
	t.Handle("UpdateAuthorizationRole", manager, updateAuthorizationRole)
	t.Handle("RemoveAuthorizationRole", manager, removeAuthorizationRole)
	t.HandleMode("RetrieveEntityPermissions", manager, Reader, retrieveEntityPermissions)
	t.HandleMode("RetrieveAllPermissions", manager, Reader, retrieveAllPermissions)
	t.HandleMode("RetrieveRolePermissions", manager, Reader, retrieveRolePermissions)
	t.HandleMode("HasPrivilegeOnEntity", manager, Reader, hasPrivilegeOnEntity)
	t.HandleMode("HasPrivilegeOnEntities", manager, Reader, hasPrivilegeOnEntities)
	t.HandleMode("HasUserPrivilegeOnEntities", manager, Reader, hasUserPrivilegeOnEntities)
	t.HandleMode("FetchUserPrivilegeOnEntities", manager, Reader, fetchUserPrivilegeOnEntities)
}
