package main

import (
	"reflect"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// checkComplete refuses a request that lacks what the API demands: a parameter, or a
// property of a data object, that is an object itself. Plain values cannot be told
// from empty ones after decoding.
//
// Observed: InvalidRequest while the server parses the call, "Required parameter path
// is missing" (yavijava issue 267), "Required property identity is missing from data
// object of type CustomizationSpec" (knife-vsphere issue 39).
func checkComplete(req any) error {
	v := reflect.ValueOf(req)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	if name := firstMissing(v.Elem()); name != "" {
		return Faultf(&types.InvalidRequest{}, "Required parameter %s is missing", name)
	}
	for i := range v.Elem().NumField() {
		if err := checkObject(v.Elem().Field(i)); err != nil {
			return err
		}
	}
	return nil
}

// checkObject looks for missing properties in all data objects below a value.
func checkObject(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return checkObject(v.Elem())
		}
	case reflect.Slice:
		if plain(v.Type().Elem().Kind()) {
			return nil
		}
		for i := range v.Len() {
			if err := checkObject(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		if v.Type() == goTime || v.Type() == referenceType {
			return nil
		}
		if name := firstMissing(v); name != "" {
			return Faultf(&types.InvalidRequest{}, "Required property %s is missing from data object of type %s", name, v.Type().Name())
		}
		for i := range v.NumField() {
			if err := checkObject(v.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

var referenceType = reflect.TypeFor[types.ManagedObjectReference]()

// firstMissing names the first required object that a struct does not have.
func firstMissing(v reflect.Value) string {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("xml"), ",")
		if name == "" || name == "-" || !field.IsExported() || strings.Contains(options, "omitempty") {
			continue
		}
		empty := field.Type.Kind() == reflect.Interface && v.Field(i).IsNil()
		if field.Type == referenceType {
			empty = v.Field(i).Interface().(types.ManagedObjectReference).Value == ""
		}
		if empty {
			return name
		}
	}
	return ""
}
