package main

import (
	"reflect"
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25/types"
)

// The simulator leaves some required enumerations empty, and pyVmomi raises
// AttributeError on an empty one: the whole object becomes unreadable. Every
// property that leaves the twin is copied, and the copy is completed here.
// Source: govmomi issue 4084 (observed with pyVmomi 8.0.3.0.1 and 9.1.1.0).

// enumDefaults says what a real server reports for a machine that never used the feature.
var enumDefaults = map[string]string{
	"VirtualMachineFaultToleranceState": string(types.VirtualMachineFaultToleranceStateNotConfigured),
	"VirtualMachineRecordReplayState":   string(types.VirtualMachineRecordReplayStateInactive),
}

type enumField struct {
	index int
	value string
}

var enumPlans sync.Map // reflect.Type -> []enumField

// fillEnums completes the required enumerations of one struct, not of what it points to.
func fillEnums(v reflect.Value) {
	plan, ok := enumPlans.Load(v.Type())
	if !ok {
		plan, _ = enumPlans.LoadOrStore(v.Type(), requiredEnums(v.Type()))
	}
	for _, f := range plan.([]enumField) {
		if field := v.Field(f.index); field.Len() == 0 {
			field.SetString(f.value)
		}
	}
}

// requiredEnums lists the enumerations of a struct that are not optional on the wire.
func requiredEnums(t reflect.Type) []enumField {
	var out []enumField
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() != reflect.String || f.Type.PkgPath() == "" || strings.Contains(f.Tag.Get("xml"), "omitempty") {
			continue
		}
		value, known := enumDefaults[f.Type.Name()]
		if !known {
			values := reflect.New(f.Type).Elem().MethodByName("Values")
			if !values.IsValid() {
				continue
			}
			list := values.Call(nil)[0]
			if list.Len() == 0 {
				continue
			}
			value = list.Index(0).String()
		}
		out = append(out, enumField{i, value})
	}
	return out
}
