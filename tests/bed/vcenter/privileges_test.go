package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

// needless lists the handlers whose methods name no privilege and for which privilegerules.go has no rule either: who
// may see the object may call them. Each says why that is so.
var needless = map[methodKey]string{}

// TestEveryHandlerSaysWhatItRequires walks the handlers: a method that is modelled and that nothing protects would let
// anybody do anything.
func TestEveryHandlerSaysWhatItRequires(t *testing.T) {
	twin := newTestTwin(t)
	seen := 0
	for key := range twin.handlers {
		seen++
		if _, ruled := privilegeRule(key.method, key.kind); ruled {
			continue
		}
		if _, fine := needless[key]; fine {
			continue
		}
		named := false
		for declaredKey := range declared.methods {
			if declaredKey.method != key.method || (key.kind != "" && !extends(key.kind, declaredKey.kind)) {
				continue
			}
			m := declared.methods[declaredKey]
			named = named || m.this != "" || len(m.params) > 0
		}
		if !named {
			t.Errorf("%s on %q is modelled, and neither privilegetable.txt nor privilegerules.go says what it requires", key.method, key.kind)
		}
	}
	if seen < 50 {
		t.Errorf("only %d handlers; the search is broken", seen)
	}
}

// extends tells whether a type is another one or has it among those it extends.
func extends(kind, ancestor string) bool {
	for ; kind != ""; kind = declared.parents[kind] {
		if kind == ancestor {
			return true
		}
	}
	return false
}

// TestEveryRequiredPrivilegeExists keeps the table, the rules and the list of privileges one world.
func TestEveryRequiredPrivilegeExists(t *testing.T) {
	if len(privilegeIDs) > len(privilegeSet{})*64 {
		t.Fatalf("%d privileges do not fit into a set", len(privilegeIDs))
	}
	named := map[string]bool{}
	for _, m := range declared.methods {
		named[m.this] = true
		for _, privilege := range m.params {
			named[privilege] = true
		}
	}
	for _, privilege := range declared.properties {
		named[privilege] = true
	}
	for _, byKind := range []map[string]string{destroyByKind, renameByKind, moveByKind} {
		for _, privilege := range byKind {
			named[privilege] = true
		}
	}
	for _, privilege := range fieldPrivileges {
		if privilege != "" && !strings.HasPrefix(privilege, "VApp.") && !strings.HasPrefix(privilege, "StorageProfile.") {
			privilege = machinePrefix + privilege
		}
		named[privilege] = true
	}
	delete(named, "")
	if len(named) < 150 {
		t.Errorf("only %d privileges are named; the table was not read", len(named))
	}
	for privilege := range named {
		if _, ok := privilegeBits[privilege]; !ok {
			t.Errorf("%s is required and does not exist", privilege)
		}
	}
}

// TestSetsOfPrivilegesAreSets covers the few words that a role is.
func TestSetsOfPrivilegesAreSets(t *testing.T) {
	a, b := newPrivilegeSet("System.View", "Network.Assign"), newPrivilegeSet("Network.Assign", "Zone.ObjectAttachable")
	if got := a.with(b).ids(); !slices.Equal(got, []string{"Network.Assign", "System.View", "Zone.ObjectAttachable"}) {
		t.Errorf("with: %v", got)
	}
	if got := a.lacking(b).ids(); !slices.Equal(got, []string{"Zone.ObjectAttachable"}) {
		t.Errorf("lacking: %v", got)
	}
	if a.covers(b) || !everyPrivilege.covers(a) || !a.covers(newPrivilegeSet("No.Such.Privilege")) {
		t.Error("covers is wrong")
	}
	if a.has("No.Such.Privilege") || everyPrivilege.has("") {
		t.Error("a privilege that does not exist is in no set")
	}
}

// restricted logs a user in who is no administrator, with a role on one object.
func restricted(t *testing.T, twin *Twin, name, role, object string, propagate bool) *client {
	t.Helper()
	post(t, twin, "users", fmt.Sprintf(`{"name": %q, "password": "x", "groups": []}`, name))
	if role != "" {
		post(t, twin, "permissions", fmt.Sprintf(`{"principal": %q, "role": %q, "object": %q, "propagate": %v}`, name, role, object, propagate))
	}
	return newClient(t, twin, name)
}

// sees tells which objects of a type are in a container view of everything.
func (c *client) sees(kind string) []types.ManagedObjectReference {
	c.t.Helper()
	manager := *c.twin.content().ViewManager
	view := c.must("CreateContainerView", manager, &types.CreateContainerView{
		This: manager, Container: c.twin.content().RootFolder, Type: []string{kind}, Recursive: true,
	}).(*types.CreateContainerViewResponse).Returnval
	c.twin.world.RLock()
	defer c.twin.world.RUnlock()
	return slices.Clone(c.session.get(view).(*View).content(c.twin))
}

// TestPermissionsComeDownToTheNearest covers the walk: the entity itself, then the nearest ancestor that propagates.
func TestPermissionsComeDownToTheNearest(t *testing.T) {
	for _, c := range []struct {
		name      string
		grants    []string // principal-less bodies of /v1/permissions
		object    string
		privilege string
		want      bool
	}{
		{"propagated from the datacenter", []string{`"role": "Admin", "object": "DC0"`}, "DC0_C0_RP0_VM0", "VirtualMachine.Interact.PowerOn", true},
		{"not propagated", []string{`"role": "Admin", "object": "DC0_C0", "propagate": false`}, "DC0_C0_H0", "Host.Config.Network", false},
		{"what lies in a part does not", []string{`"role": "Admin", "object": "DC0_C0", "propagate": false`}, "DC0_C0_RP0_VM0", "System.View", false},
		{"the nearest wins", []string{`"role": "Admin", "object": ""`, `"role": "NoAccess", "object": "DC0"`}, "DC0_C0_H0", "System.View", false},
		{"the nearest wins upwards too", []string{`"role": "NoAccess", "object": ""`, `"role": "ReadOnly", "object": "DC0_C0"`}, "DC0_C0_H0", "System.Read", true},
		{"a machine inherits from its pool", []string{`"role": "ReadOnly", "object": "DC0_C0"`}, "DC0_C0_RP0_VM0", "System.Read", true},
		{"what folder and pool give is added", []string{`"role": "ReadOnly", "object": "DC0"`, `"role": "NetworkConsumer", "object": "DC0_C0"`}, "DC0_C0_RP0_VM0", "Network.Assign", true},
		{"no access on the folder takes nothing that the pool gives", []string{`"role": "NoAccess", "object": "DC0"`, `"role": "ReadOnly", "object": "DC0_C0"`}, "DC0_C0_RP0_VM0", "System.Read", true},
		{"somebody above sees the way down", []string{`"role": "ReadOnly", "object": "DC0_C0"`}, "DC0", "System.View", true},
		{"and nothing beside it", []string{`"role": "ReadOnly", "object": "DC0_C0"`}, "LocalDS_0", "System.View", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			twin := newTestTwin(t)
			user := restricted(t, twin, "eve@lab.example", "", "", false)
			for _, g := range c.grants {
				post(t, twin, "permissions", `{"principal": "eve@lab.example", `+g+`}`)
			}
			twin.world.RLock()
			defer twin.world.RUnlock()
			ref, err := twin.object(c.object, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := twin.viewer(user.session).has(ref, c.privilege); got != c.want {
				t.Errorf("%s on %s: %v", c.privilege, c.object, got)
			}
		})
	}
}

// TestThePartsOfAComplexEntityHaveItsPermissions, also those that it does not propagate.
func TestThePartsOfAComplexEntityHaveItsPermissions(t *testing.T) {
	twin := newTestTwin(t)
	eve := restricted(t, twin, "eve@lab.example", "ReadOnly", refs(twin, "ComputeResource")[0].Value, false)
	post(t, twin, "permissions", `{"principal": "eve@lab.example", "role": "ReadOnly", "object": "DC0", "propagate": false}`)
	twin.world.RLock()
	defer twin.world.RUnlock()
	for name, want := range map[string]bool{"DC0_H0": true, "Resources": true, "vm": true, "DC0_C0": false} {
		found := false
		for _, e := range twin.registry().All("") {
			ref := e.Reference()
			if ref.Type != "ComputeResource" && twin.nameOf(ref) == name && twin.viewer(eve.session).has(ref, privilegeRead) {
				found = true
			}
		}
		if found != want {
			t.Errorf("%s may be read: %v", name, found)
		}
	}
}

// TestTheOwnPermissionBeatsTheGroups and several groups are united.
func TestTheOwnPermissionBeatsTheGroups(t *testing.T) {
	twin := newTestTwin(t)
	post(t, twin, "users", `{"name": "eve@lab.example", "password": "x", "groups": ["LAB\\ops", "LAB\\net"]}`)
	post(t, twin, "permissions", `{"principal": "LAB\\ops", "group": true, "role": "DatastoreConsumer"}`)
	post(t, twin, "permissions", `{"principal": "LAB\\net", "group": true, "role": "NetworkConsumer"}`)
	eve := newClient(t, twin, "eve@lab.example")
	has := func(privilege string) bool {
		twin.world.RLock()
		defer twin.world.RUnlock()
		return twin.viewer(eve.session).has(twin.content().RootFolder, privilege)
	}
	if !has("Datastore.AllocateSpace") || !has("Network.Assign") {
		t.Error("the roles of two groups are not united")
	}
	post(t, twin, "permissions", `{"principal": "eve@lab.example", "role": "ReadOnly"}`)
	if has("Network.Assign") || !has("System.Read") {
		t.Error("the user's own permission does not beat those of the groups")
	}
}

// TestAnAdministratorOfEverythingAsksNothing: the flag is what makes enforcement free for everybody else's tests.
func TestAnAdministratorOfEverythingAsksNothing(t *testing.T) {
	twin := newTestTwin(t)
	alice := newClient(t, twin, "alice@lab.example")
	if !twin.viewer(alice.session).everything {
		t.Fatal("a login of the command line is no administrator of everything")
	}
	if first := twin.viewer(alice.session); first != twin.viewer(alice.session) {
		t.Error("the answer is worked out again for every call")
	}
	post(t, twin, "permissions", `{"principal": "alice@lab.example", "role": "ReadOnly", "object": "DC0_C0"}`)
	if twin.viewer(alice.session).everything {
		t.Error("a permission below the root makes no difference")
	}
	post(t, twin, "permissions", `{"principal": "alice@lab.example", "role": "", "object": "DC0_C0"}`)
	if !twin.viewer(alice.session).everything {
		t.Error("taking the permission away again makes no difference")
	}
}

// TestAViewOfManyMachinesIsFilteredInTime: 10,000 machines, of which the user may see none, and then all.
func TestAViewOfManyMachinesIsFilteredInTime(t *testing.T) {
	twin := newTestTwin(t)
	seed(t, twin, `{"vms": 10000}`)
	eve := restricted(t, twin, "eve@lab.example", "ReadOnly", "LocalDS_0", true)
	if got := eve.sees("VirtualMachine"); len(got) != 0 {
		t.Errorf("%d machines are in the view of somebody who may see none", len(got))
	}
	post(t, twin, "permissions", `{"principal": "eve@lab.example", "role": "ReadOnly", "object": "DC0"}`)
	if got := eve.sees("VirtualMachine"); len(got) < 10000 {
		t.Errorf("%d machines are in the view of somebody who may see all", len(got))
	}
}

// BenchmarkTheViewOfARestrictedUser tells what filtering 10,000 machines costs.
func BenchmarkTheViewOfARestrictedUser(b *testing.B) {
	twin := newTestTwin(b)
	seed(b, twin, `{"vms": 10000}`)
	post(b, twin, "users", `{"name": "eve@lab.example", "password": "x", "groups": []}`)
	post(b, twin, "permissions", `{"principal": "eve@lab.example", "role": "ReadOnly", "object": "DC0"}`)
	eyes := twin.viewer(newClient(b, twin, "eve@lab.example").session)
	all := refs(twin, "VirtualMachine")
	twin.world.RLock()
	defer twin.world.RUnlock()
	for b.Loop() {
		if len(eyes.seen(all)) != len(all) {
			b.Fatal("not all are seen")
		}
	}
}
