package main

import (
	"reflect"
	"strings"
	"unsafe"
)

// memory is a picture of a graph of objects that can be put back later.
//
// The idea: nothing is copied deeply. Every struct, slice and map that the roots
// reach is noted with its address and a shallow copy of what it holds; putting the
// picture back writes the copies to the same addresses. So an object keeps its
// identity, whoever points to it, and a side table that a rule adds to the inventory
// is in the picture without being named here.
type memory struct {
	seen map[cell]struct{}
	undo []func()
}

// cell is one piece of memory as one type.
type cell struct {
	at   unsafe.Pointer
	kind reflect.Type
	size int
}

// picture takes everything that the roots reach; a root is a pointer or a map.
func picture(roots ...any) *memory {
	m := &memory{seen: map[cell]struct{}{}}
	for _, root := range roots {
		m.note(reflect.ValueOf(root))
	}
	m.seen = nil
	return m
}

// restore writes everything back. It may be done more than once.
func (m *memory) restore() {
	for _, f := range m.undo {
		f()
	}
}

func (m *memory) first(at unsafe.Pointer, kind reflect.Type, size int) bool {
	key := cell{at, kind, size}
	if _, had := m.seen[key]; had {
		return false
	}
	m.seen[key] = struct{}{}
	return true
}

// note takes what a value refers to. The value itself belongs to whoever holds it.
func (m *memory) note(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		m.notePointer(v)
	case reflect.Slice:
		m.noteSlice(v)
	case reflect.Map:
		m.noteMap(v)
	case reflect.Interface:
		if !v.IsNil() {
			m.note(v.Elem())
		}
	case reflect.Array:
		for i := range v.Len() {
			m.note(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == goTime || pinned(v.Type()) {
			return
		}
		v = addressable(v)
		for i := range v.NumField() {
			m.note(open(v.Field(i)))
		}
	}
}

func (m *memory) notePointer(v reflect.Value) {
	kind := v.Type().Elem()
	if v.IsNil() || !ours(kind) || !m.first(v.UnsafePointer(), kind, 1) {
		return
	}
	live := reflect.NewAt(kind, v.UnsafePointer()).Elem()
	saved := reflect.New(kind).Elem()
	saved.Set(live)
	m.undo = append(m.undo, func() { putBack(live, saved) })
	m.note(live)
}

func (m *memory) noteSlice(v reflect.Value) {
	if v.Len() == 0 || !m.first(v.UnsafePointer(), v.Type(), v.Len()) {
		return
	}
	saved := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(saved, v)
	live := reflect.New(v.Type()).Elem()
	live.Set(v) // the header of today: the variable may hold another slice later
	m.undo = append(m.undo, func() { reflect.Copy(live, saved) })
	if plain(v.Type().Elem().Kind()) {
		return
	}
	for i := range v.Len() {
		m.note(v.Index(i))
	}
}

func (m *memory) noteMap(v reflect.Value) {
	if v.IsNil() || !m.first(v.UnsafePointer(), v.Type(), 1) {
		return
	}
	live := reflect.New(v.Type()).Elem()
	live.Set(v)
	saved := reflect.MakeMapWithSize(v.Type(), v.Len())
	for it := v.MapRange(); it.Next(); {
		saved.SetMapIndex(it.Key(), it.Value())
		m.note(it.Value())
	}
	m.undo = append(m.undo, func() {
		live.Clear()
		for it := saved.MapRange(); it.Next(); {
			live.SetMapIndex(it.Key(), it.Value())
		}
	})
}

// plain kinds refer to nothing.
func plain(k reflect.Kind) bool { return k <= reflect.Complex128 || k == reflect.String }

// addressable copies a struct that has no address, so that its fields can be opened.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	return out
}

// open lifts the ban on an unexported field of an addressable struct: the simulator's
// state and ours are in such fields.
func open(field reflect.Value) reflect.Value {
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// putBack writes a struct's content, except its locks, which somebody may hold.
func putBack(live, saved reflect.Value) {
	if live.Kind() != reflect.Struct || !hasPinned(live.Type()) {
		live.Set(saved)
		return
	}
	for i := range live.NumField() {
		if field := open(live.Field(i)); !pinned(field.Type()) {
			putBack(field, open(saved.Field(i)))
		}
	}
}

func hasPinned(kind reflect.Type) bool {
	for i := range kind.NumField() {
		f := kind.Field(i).Type
		if pinned(f) || (f.Kind() == reflect.Struct && f != goTime && hasPinned(f)) {
			return true
		}
	}
	return false
}

// pinned types are never read or written: locks, and counters that others step.
func pinned(kind reflect.Type) bool {
	return kind.PkgPath() == "sync" || kind.PkgPath() == "sync/atomic"
}

// processOnly are types that belong to the running process and not to the inventory.
var processOnly = map[string]bool{
	"Twin": true, "Session": true, "Call": true, "TaskContext": true, "turn": true, "control": true, "watchers": true,
	"View": true, "Filter": true, "Collector": true, "Context": true, "Service": true, "Registry": true,
	"SessionManager": true, "PropertyCollector": true, "simVM": true,
	"EventManager": true, "EventHistoryCollector": true, "EventCollector": true, "TaskCollector": true,
}

// ours tells whether a picture follows pointers to a type.
func ours(kind reflect.Type) bool {
	path := kind.PkgPath()
	switch {
	case path == "" || kind == goTime:
		return true
	case path == "main" || path == reflect.TypeFor[Twin]().PkgPath(),
		strings.Contains(path, "govmomi/vim25/"), strings.HasSuffix(path, "govmomi/simulator"):
		return !processOnly[kind.Name()]
	}
	return false
}
