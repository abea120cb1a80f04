package main

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// configChanges words the difference between two configurations.
//
// Observed (a public client's comment): "config.cpuAllocation.shares.shares:
// 2000 -> 32000; ", strings in quotes, devices by key, side effects included.
// For port groups no sample was found; the same form is used (inferred).
func configChanges(before, after any) *types.ChangesInfoEventArgument {
	was, is := map[string]string{}, map[string]string{}
	flatten("config", reflect.ValueOf(before), was)
	flatten("config", reflect.ValueOf(after), is)
	changes := &types.ChangesInfoEventArgument{}
	for _, path := range unionOfKeys(was, is) {
		old, had := was[path]
		now, has := is[path]
		switch {
		case had && has && old != now:
			changes.Modified += fmt.Sprintf("%s: %s -> %s; ", path, old, now)
		case has && !had:
			changes.Added += fmt.Sprintf("%s: %s; ", path, now)
		case had && !has:
			changes.Deleted += fmt.Sprintf("%s: %s; ", path, old)
		}
	}
	return changes
}

func unionOfKeys(maps ...map[string]string) []string {
	seen := map[string]bool{}
	var keys []string
	for _, m := range maps {
		for key := range m {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	sort.Strings(keys)
	return keys
}

// flatten writes every leaf of a data object under its property path.
func flatten(path string, v reflect.Value, out map[string]string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			flatten(path, v.Elem(), out)
		}
	case reflect.Struct:
		if v.Type() == timeType {
			out[path] = fmt.Sprint(v.Interface())
			return
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("xml"), ",")
			switch {
			case field.Anonymous:
				flatten(path, v.Field(i), out)
			case name != "" && name != "-":
				flatten(path+"."+name, v.Field(i), out)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			flatten(path+elementKey(i, v.Index(i)), v.Index(i), out)
		}
	case reflect.String:
		if v.Len() > 0 {
			out[path] = fmt.Sprintf("%q", v.String())
		}
	default:
		out[path] = fmt.Sprint(v.Interface())
	}
}

// elementKey writes a list index the way property paths do: devices and options
// by key, others by position.
func elementKey(i int, v reflect.Value) string {
	switch e := v.Interface().(type) {
	case types.BaseVirtualDevice:
		return fmt.Sprintf("(%d)", e.GetVirtualDevice().Key)
	case types.BaseOptionValue:
		return fmt.Sprintf("(%q)", e.GetOptionValue().Key)
	}
	return fmt.Sprintf("(%d)", i)
}
