package main

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/types"
)

// The privileges that exist, and sets of them.
//
// The idea: an id is a bit, so that a role is a handful of words and the question that is asked for each object of a
// large inventory costs nothing worth measuring.

// The privileges that every role of a user's own making has. Source: AuthorizationManager.AddAuthorizationRole (documented).
const (
	privilegeAnonymous = "System.Anonymous"
	privilegeView      = "System.View"
	privilegeRead      = "System.Read"
)

// privilegeIDs is every privilege of a vCenter 8.0, as govmomi captured it from one (the Admin role has all of them).
// It holds every id that pyVmomi's type information names; a test compares.
var privilegeIDs = slices.Sorted(slices.Values(object.AuthorizationRoleList(esx.RoleList).ByName("Admin").Privilege))

var privilegeBits = func() map[string]int {
	out := map[string]int{}
	for i, id := range privilegeIDs {
		out[id] = i
	}
	return out
}()

// privilegeSet is a set of privileges.
type privilegeSet [8]uint64

var (
	everyPrivilege = newPrivilegeSet(privilegeIDs...)
	viewOnly       = newPrivilegeSet(privilegeAnonymous, privilegeView)
)

// newPrivilegeSet makes a set; ids that do not exist are left out, see unknownPrivilege.
func newPrivilegeSet(ids ...string) privilegeSet {
	var s privilegeSet
	for _, id := range ids {
		if i, ok := privilegeBits[id]; ok {
			s[i/64] |= 1 << (i % 64)
		}
	}
	return s
}

func (s privilegeSet) has(id string) bool {
	i, ok := privilegeBits[id]
	return ok && s[i/64]&(1<<(i%64)) != 0
}

func (s privilegeSet) with(o privilegeSet) privilegeSet {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

// covers tells whether the set has all of another.
func (s privilegeSet) covers(o privilegeSet) bool {
	for i := range s {
		if o[i]&^s[i] != 0 {
			return false
		}
	}
	return true
}

// lacking lists what another set has and this one has not.
func (s privilegeSet) lacking(o privilegeSet) privilegeSet {
	for i := range s {
		o[i] &^= s[i]
	}
	return o
}

// ids lists the members in order.
func (s privilegeSet) ids() []string {
	out := []string{}
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			out = append(out, privilegeIDs[i*64+bits.TrailingZeros64(word)])
		}
	}
	return out
}

// unknownPrivilege finds an id that does not exist.
func unknownPrivilege(ids []string) (string, bool) {
	for _, id := range ids {
		if _, ok := privilegeBits[id]; !ok {
			return id, true
		}
	}
	return "", false
}

// privilegeList is AuthorizationManager.privilegeList.
//
// Documented: AuthorizationPrivilege {privId, name, privGroupName, onParent}. Inferred: group and name are the two parts
// of the id; onParent is set for what deletes or moves an entity, since Destroy_Task documents that its privilege must
// be held on the parent as well.
func privilegeList() []types.AuthorizationPrivilege {
	out := make([]types.AuthorizationPrivilege, 0, len(privilegeIDs))
	for _, id := range privilegeIDs {
		cut := strings.LastIndexByte(id, '.')
		out = append(out, types.AuthorizationPrivilege{
			PrivId: id, Name: id[cut+1:], PrivGroupName: id[:cut],
			OnParent: slices.Contains(destroyPrivileges, id),
		})
	}
	return out
}
