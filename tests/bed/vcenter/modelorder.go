package main

import (
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// orderDatastores gives datastores their ids in the order of datacenters and names.
// The simulator makes them while it walks a map of datacenters, so with two or more
// of these the ids would differ from run to run. The world is held.
func (t *Twin) orderDatastores() {
	stores := t.registry().All("Datastore")
	var ids, browsers []types.ManagedObjectReference
	slices.SortFunc(stores, func(a, b mo.Entity) int { return byAge(a.Reference(), b.Reference()) })
	for _, e := range stores {
		ids = append(ids, e.Reference())
		browsers = append(browsers, e.(*simulator.Datastore).Browser)
	}
	slices.SortStableFunc(stores, func(a, b mo.Entity) int {
		if n := byAge(*a.Entity().Parent, *b.Entity().Parent); n != 0 {
			return n
		}
		return strings.Compare(a.Entity().Name, b.Entity().Name)
	})
	fresh := map[types.ManagedObjectReference]types.ManagedObjectReference{}
	for i, e := range stores {
		fresh[e.Reference()] = ids[i]
		fresh[e.(*simulator.Datastore).Browser] = browsers[i]
	}
	t.renumber(fresh)
}

// renumber gives objects other ids, everywhere in the inventory.
func (t *Twin) renumber(fresh map[types.ManagedObjectReference]types.ManagedObjectReference) {
	r := renaming{fresh, map[unsafe.Pointer]bool{}}
	objects := t.registryObjects()
	moved := map[types.ManagedObjectReference]mo.Reference{}
	for ref, obj := range objects {
		if v, ok := managedStruct(obj); ok {
			r.walk(v)
		}
		if to, ok := fresh[ref]; ok {
			moved[to] = obj
		}
	}
	for ref, obj := range moved {
		objects[ref] = obj
	}
}

// renaming replaces each reference once, however many objects share it.
type renaming struct {
	fresh map[types.ManagedObjectReference]types.ManagedObjectReference
	done  map[unsafe.Pointer]bool
}

func (r renaming) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			r.walk(v.Elem())
		}
	case reflect.Slice:
		if !plain(v.Type().Elem().Kind()) {
			for i := range v.Len() {
				r.walk(v.Index(i))
			}
		}
	case reflect.Struct:
		if v.Type() == referenceType {
			r.replace(v)
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				r.walk(v.Field(i))
			}
		}
	}
}

func (r renaming) replace(v reflect.Value) {
	if !v.CanSet() || r.done[v.Addr().UnsafePointer()] {
		return
	}
	r.done[v.Addr().UnsafePointer()] = true
	if to, ok := r.fresh[v.Interface().(types.ManagedObjectReference)]; ok {
		v.Set(reflect.ValueOf(to))
	}
}
