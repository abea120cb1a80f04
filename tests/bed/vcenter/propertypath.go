package main

import (
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// propertyPath is a parsed path such as config.hardware.device[4000].backing or
// config.extraConfig["guestinfo.x"].value.
type propertyPath struct {
	text  string
	steps []pathStep
}

type pathStep struct {
	name string
	key  string // the element's key, when keyed
	is   bool   // keyed
}

// parsePath reads a path; false for text that is no path at all.
func parsePath(text string) (propertyPath, bool) {
	p := propertyPath{text: text}
	rest := text
	for rest != "" {
		end := strings.IndexAny(rest, ".[")
		step := pathStep{name: rest}
		if end >= 0 {
			step.name = rest[:end]
			rest = rest[end:]
		} else {
			rest = ""
		}
		if step.name == "" {
			return p, false
		}
		if strings.HasPrefix(rest, "[") {
			var ok bool
			if step.key, rest, ok = parseKey(rest[1:]); !ok {
				return p, false
			}
			step.is = true
		}
		p.steps = append(p.steps, step)
		if rest == "" {
			break
		}
		if rest[0] != '.' || len(rest) == 1 {
			return p, false
		}
		rest = rest[1:]
	}
	return p, len(p.steps) > 0
}

// parseKey reads `"text"]` or `123]` and returns what follows.
func parseKey(s string) (key, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		end := strings.Index(s[1:], `"]`)
		if end < 0 {
			return "", "", false
		}
		return s[1 : 1+end], s[end+3:], true
	}
	key, rest, ok = strings.Cut(s, "]")
	if _, err := strconv.Atoi(key); err != nil {
		return "", "", false
	}
	return key, rest, ok
}

// fieldIndexes maps wire names to Go fields, per struct type.
var fieldIndexes sync.Map // reflect.Type -> map[string][]int

// fieldIndex finds a struct's field by its name on the wire. Shallow fields win
// over embedded ones, as in Go.
func fieldIndex(t reflect.Type, name string) ([]int, bool) {
	cached, ok := fieldIndexes.Load(t)
	if !ok {
		m := map[string][]int{}
		collectFields(t, nil, m)
		cached, _ = fieldIndexes.LoadOrStore(t, m)
	}
	index, ok := cached.(map[string][]int)[name]
	return index, ok
}

func collectFields(t reflect.Type, prefix []int, out map[string][]int) {
	var embedded []int
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			embedded = append(embedded, i)
			continue
		}
		if !f.IsExported() || f.Name == "Self" {
			continue
		}
		name := wireName(f)
		if _, shadowed := out[name]; !shadowed {
			out[name] = append(append([]int(nil), prefix...), i)
		}
	}
	for _, i := range embedded {
		if ft := t.Field(i).Type; ft.Kind() == reflect.Struct {
			collectFields(ft, append(append([]int(nil), prefix...), i), out)
		}
	}
}

// wireName is a field's SOAP name: its xml or json tag.
func wireName(f reflect.StructField) string {
	for _, tag := range []string{"xml", "json"} {
		if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" && name != "-" {
			return name
		}
	}
	return strings.ToLower(f.Name[:1]) + f.Name[1:]
}

// outcome of reading a path.
type outcome int

const (
	valueFound outcome = iota
	valueUnset
	valueInvalid
	valueDenied // the reader lacks a privilege, see viewer.read
)

// read follows the path from a managed object's struct.
func (p propertyPath) read(v reflect.Value) (reflect.Value, outcome) {
	for _, step := range p.steps {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			if v.IsNil() {
				return v, valueUnset
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return v, valueInvalid
		}
		index, ok := fieldIndex(v.Type(), step.name)
		if !ok {
			return v, valueInvalid
		}
		if v = v.FieldByIndex(index); absent(v) {
			return v, valueUnset
		}
		if step.is {
			if v.Kind() != reflect.Slice {
				return v, valueInvalid
			}
			if v, ok = element(v, step.key); !ok {
				return v, valueUnset
			}
		}
	}
	return v, valueFound
}

// element finds the element of an array whose "key" member equals key.
func element(list reflect.Value, key string) (reflect.Value, bool) {
	for i := range list.Len() {
		item := list.Index(i)
		for item.Kind() == reflect.Interface || item.Kind() == reflect.Pointer {
			if item.IsNil() {
				break
			}
			item = item.Elem()
		}
		if item.Kind() != reflect.Struct {
			return item, false
		}
		index, ok := fieldIndex(item.Type(), "key")
		if !ok {
			return item, false
		}
		switch k := item.FieldByIndex(index); k.Kind() {
		case reflect.String:
			if k.String() == key {
				return item, true
			}
		case reflect.Int32:
			if strconv.FormatInt(k.Int(), 10) == key {
				return item, true
			}
		}
	}
	return reflect.Value{}, false
}

// absent tells whether an optional value is absent.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		switch x := v.Interface().(type) {
		case types.ManagedObjectReference:
			return x.Value == ""
		case interface{ IsZero() bool }:
			return x.IsZero()
		}
	}
	return false
}

// valid tells whether a path can exist on a managed object type, whatever the
// object's present state. Past a polymorphic member (an interface in Go) the
// known subtypes count as well, because a path such as
// config.defaultPortConfig.macManagementPolicy reaches into one.
func (p propertyPath) valid(t reflect.Type) bool {
	candidates := []reflect.Type{t}
	for _, step := range p.steps {
		var next []reflect.Type
		for _, c := range candidates {
			index, ok := fieldIndex(c, step.name)
			if !ok {
				continue
			}
			ft := c.FieldByIndex(index).Type
			if step.is {
				if ft.Kind() != reflect.Slice {
					continue
				}
				ft = ft.Elem()
			}
			next = append(next, structsOf(ft)...)
		}
		if len(next) == 0 {
			return false
		}
		candidates = next
	}
	return true
}

// structsOf lists the types a member may hold. A leaf is listed as itself.
func structsOf(t reflect.Type) []reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Interface:
		var out []reflect.Type
		base := strings.TrimPrefix(t.Name(), "Base")
		for _, name := range append([]string{base}, subtypes[base]...) {
			if st, ok := typeOf(name); ok {
				out = append(out, st)
			}
		}
		if len(out) == 0 { // AnyType and the like
			out = append(out, emptyStruct)
		}
		return out
	case reflect.Struct:
		return []reflect.Type{t}
	}
	return []reflect.Type{emptyStruct}
}

var emptyStruct = reflect.TypeOf(struct{}{})

// subtypes lists, for polymorphic members that clients watch into, what they hold.
var subtypes = map[string][]string{
	"DVPortSetting":             {"VMwareDVSPortSetting"},
	"DVSConfigInfo":             {"VMwareDVSConfigInfo"},
	"DVPortgroupPolicy":         {"VMwareDVSPortgroupPolicy"},
	"DVSFeatureCapability":      {"VMwareDVSFeatureCapability"},
	"DVSHealthCheckConfig":      {"VMwareDVSVlanMtuHealthCheckConfig", "VMwareDVSTeamingHealthCheckConfig"},
	"ComputeResourceSummary":    {"ClusterComputeResourceSummary"},
	"ComputeResourceConfigInfo": {"ClusterConfigInfoEx"},
	"DatastoreInfo":             {"VmfsDatastoreInfo", "NasDatastoreInfo", "LocalDatastoreInfo", "VsanDatastoreInfo"},
	"VirtualDevice": {
		"VirtualDisk", "VirtualE1000", "VirtualE1000e", "VirtualVmxnet3", "VirtualCdrom", "VirtualTPM",
		"VirtualEthernetCard", "VirtualController", "VirtualSCSIController",
	},
	"VirtualDeviceBackingInfo": {
		"VirtualEthernetCardDistributedVirtualPortBackingInfo", "VirtualEthernetCardNetworkBackingInfo",
		"VirtualDiskFlatVer2BackingInfo", "VirtualCdromIsoBackingInfo",
	},
	"OptionValue": {"OptionValue"},
	"TaskReason":  {"TaskReasonUser", "TaskReasonSystem", "TaskReasonAlarm", "TaskReasonSchedule"},
	"VmwareDistributedVirtualSwitchVlanSpec": {
		"VmwareDistributedVirtualSwitchVlanIdSpec", "VmwareDistributedVirtualSwitchTrunkVlanSpec",
		"VmwareDistributedVirtualSwitchPvlanSpec",
	},
}

// managedType is the Go struct of a managed object type, nil when unknown.
func managedType(name string) (t reflect.Type) {
	if cached, ok := managedTypes.Load(name); ok {
		return cached.(reflect.Type)
	}
	defer func() {
		if recover() != nil { // mo panics on an unknown type name
			t = nil
		}
	}()
	content := types.ObjectContent{Obj: types.ManagedObjectReference{Type: name}}
	obj, err := mo.ObjectContentToType(content, true)
	if err != nil {
		return nil
	}
	t = reflect.TypeOf(obj)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	managedTypes.Store(name, t)
	return t
}

var managedTypes sync.Map

// isA tells whether a managed object type is another one or inherits from it.
func isA(kind, ancestor string) bool {
	if kind == ancestor || ancestor == "ManagedObject" {
		return true
	}
	t := managedType(kind)
	if t == nil {
		return false
	}
	f, ok := t.FieldByName(ancestor)
	return ok && f.Anonymous
}
