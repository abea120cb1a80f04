package main

import (
	"slices"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/types"
)

// Roles: the system's own, the samples, and those a user makes.

// roleIDs of the system. Source: AuthorizationRole.system; the ids as govmomi captured them (observed).
const (
	roleAdmin     int32 = -1
	roleReadOnly  int32 = -2
	roleView      int32 = -3
	roleAnonymous int32 = -4
	roleNoAccess  int32 = -5
)

// sampleRoles are roles that a fresh vCenter brings along and that may be changed. Of those a vCenter has, here are the
// two whose privileges its documentation lists in full.
// Source: vSphere Security, "vCenter Server System Roles", sample roles (documented).
var sampleRoles = []types.AuthorizationRole{
	{RoleId: 8, Name: "DatastoreConsumer", Privilege: []string{"Datastore.AllocateSpace"}, Info: &types.Description{
		Label: "Datastore consumer (sample)", Summary: "Assigned to datastore folders to allow space to be allocated on them"}},
	{RoleId: 9, Name: "NetworkConsumer", Privilege: []string{"Network.Assign"}, Info: &types.Description{
		Label: "Network administrator (sample)", Summary: "Assigned to network folders to allow networks to be assigned"}},
}

// firstOwnRole is below the ids that are given to roles of a user's making.
const firstOwnRole int32 = 100

// role is a role with its privileges as a set.
type role struct {
	types.AuthorizationRole
	set privilegeSet
}

// newRole makes a role of a list. Documented: a role of a user's making always has the three system privileges.
func newRole(r types.AuthorizationRole) role {
	if !r.System {
		r.Privilege = append([]string{privilegeAnonymous, privilegeRead, privilegeView}, r.Privilege...)
	}
	set := newPrivilegeSet(r.Privilege...)
	r.Privilege = set.ids()
	return role{r, set}
}

// firstRoles is what a fresh vCenter has.
func firstRoles() map[int32]role {
	out := map[int32]role{}
	for _, list := range [][]types.AuthorizationRole{esx.RoleList, sampleRoles} {
		for _, r := range list {
			out[r.RoleId] = newRole(r)
		}
	}
	return out
}

// roleList is AuthorizationManager.roleList: the system's roles, then the others.
func (g *grants) roleList() object.AuthorizationRoleList {
	out := make(object.AuthorizationRoleList, 0, len(g.roles))
	for _, r := range g.roles {
		out = append(out, r.AuthorizationRole)
	}
	slices.SortFunc(out, func(a, b types.AuthorizationRole) int { return int(a.RoleId) - int(b.RoleId) })
	return out
}

// roleNamed finds a role by its name, whose case does not matter.
func (g *grants) roleNamed(name string) (role, bool) {
	for _, r := range g.roles {
		if strings.EqualFold(r.Name, name) {
			return r, true
		}
	}
	return role{}, false
}

// addAuthorizationRole models AddAuthorizationRole. Documented: AlreadyExists, InvalidName for an empty name,
// InvalidArgument for an unknown privilege; the new role's id is returned.
func addAuthorizationRole(c *Call, req any) (any, error) {
	r := req.(*types.AddAuthorizationRole)
	g := c.Twin.grants.Load()
	if r.Name == "" {
		return nil, NewFault(&types.InvalidName{})
	}
	if _, taken := g.roleNamed(r.Name); taken {
		return nil, NewFault(&types.AlreadyExists{Name: r.Name})
	}
	if _, unknown := unknownPrivilege(r.PrivIds); unknown {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "privIds"})
	}
	made := newRole(types.AuthorizationRole{
		RoleId: g.nextRole, Name: r.Name, Privilege: r.PrivIds, Info: &types.Description{Label: r.Name, Summary: r.Name},
	})
	c.changeGrants(func(n *grants) {
		n.roles[made.RoleId] = made
		n.nextRole++
	})
	c.post(&types.RoleAddedEvent{RoleEvent: roleEvent(made), PrivilegeList: made.Privilege})
	return &types.AddAuthorizationRoleResponse{Returnval: made.RoleId}, nil
}

// updateAuthorizationRole models UpdateAuthorizationRole. Documented: NotFound, InvalidName, AlreadyExists,
// InvalidArgument for a system role, NotFound for an unknown privilege too, NoPermission for giving what the caller has
// not got. Inferred: without privIds only the name changes.
func updateAuthorizationRole(c *Call, req any) (any, error) {
	r := req.(*types.UpdateAuthorizationRole)
	g := c.Twin.grants.Load()
	old, err := g.ownRole(r.RoleId)
	if err != nil {
		return nil, err
	}
	if r.NewName == "" {
		return nil, NewFault(&types.InvalidName{})
	}
	if other, taken := g.roleNamed(r.NewName); taken && other.RoleId != r.RoleId {
		return nil, NewFault(&types.AlreadyExists{Name: r.NewName})
	}
	if _, unknown := unknownPrivilege(r.PrivIds); unknown {
		return nil, NewFault(&types.NotFound{})
	}
	changed := old.AuthorizationRole
	changed.Name = r.NewName
	changed.Info = &types.Description{Label: r.NewName, Summary: r.NewName}
	if r.PrivIds != nil {
		changed.Privilege = r.PrivIds
	}
	now := newRole(changed)
	if err := c.mayGrant(now.set, c.Twin.content().RootFolder); err != nil {
		return nil, err
	}
	c.changeGrants(func(n *grants) { n.roles[r.RoleId] = now })
	c.post(&types.RoleUpdatedEvent{
		RoleEvent: roleEvent(now), PrivilegeList: now.Privilege, PrevRoleName: old.Name,
		PrivilegesAdded: old.set.lacking(now.set).ids(), PrivilegesRemoved: now.set.lacking(old.set).ids(),
	})
	return &types.UpdateAuthorizationRoleResponse{}, nil
}

// removeAuthorizationRole models RemoveAuthorizationRole. Documented: NotFound, InvalidArgument for a system role,
// RemoveFailed if failIfUsed and a permission uses it. Inferred: otherwise the permissions that use it go with it.
func removeAuthorizationRole(c *Call, req any) (any, error) {
	r := req.(*types.RemoveAuthorizationRole)
	g := c.Twin.grants.Load()
	old, err := g.ownRole(r.RoleId)
	if err != nil {
		return nil, err
	}
	used := func(p types.Permission) bool { return p.RoleId == r.RoleId }
	if r.FailIfUsed && slices.ContainsFunc(g.permissions, used) {
		return nil, NewFault(&types.RemoveFailed{})
	}
	c.changeGrants(func(n *grants) {
		delete(n.roles, r.RoleId)
		n.permissions = slices.DeleteFunc(n.permissions, used)
	})
	c.post(&types.RoleRemovedEvent{RoleEvent: roleEvent(old)})
	return &types.RemoveAuthorizationRoleResponse{}, nil
}

// ownRole finds a role that may be changed.
func (g *grants) ownRole(id int32) (role, error) {
	r, ok := g.roles[id]
	if !ok {
		return role{}, NewFault(&types.NotFound{})
	}
	if r.System {
		return role{}, NewFault(&types.InvalidArgument{InvalidProperty: "roleId"})
	}
	return r, nil
}

func roleEvent(r role) types.RoleEvent {
	return types.RoleEvent{Role: roleArgument(r)}
}

func roleArgument(r role) types.RoleEventArgument {
	return types.RoleEventArgument{EventArgument: types.EventArgument{}, RoleId: r.RoleId, Name: r.Name}
}
