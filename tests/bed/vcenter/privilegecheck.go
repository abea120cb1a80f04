package main

import (
	"reflect"

	"github.com/vmware/govmomi/vim25/types"
)

// The one place where calls are authorized: dispatch asks here before a handler or stock code runs.
//
// The idea: a call is turned into a list of needs, each a privilege on an object, from the generated table
// (privilegetable.go) and from the rules for methods whose needs depend on their arguments (privilegerules.go). The
// first need that is not met refuses the call. An administrator of everything never gets as far as the list.

// need is a privilege that a call requires on an object.
type need struct {
	on        types.ManagedObjectReference
	privilege string
}

// needs collects what a call requires.
type needs struct {
	c    *Call
	list []need
}

// add requires privileges on an object; a reference that names nothing is left to the handler's ManagedObjectNotFound.
func (n *needs) add(on types.ManagedObjectReference, privileges ...string) {
	if on.Value == "" || !n.c.Twin.exists(n.c.Session, on) {
		return
	}
	for _, privilege := range privileges {
		n.list = append(n.list, need{on, privilege})
	}
}

// addTo is add for a reference that may be unset.
func (n *needs) addTo(on *types.ManagedObjectReference, privileges ...string) {
	if on != nil {
		n.add(*on, privileges...)
	}
}

// authorize refuses a call whose caller lacks a privilege. The world is held.
//
// Documented: NoPermission {object, privilegeId}, synchronously; since 8.0 missingPrivileges has all that is missing.
// Observed (pyvmomi issue 704): the object is the host, not its network system.
func (t *Twin) authorize(c *Call, req any) error {
	eyes := t.viewer(c.Session)
	if eyes.everything {
		return nil
	}
	var missing []types.NoPermissionEntityPrivileges
	at := map[types.ManagedObjectReference]int{}
	for _, n := range t.needsOf(c, req) {
		if eyes.has(n.on, n.privilege) {
			continue
		}
		entity := t.securable(n.on)
		i, ok := at[entity]
		if !ok {
			i, at[entity] = len(missing), len(missing)
			missing = append(missing, types.NoPermissionEntityPrivileges{Entity: entity})
		}
		missing[i].PrivilegeIds = append(missing[i].PrivilegeIds, n.privilege)
	}
	if len(missing) == 0 {
		return nil
	}
	return NewFault(&types.NoPermission{
		Object: &missing[0].Entity, PrivilegeId: missing[0].PrivilegeIds[0], MissingPrivileges: missing,
	})
}

// authorizeLocked is authorize for callers that do not hold the world. An administrator does not wait for it.
func (t *Twin) authorizeLocked(c *Call, req any) error {
	if t.viewer(c.Session).everything {
		return nil
	}
	t.world.RLock()
	defer t.world.RUnlock()
	return t.authorize(c, req)
}

// needsOf lists what a call requires.
func (t *Twin) needsOf(c *Call, req any) []need {
	n := &needs{c: c}
	declared, known := declared.method(c.Method, c.This.Type)
	if rule, ok := privilegeRule(c.Method, c.This.Type); ok {
		rule(n, req)
	} else if known && declared.this == "" && len(declared.params) == 0 {
		n.add(c.This, privilegeView) // nothing is named; but who may not see an object can do nothing with it
	}
	if declared.this != "" && declared.this != privilegeAnonymous {
		n.list = append([]need{{c.This, declared.this}}, n.list...)
	}
	for parameter, privilege := range declared.params {
		for _, ref := range parameterRefs(req, parameter) {
			n.add(ref, privilege)
		}
	}
	return n.list
}

// parameterRefs reads the references that one parameter of a request holds.
func parameterRefs(req any, name string) []types.ManagedObjectReference {
	v := reflect.ValueOf(req)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	field := v.Elem().FieldByName(name)
	if !field.IsValid() {
		return nil
	}
	return morefs(field.Interface())
}
