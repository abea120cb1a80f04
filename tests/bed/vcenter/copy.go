package main

import (
	"reflect"
	"time"
)

// Deep copies of vim25 values.

var goTime = reflect.TypeFor[time.Time]()

// cloneValue returns a deep copy of a vim25 value. Handlers change copies and
// swap them in under the world's lock, so a failed call changes nothing and a
// reader that kept an old pointer keeps a value that nobody writes to.
func cloneValue[T any](v T) T {
	src := reflect.ValueOf(&v).Elem()
	dst := reflect.New(src.Type()).Elem()
	cloneInto(dst, src)
	return dst.Interface().(T)
}

// cloneInto makes a fresh dst a deep copy of src.
func cloneInto(dst, src reflect.Value) { copyInto(dst, src, nil) }

// wireCopy is a deep copy that a client can read: required enumerations are filled.
func wireCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	copyInto(out, v, fillEnums)
	return out
}

// copyInto makes a fresh dst a deep copy of src; finish, if any, sees each struct.
func copyInto(dst, src reflect.Value, finish func(reflect.Value)) {
	switch src.Kind() {
	case reflect.Pointer:
		if !src.IsNil() {
			dst.Set(reflect.New(src.Type().Elem()))
			copyInto(dst.Elem(), src.Elem(), finish)
		}
	case reflect.Interface:
		if !src.IsNil() {
			inner := reflect.New(src.Elem().Type()).Elem()
			copyInto(inner, src.Elem(), finish)
			dst.Set(inner)
		}
	case reflect.Slice:
		if !src.IsNil() {
			dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Len()))
			for i := range src.Len() {
				copyInto(dst.Index(i), src.Index(i), finish)
			}
		}
	case reflect.Struct:
		dst.Set(src) // unexported parts and plain members
		if src.Type() == goTime {
			return
		}
		for i := range src.NumField() {
			if !src.Type().Field(i).IsExported() {
				continue
			}
			switch src.Field(i).Kind() {
			case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Struct:
				copyInto(dst.Field(i), src.Field(i), finish)
			}
		}
		if finish != nil {
			finish(dst)
		}
	default:
		dst.Set(src)
	}
}
