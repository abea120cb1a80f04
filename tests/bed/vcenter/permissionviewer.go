package main

import (
	"reflect"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// viewer is a session's eyes: what it may see and do under one state of the authorization. For an administrator of
// everything each question is answered by one flag.
type viewer struct {
	t          *Twin
	g          *grants
	session    *Session
	user       string
	everything bool
}

// viewer returns the session's eyes of now. Without a session nothing is hidden: such a caller reaches nothing that
// needs a privilege (gate.go), and the control API sees all.
func (t *Twin) viewer(s *Session) *viewer {
	g := t.grants.Load()
	if s == nil {
		return &viewer{t: t, g: g, everything: true}
	}
	if v := s.eyes.Load(); v != nil && v.g == g {
		return v
	}
	v := &viewer{
		t: t, g: g, session: s, user: s.UserName,
		everything: g.subject(s.UserName, t.content().RootFolder).everything,
	}
	s.eyes.Store(v)
	return v
}

// on is what the viewer may do on an object. The world is held.
func (v *viewer) on(ref types.ManagedObjectReference) privilegeSet {
	if v.everything {
		return everyPrivilege
	}
	if _, entity := v.t.registry().Get(ref).(mo.Entity); !entity && v.session.owns(ref) {
		return everyPrivilege // views, filters and collectors are the session's own
	}
	set, _ := v.t.accessTo(v.g, v.user, v.t.securable(ref))
	if v.ownTask(ref) {
		set = set.with(newPrivilegeSet(privilegeAnonymous, privilegeView, privilegeRead))
	}
	return set
}

func (v *viewer) has(ref types.ManagedObjectReference, privilege string) bool {
	return v.everything || privilege == privilegeAnonymous || v.on(ref).has(privilege)
}

// sees tells whether an object exists for the viewer. The world is held.
func (v *viewer) sees(ref types.ManagedObjectReference) bool { return v.has(ref, privilegeView) }

// ownTask tells whether a task was started by the viewer, who may follow it whatever its object is (inferred).
func (v *viewer) ownTask(ref types.ManagedObjectReference) bool {
	task, ok := v.t.registry().Get(ref).(*simulator.Task)
	if !ok {
		return false
	}
	by, ok := task.Info.Reason.(*types.TaskReasonUser)
	return ok && by.UserName == v.user
}

// denial is the fault for one privilege that is missing.
// Source: NoPermission {object, privilegeId, missingPrivileges}, types.go (documented).
func denial(ref types.ManagedObjectReference, privilege string) *Fault {
	return NewFault(&types.NoPermission{
		Object: &ref, PrivilegeId: privilege,
		MissingPrivileges: []types.NoPermissionEntityPrivileges{{Entity: ref, PrivilegeIds: []string{privilege}}},
	})
}

// securable is the entity whose permissions count for an object: the entity itself; a snapshot's machine; a host's
// managers' host; a browser's owner; a task's object. Everything else of a vCenter is global and stands or falls with
// the root. Source: vSphere Security, "Global entities derive permissions from the root" (documented).
func (t *Twin) securable(ref types.ManagedObjectReference) types.ManagedObjectReference {
	switch obj := t.registry().Get(ref).(type) {
	case mo.Entity:
		return ref
	case *simulator.VirtualMachineSnapshot:
		return obj.Vm
	case *simulator.Task:
		if obj.Info.Entity != nil {
			if _, alive := t.registry().Get(*obj.Info.Entity).(mo.Entity); alive {
				return *obj.Info.Entity
			}
		}
	default:
		if owner, ok := t.ownerOf(ref); ok {
			return owner
		}
	}
	return t.content().RootFolder
}

// ownerOf finds the entity that an object which is none belongs to, by looking for the entity that refers to it.
func (t *Twin) ownerOf(ref types.ManagedObjectReference) (types.ManagedObjectReference, bool) {
	kinds := []string{"HostSystem"}
	switch ref.Type {
	case "EnvironmentBrowser":
		kinds = []string{"ClusterComputeResource", "ComputeResource", "VirtualMachine"}
	case "HostDatastoreBrowser":
		kinds = []string{"Datastore", "HostSystem"}
	case "ServiceInstance", "PropertyCollector", "SessionManager", "ViewManager", "SearchIndex":
		return ref, false
	}
	for _, kind := range kinds {
		for _, obj := range t.registry().AllReference(kind) {
			if refersTo(obj, ref) {
				return obj.Reference(), true
			}
		}
	}
	return ref, false
}

func refersTo(obj mo.Reference, ref types.ManagedObjectReference) bool {
	switch e := obj.(type) {
	case *simulator.HostSystem:
		return e.DatastoreBrowser == ref || slices.Contains(pointersIn(e.ConfigManager), ref)
	case *simulator.VirtualMachine:
		return e.EnvironmentBrowser == ref
	case *simulator.Datastore:
		return e.Browser == ref
	case *simulator.ClusterComputeResource:
		return e.EnvironmentBrowser != nil && *e.EnvironmentBrowser == ref
	case *mo.ComputeResource:
		return e.EnvironmentBrowser != nil && *e.EnvironmentBrowser == ref
	}
	return false
}

// pointersIn lists the references that a struct of them holds.
func pointersIn(managers any) []types.ManagedObjectReference {
	var out []types.ManagedObjectReference
	v := reflect.ValueOf(managers)
	for i := range v.NumField() {
		if ref, ok := v.Field(i).Interface().(*types.ManagedObjectReference); ok && ref != nil {
			out = append(out, *ref)
		}
	}
	return out
}
