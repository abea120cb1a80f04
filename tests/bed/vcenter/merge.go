package main

import "reflect"

// What a spec says and what it leaves out, by the shape of the data alone.

// isUnset tells whether a field of a spec was left out. A plain bool is never
// unset: it is a required element and always on the wire. Nor is an embedded or
// required data object, whose members speak for themselves.
func isUnset(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Bool:
		return false
	case reflect.Struct:
		return v.Type() == goTime && v.IsZero()
	case reflect.Slice:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

// mergeSet copies every field that src sets into dst, down to nested data
// objects: what is unset, at any depth, stays as it was. Lists and values of a
// polymorphic type replace the old one whole.
//
// Documented: VirtualMachineConfigSpec, "All properties are optional; unset
// properties are unchanged", which the API reference says of each nested
// optional member too.
func mergeSet[T any](dst, src *T) {
	mergeFields(reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem())
}

func mergeFields(dst, src reflect.Value) {
	for i := range src.NumField() {
		mergeField(dst.Field(i), src.Field(i))
	}
}

func mergeField(dst, src reflect.Value) {
	if isUnset(src) {
		return
	}
	switch {
	case src.Kind() == reflect.Struct && src.Type() != goTime:
		mergeFields(dst, src)
	case src.Kind() == reflect.Pointer && src.Elem().Kind() == reflect.Struct && src.Elem().Type() != goTime && !dst.IsNil():
		merged := reflect.New(dst.Elem().Type())
		cloneInto(merged.Elem(), dst.Elem())
		mergeFields(merged.Elem(), src.Elem())
		dst.Set(merged)
	default:
		fresh := reflect.New(src.Type()).Elem()
		cloneInto(fresh, src)
		dst.Set(fresh)
	}
}

// mergeNamed is mergeSet between two different types: fields are matched by
// name and type, and names in skip are left to the caller. It returns the set
// fields of src that dst does not have, so that nothing is dropped in silence.
func mergeNamed(dst, src any, skip map[string]bool) []string {
	var unknown []string
	to, from := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for i := range from.NumField() {
		name := from.Type().Field(i).Name
		if skip[name] || isUnset(from.Field(i)) {
			continue
		}
		field := to.FieldByName(name)
		switch {
		case !field.IsValid():
			unknown = append(unknown, name)
		case field.Type() == from.Field(i).Type():
			mergeField(field, from.Field(i))
		case from.Field(i).Kind() == reflect.Pointer && field.Type() == from.Field(i).Type().Elem():
			mergeFields(field, from.Field(i).Elem())
		default:
			unknown = append(unknown, name)
		}
	}
	return unknown
}
