package main

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Who may do what on which entity.
//
// The idea: roles, permissions and groups are one immutable snapshot behind an atomic pointer. A change makes a new
// one, so that whoever decides something reads a consistent state without a lock, and "is this user still an
// administrator of everything" is one comparison of pointers per call.

// administrators is the group that the logins of the command line belong to, as in a fresh vCenter.
const administrators = `VSPHERE.LOCAL\Administrators`

// grants is one state of the authorization.
type grants struct {
	roles       map[int32]role
	nextRole    int32
	permissions []types.Permission  // in the order they were made; Entity is set
	groups      map[string][]string // by user: its groups; who is not listed is an administrator

	byEntity map[types.ManagedObjectReference][]types.Permission
	subjects sync.Map // user -> *subject
}

// subject is what a snapshot says of one user.
type subject struct {
	everything bool                           // all privileges on the root, propagated, and nothing below it
	holders    []types.ManagedObjectReference // entities with a permission that gives something
}

// firstGrants is what a fresh vCenter has: an administrator and a group of them.
func firstGrants(root types.ManagedObjectReference, groups map[string][]string) *grants {
	g := &grants{roles: firstRoles(), nextRole: firstOwnRole, groups: groups}
	for _, p := range []types.Permission{
		{Principal: `VSPHERE.LOCAL\Administrator`},
		{Principal: administrators, Group: true},
	} {
		p.Entity, p.RoleId, p.Propagate = &root, roleAdmin, true
		g.permissions = append(g.permissions, p)
	}
	return g.index()
}

// index completes a snapshot whose permissions are settled.
func (g *grants) index() *grants {
	g.byEntity = map[types.ManagedObjectReference][]types.Permission{}
	for _, p := range g.permissions {
		g.byEntity[*p.Entity] = append(g.byEntity[*p.Entity], p)
	}
	return g
}

// draft is a copy to change.
func (g *grants) draft() *grants {
	return &grants{
		roles: maps.Clone(g.roles), nextRole: g.nextRole,
		permissions: slices.Clone(g.permissions), groups: maps.Clone(g.groups),
	}
}

// principalKey makes one key of the spellings of a name.
func principalKey(name string) string { return strings.ToLower(displayUser(name)) }

// groupsOf lists the groups of a user.
func (g *grants) groupsOf(user string) []string {
	if groups, listed := g.groups[principalKey(user)]; listed {
		return groups
	}
	return []string{administrators}
}

// concerns tells whether a permission is about a user, by name or by group.
func (g *grants) concerns(p types.Permission, user string) bool {
	if !p.Group {
		return principalKey(p.Principal) == principalKey(user)
	}
	return slices.ContainsFunc(g.groupsOf(user), func(group string) bool {
		return principalKey(group) == principalKey(p.Principal)
	})
}

// at is what the permissions defined on one entity give a user.
//
// Documented (AuthorizationManager): a permission of the user takes precedence over those of its groups; without one,
// the roles of several groups are united.
func (g *grants) at(entity types.ManagedObjectReference, user string, propagated bool) (set privilegeSet, roles []int32, found bool) {
	personal := false
	for _, p := range g.byEntity[entity] {
		if (propagated && !p.Propagate) || !g.concerns(p, user) || (personal && p.Group) {
			continue
		}
		if !p.Group && !personal {
			personal, set, roles = true, privilegeSet{}, nil
		}
		found = true
		set = set.with(g.roles[p.RoleId].set)
		if !slices.Contains(roles, p.RoleId) {
			roles = append(roles, p.RoleId)
		}
	}
	return set, roles, found
}

// subject looks a user up, once per snapshot.
func (g *grants) subject(user string, root types.ManagedObjectReference) *subject {
	key := principalKey(user)
	if s, ok := g.subjects.Load(key); ok {
		return s.(*subject)
	}
	s := &subject{}
	below := false
	for _, p := range g.permissions {
		if !g.concerns(p, user) {
			continue
		}
		below = below || *p.Entity != root
		if g.roles[p.RoleId].set.has(privilegeView) {
			s.holders = append(s.holders, *p.Entity)
		}
	}
	set, _, _ := g.at(root, user, true)
	direct, _, _ := g.at(root, user, false)
	s.everything = !below && set == everyPrivilege && direct == everyPrivilege
	g.subjects.Store(key, s)
	return s
}

// accessTo is a user's privileges on an entity, and the roles they come from. The world is held.
//
// Documented (vSphere Security, "Hierarchical Inheritance of Permissions"): what is defined on the entity itself wins,
// else what its nearest ancestor propagates; a machine inherits from its folder and from its pool, and the two are
// added. Documented (AuthorizationManager): the parts of a complex entity always have the permissions of its owner.
func (t *Twin) accessTo(g *grants, user string, entity types.ManagedObjectReference) (privilegeSet, []int32) {
	set, roles, found := t.inherited(g, user, entity, false)
	if !found && t.inventory.rules.AncestorsVisible && t.holdsBelow(g, user, entity) {
		return viewOnly, []int32{roleView}
	}
	return set, roles
}

func (t *Twin) inherited(g *grants, user string, entity types.ManagedObjectReference, propagated bool) (set privilegeSet, roles []int32, found bool) {
	if set, roles, found = g.at(entity, user, propagated); found {
		return set, roles, true
	}
	for _, parent := range t.grantors(entity) {
		s, r, ok := t.inherited(g, user, parent, propagated || !t.partOf(entity, parent))
		if !ok {
			continue
		}
		found, set = true, set.with(s)
		for _, id := range r {
			if !slices.Contains(roles, id) {
				roles = append(roles, id)
			}
		}
	}
	return set, roles, found
}

// grantors lists the entities that one inherits permissions from.
func (t *Twin) grantors(ref types.ManagedObjectReference) []types.ManagedObjectReference {
	e, ok := t.registry().Get(ref).(mo.Entity)
	if !ok {
		return nil
	}
	var out []types.ManagedObjectReference
	if parent := e.Entity().Parent; parent != nil {
		out = append(out, *parent)
	}
	if vm, ok := e.(*simulator.VirtualMachine); ok {
		if vm.ResourcePool != nil {
			out = append(out, *vm.ResourcePool)
		}
		if vm.ParentVApp != nil && vm.Parent == nil && (vm.ResourcePool == nil || *vm.ParentVApp != *vm.ResourcePool) {
			out = append(out, *vm.ParentVApp)
		}
	}
	return out
}

// partOf tells whether an entity is a part of a complex entity: the folders of a datacenter, the root pool of a compute
// resource, and the host of a stand-alone one. Source: AuthorizationManager (documented).
func (t *Twin) partOf(ref, owner types.ManagedObjectReference) bool {
	switch owner.Type {
	case "Datacenter":
		return ref.Type == "Folder"
	case "ClusterComputeResource":
		return ref.Type == "ResourcePool"
	case "ComputeResource":
		return ref.Type == "ResourcePool" || ref.Type == "HostSystem"
	}
	return false
}

// holdsBelow tells whether a user has a permission on something below an entity.
//
// Inferred: the role View, "Visibility access (cannot be granted)", is what a user has on the way to an object that it
// was given a role on; without it nobody could reach that object from the root.
func (t *Twin) holdsBelow(g *grants, user string, entity types.ManagedObjectReference) bool {
	for _, holder := range g.subject(user, t.content().RootFolder).holders {
		if t.isAbove(entity, holder) {
			return true
		}
	}
	return false
}

func (t *Twin) isAbove(entity, below types.ManagedObjectReference) bool {
	for _, parent := range t.grantors(below) {
		if parent == entity || t.isAbove(entity, parent) {
			return true
		}
	}
	return false
}

// changeGrants installs a changed copy of the authorization and lets everybody notice. The world is held for writing.
func (t *Twin) changeGrants(change func(*grants)) {
	old := t.grants.Load()
	next := old.draft()
	change(next)
	t.grants.Store(next.index())
	t.publishRoles(next)
	touched := map[types.ManagedObjectReference]struct{}{}
	for _, g := range []*grants{old, next} {
		for ref := range g.byEntity {
			touched[ref] = struct{}{}
		}
	}
	t.Touch(slices.Collect(maps.Keys(touched))...)
	t.sessions.each(func(s *Session) {
		root := t.content().RootFolder
		if !old.subject(s.UserName, root).everything || !next.subject(s.UserName, root).everything {
			t.watchers.lookAgain(s)
		}
	})
}

func (c *Call) changeGrants(change func(*grants)) { c.Twin.changeGrants(change) }

// publishRoles writes what the AuthorizationManager shows.
func (t *Twin) publishRoles(g *grants) {
	manager := t.registry().Get(*t.content().AuthorizationManager).(*simulator.AuthorizationManager)
	manager.RoleList = g.roleList()
	t.Touch(manager.Self)
}

// forgetEntity drops the permissions of an entity that leaves the inventory. The world is held for writing.
func (t *Twin) forgetEntity(ref types.ManagedObjectReference) {
	if g := t.grants.Load(); g != nil && len(g.byEntity[ref]) > 0 {
		t.changeGrants(func(n *grants) {
			n.permissions = slices.DeleteFunc(n.permissions, func(p types.Permission) bool { return *p.Entity == ref })
		})
	}
}
