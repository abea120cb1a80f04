package main

import (
	"reflect"

	"github.com/vmware/govmomi/vim25/types"
)

// Merging of a port setting into another: pure functions over data objects.
// Three settings take part: what the group has, what the spec asks for, and
// what the switch has, which is where inherited values come from.

// mergePortSetting returns the setting that a port group shows after a spec.
//
// Observed: the spec is merged per policy object. Clients that send only
// macManagementPolicy (lamw/vghetto-scripts MacLearn.ps1) or only vlan leave
// teaming, shaping and the rest alone. A VLAN spec replaces the old one whole,
// ranges are not joined (evoila/meho pull 3787).
func mergePortSetting(cur, spec, parent *types.VMwareDVSPortSetting, leaves MergeMode) *types.VMwareDVSPortSetting {
	out := cloneValue(cur)
	asked := cloneValue(spec)
	if leaves == MergeReset && asked.MacManagementPolicy != nil && !asked.MacManagementPolicy.Inherited {
		asked.MacManagementPolicy = fillMacDefaults(asked.MacManagementPolicy)
	}
	mergePolicies(reflect.ValueOf(out).Elem(), reflect.ValueOf(asked).Elem(), reflect.ValueOf(parent).Elem())
	mirrorSecurity(out, asked, parent)
	return out
}

// mergePolicies walks the policies of one level; embedded structs are the same
// level.
func mergePolicies(dst, src, parent reflect.Value) {
	for i := range src.NumField() {
		field := src.Type().Field(i)
		if field.Anonymous && field.Type.Kind() == reflect.Struct {
			mergePolicies(dst.Field(i), src.Field(i), parent.Field(i))
			continue
		}
		mergePolicy(dst.Field(i), src.Field(i), parent.Field(i))
	}
}

// mergePolicy merges one member of a setting or of a policy.
//
// Documented: InheritablePolicy. With inherited=true the other fields of the
// policy in a spec are ignored, and a config info always shows the effective
// values. An explicit value sent with inherited=true is therefore dropped
// without a word (evoila/meho issue 3356 saw a VLAN id vanish on 8.0.3).
func mergePolicy(dst, src, parent reflect.Value) {
	if isUnset(src) {
		return
	}
	inherited, inheritable := inheritedFlag(src)
	switch {
	case !inheritable:
		mergeField(dst, src)
	case inherited:
		source := parent
		if isUnset(source) {
			source = src
		}
		cloneInto(dst, source)
		setInherited(dst)
	case src.Kind() == reflect.Interface || isUnset(dst):
		cloneInto(dst, src)
		fillFromParent(dst, parent)
	default:
		merged := reflect.New(dst.Elem().Type())
		cloneInto(merged.Elem(), dst.Elem())
		from := parent
		if isUnset(parent) {
			from = reflect.New(dst.Elem().Type())
		}
		mergePolicies(merged.Elem(), src.Elem(), from.Elem())
		dst.Set(merged)
	}
}

// inheritedFlag finds the `inherited` field of a policy, behind a pointer or an
// interface.
func inheritedFlag(v reflect.Value) (inherited, ok bool) {
	target := v
	for target.Kind() == reflect.Pointer || target.Kind() == reflect.Interface {
		if target.IsNil() {
			return false, false
		}
		target = target.Elem()
	}
	if target.Kind() != reflect.Struct {
		return false, false
	}
	flag := target.FieldByName("Inherited")
	if !flag.IsValid() {
		return false, false
	}
	return flag.Bool(), true
}

// setInherited marks a policy and every policy inside it as inherited.
func setInherited(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			setInherited(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "Inherited" {
				v.Field(i).SetBool(true)
				continue
			}
			setInherited(v.Field(i))
		}
	}
}

// fillFromParent completes a policy that the group did not have yet with the
// values that were in effect, which are the switch's.
func fillFromParent(dst, parent reflect.Value) {
	if dst.Kind() != reflect.Pointer || isUnset(parent) {
		return
	}
	asked := reflect.New(dst.Elem().Type())
	cloneInto(asked.Elem(), dst.Elem())
	whole := reflect.New(dst.Elem().Type())
	cloneInto(whole.Elem(), parent.Elem())
	mergePolicies(whole.Elem(), asked.Elem(), parent.Elem())
	dst.Set(whole)
}

// inheritedSetting is what a new port group has before its spec is looked at:
// everything of the switch, marked as inherited.
func inheritedSetting(parent *types.VMwareDVSPortSetting) *types.VMwareDVSPortSetting {
	out := cloneValue(parent)
	setInherited(reflect.ValueOf(out))
	return out
}

// inheritedOf is a spec that asks for nothing but the inheritance that a setting
// has already, to bring inherited values up to date after the switch changed.
func inheritedOf(setting *types.VMwareDVSPortSetting) *types.VMwareDVSPortSetting {
	out := cloneValue(setting)
	dropOwn(reflect.ValueOf(out).Elem())
	return out
}

func dropOwn(v reflect.Value) {
	for i := range v.NumField() {
		if v.Type().Field(i).Anonymous {
			dropOwn(v.Field(i))
			continue
		}
		if inherited, _ := inheritedFlag(v.Field(i)); !inherited {
			v.Field(i).SetZero()
		}
	}
}

// fillMacDefaults completes a MAC management policy with the product defaults,
// for the reading of the reference in which an unset leaf is a reset.
func fillMacDefaults(asked *types.DVSMacManagementPolicy) *types.DVSMacManagementPolicy {
	out := defaultMacManagement()
	mergeSet(out, asked)
	return out
}

// defaultMacManagement is what a switch has that nobody configured.
//
// Observed: learning off, unicast flooding off, limit 4096, policy ALLOW
// (ansible/ansible pull 55404); the three security flags reject, the default
// of distributed switches since 5.1.
func defaultMacManagement() *types.DVSMacManagementPolicy {
	return &types.DVSMacManagementPolicy{
		AllowPromiscuous: types.NewBool(false),
		MacChanges:       types.NewBool(false),
		ForgedTransmits:  types.NewBool(false),
		MacLearningPolicy: &types.DVSMacLearningPolicy{
			AllowUnicastFlooding: types.NewBool(false),
			Limit:                types.NewInt32(4096),
			LimitPolicy:          string(types.DVSMacLimitPolicyTypeAllow),
		},
	}
}
