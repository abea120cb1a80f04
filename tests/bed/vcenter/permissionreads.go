package main

import (
	"hash/fnv"
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// What a session may read: each property by its privilege, lists of references without what it may not see, and the
// two properties that are about permissions.

// deniedPrint stands for a property that may not be read among the fingerprints of a filter.
var deniedPrint = func() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("denied"))
	return h.Sum64()
}()

// read reads a path as the viewer may see it; privilege says what it lacks where the outcome is valueDenied.
//
// Documented: each property requires its privilege on its object, and one that may not be read is in missingSet with
// NoPermission (PropertyCollector.RetrievePropertiesEx, ObjectContent.missingSet).
func (v *viewer) read(ref types.ManagedObjectReference, obj reflect.Value, path propertyPath) (value reflect.Value, state outcome, privilege string) {
	name := ""
	if len(path.steps) > 0 {
		name = path.steps[0].name
	}
	if !v.everything {
		if need := declared.property(name, ref.Type); !v.has(ref, need) {
			return reflect.Value{}, valueDenied, need
		}
	}
	if name == "permission" || name == "effectiveRole" {
		if entity, ok := v.ofPermissions(ref); ok {
			obj = entity
		}
	}
	value, state = path.read(obj)
	if state == valueFound && !v.everything && !v.t.inventory.rules.HiddenReferencesListed {
		if refs, ok := value.Interface().([]types.ManagedObjectReference); ok {
			if refs = v.seen(refs); len(refs) == 0 {
				return value, valueUnset, ""
			}
			value = reflect.ValueOf(refs)
		}
	}
	return value, state, ""
}

// ofPermissions is an entity's two properties about permissions. Documented: effectiveRole is what the current session
// has on the entity, permission what is defined on it.
func (v *viewer) ofPermissions(ref types.ManagedObjectReference) (reflect.Value, bool) {
	if _, ok := v.t.registry().Get(ref).(mo.Entity); !ok {
		return reflect.Value{}, false
	}
	entity := &mo.ManagedEntity{Permission: v.g.byEntity[ref]}
	if v.everything {
		entity.EffectiveRole = []int32{roleAdmin}
	} else {
		_, entity.EffectiveRole = v.t.accessTo(v.g, v.user, ref)
	}
	return reflect.ValueOf(entity).Elem(), true
}

// seen is a list without what the viewer may not see.
func (v *viewer) seen(refs []types.ManagedObjectReference) []types.ManagedObjectReference {
	if v.everything {
		return refs
	}
	return slices.DeleteFunc(slices.Clone(refs), func(ref types.ManagedObjectReference) bool { return !v.sees(ref) })
}

// missing reports a property that may not be read.
func (v *viewer) missing(ref types.ManagedObjectReference, path propertyPath, privilege string) types.MissingProperty {
	return types.MissingProperty{Path: path.text, Fault: *denial(v.t.securable(ref), privilege).Localized()}
}

// found takes out of a search's answer what the viewer may not see. Documented (SearchIndex): FindByInventoryPath and
// FindChild look at entities with System.View, every other search at those with System.Read; what is missing that is
// not found, which is no fault.
func (v *viewer) found(c *Call, res any) any {
	if v.everything || c.This.Type != "SearchIndex" || res == nil {
		return res
	}
	privilege := privilegeRead
	if c.Method == "FindByInventoryPath" || c.Method == "FindChild" {
		privilege = privilegeView
	}
	hidden := func(ref types.ManagedObjectReference) bool { return !v.has(ref, privilege) }
	field := reflect.ValueOf(res).Elem().FieldByName("Returnval")
	if !field.IsValid() || !strings.HasPrefix(c.Method, "Find") {
		return res
	}
	switch found := field.Interface().(type) {
	case *types.ManagedObjectReference:
		if found != nil && hidden(*found) {
			field.SetZero()
		}
	case []types.ManagedObjectReference:
		field.Set(reflect.ValueOf(slices.DeleteFunc(slices.Clone(found), hidden)))
	}
	return res
}
