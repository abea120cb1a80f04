package main

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/vmware/govmomi/vim25/types"
)

// Partial updates: what changed inside a property, as the smallest changes that
// carry a client from the value it has to the new one.
//
// Documented (PropertyChange.name, .op): nested properties are named by paths such as
// foo.arProp["key val"].baz; add and remove are for elements of a collection, assign is
// a new value, indirectRemove a property whose container went away. Inferred: the
// elements of an array are told apart by their key member, references by their id, and
// an array that has neither is sent whole.

// lost is how the loss of a property is reported, in partial and whole updates alike.
func (p propertyPath) lost(object reflect.Value) types.PropertyChangeOp {
	last := len(p.steps) - 1
	if last < 0 {
		return types.PropertyChangeOpAssign
	}
	container := propertyPath{steps: slices.Clone(p.steps[:last])}
	op := types.PropertyChangeOpAssign // a property without a value
	if p.steps[last].is {
		container.steps = append(container.steps, pathStep{name: p.steps[last].name})
		op = types.PropertyChangeOpRemove
	}
	if _, state := container.read(object); state != valueFound {
		return types.PropertyChangeOpIndirectRemove
	}
	return op
}

// partialChanges appends the changes that make before equal to after.
func partialChanges(path string, before, after reflect.Value, out []types.PropertyChange) []types.PropertyChange {
	before, after = settled(before), settled(after)
	switch {
	case !after.IsValid() && !before.IsValid():
		return out
	case !after.IsValid():
		return append(out, types.PropertyChange{Name: path, Op: types.PropertyChangeOpAssign})
	case !before.IsValid() || before.Type() != after.Type():
		return append(out, assigned(path, after))
	case fingerprint(before) == fingerprint(after):
		return out
	}
	switch after.Kind() {
	case reflect.Struct:
		if isLeaf(after.Type()) {
			break
		}
		fields := map[string][]int{}
		collectFields(after.Type(), nil, fields)
		for _, name := range keysOf(fields) {
			out = partialChanges(path+"."+name, member(before, fields[name]), member(after, fields[name]), out)
		}
		return out
	case reflect.Slice:
		was, keyed := byKey(before)
		is, also := byKey(after)
		if keyed && also {
			return elementChanges(path, was, is, out)
		}
	}
	return append(out, assigned(path, after))
}

// elementChanges compares two arrays whose elements have keys.
func elementChanges(path string, was, is map[string]reflect.Value, out []types.PropertyChange) []types.PropertyChange {
	for _, key := range keysOf(was) {
		if _, still := is[key]; !still {
			out = append(out, types.PropertyChange{Name: path + key, Op: types.PropertyChangeOpRemove})
		}
	}
	for _, key := range keysOf(is) {
		if old, had := was[key]; had {
			out = partialChanges(path+key, old, is[key], out)
			continue
		}
		change := assigned(path+key, is[key])
		change.Op = types.PropertyChangeOpAdd
		out = append(out, change)
	}
	return out
}

func assigned(path string, v reflect.Value) types.PropertyChange {
	return types.PropertyChange{Name: path, Op: types.PropertyChangeOpAssign, Val: wireValue(v)}
}

// settled follows pointers and interfaces; the zero Value stands for an unset member.
func settled(v reflect.Value) reflect.Value {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	return v
}

// member is a struct's field, or the zero Value when it is unset.
func member(v reflect.Value, index []int) reflect.Value {
	field := v.FieldByIndex(index)
	if absent(field) {
		return reflect.Value{}
	}
	return field
}

// isLeaf tells whether a struct is one value on the wire.
func isLeaf(t reflect.Type) bool {
	return t == goTime || t == reflect.TypeOf(types.ManagedObjectReference{})
}

// byKey maps the elements of an array by the text that names them in a path, such
// as [4000] or ["guestinfo.x"]; false when they have no unique keys.
func byKey(list reflect.Value) (map[string]reflect.Value, bool) {
	out := make(map[string]reflect.Value, list.Len())
	for i := range list.Len() {
		item := settled(list.Index(i))
		key, ok := elementName(item)
		if _, twice := out[key]; !ok || twice {
			return nil, false
		}
		out[key] = item
	}
	return out, true
}

// elementName is how a path names an element, brackets included.
func elementName(item reflect.Value) (string, bool) {
	if !item.IsValid() || item.Kind() != reflect.Struct {
		return "", false
	}
	if ref, ok := item.Interface().(types.ManagedObjectReference); ok {
		return fmt.Sprintf("[%q]", ref.Value), true
	}
	index, ok := fieldIndex(item.Type(), "key")
	if !ok {
		return "", false
	}
	switch key := item.FieldByIndex(index); key.Kind() {
	case reflect.String:
		return `["` + key.String() + `"]`, true
	case reflect.Int32:
		return "[" + strconv.FormatInt(key.Int(), 10) + "]", true
	}
	return "", false
}
