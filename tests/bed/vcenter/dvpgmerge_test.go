package main

import (
	"reflect"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func macPolicy(inherited bool, learning *types.DVSMacLearningPolicy) *types.DVSMacManagementPolicy {
	return &types.DVSMacManagementPolicy{
		InheritablePolicy: types.InheritablePolicy{Inherited: inherited},
		AllowPromiscuous:  types.NewBool(false), MacChanges: types.NewBool(false), ForgedTransmits: types.NewBool(true),
		MacLearningPolicy: learning,
	}
}

func learning(limit int32) *types.DVSMacLearningPolicy {
	return &types.DVSMacLearningPolicy{
		Enabled: true, AllowUnicastFlooding: types.NewBool(true), Limit: types.NewInt32(limit), LimitPolicy: "drop",
	}
}

func TestMergePortSetting(t *testing.T) {
	parent := defaultSwitchSetting()
	inherits := inheritedSetting(parent)
	own := mergePortSetting(inherits, &types.VMwareDVSPortSetting{
		Vlan: &types.VmwareDistributedVirtualSwitchVlanIdSpec{VlanId: 7}, MacManagementPolicy: macPolicy(false, learning(100)),
	}, parent, MergeKeep)
	off := &types.VMwareDVSPortSetting{MacManagementPolicy: &types.DVSMacManagementPolicy{MacLearningPolicy: &types.DVSMacLearningPolicy{}}}

	cases := []struct {
		name   string
		cur    *types.VMwareDVSPortSetting
		spec   *types.VMwareDVSPortSetting
		leaves MergeMode
		check  func(*types.VMwareDVSPortSetting) bool
	}{
		{"an empty spec changes nothing", own, &types.VMwareDVSPortSetting{}, MergeKeep,
			func(s *types.VMwareDVSPortSetting) bool { return reflect.DeepEqual(s, own) }},
		{"an untouched policy stays", own, &types.VMwareDVSPortSetting{Vlan: &types.VmwareDistributedVirtualSwitchVlanIdSpec{VlanId: 8}}, MergeKeep,
			func(s *types.VMwareDVSPortSetting) bool {
				return reflect.DeepEqual(s.MacManagementPolicy, own.MacManagementPolicy) && s.Vlan.(*types.VmwareDistributedVirtualSwitchVlanIdSpec).VlanId == 8
			}},
		{"a VLAN of another kind replaces the old one", own, &types.VMwareDVSPortSetting{Vlan: &types.VmwareDistributedVirtualSwitchTrunkVlanSpec{}}, MergeKeep,
			func(s *types.VMwareDVSPortSetting) bool {
				_, ok := s.Vlan.(*types.VmwareDistributedVirtualSwitchTrunkVlanSpec)
				return ok
			}},
		{"an unset leaf is kept", own, off, MergeKeep, func(s *types.VMwareDVSPortSetting) bool {
			l := s.MacManagementPolicy.MacLearningPolicy
			return !l.Enabled && *l.Limit == 100 && l.LimitPolicy == "drop" && *s.MacManagementPolicy.ForgedTransmits
		}},
		{"an unset leaf is reset", own, off, MergeReset, func(s *types.VMwareDVSPortSetting) bool {
			l := s.MacManagementPolicy.MacLearningPolicy
			return !l.Enabled && *l.Limit == 4096 && l.LimitPolicy == "allow" && !*s.MacManagementPolicy.ForgedTransmits
		}},
		{"inherited drops the values that come with it", own,
			&types.VMwareDVSPortSetting{MacManagementPolicy: macPolicy(true, learning(5))}, MergeKeep,
			func(s *types.VMwareDVSPortSetting) bool {
				return s.MacManagementPolicy.Inherited && !s.MacManagementPolicy.MacLearningPolicy.Enabled && s.SecurityPolicy.Inherited
			}},
		{"the first own value ends the inheritance", inherits,
			&types.VMwareDVSPortSetting{MacManagementPolicy: &types.DVSMacManagementPolicy{ForgedTransmits: types.NewBool(true)}}, MergeKeep,
			func(s *types.VMwareDVSPortSetting) bool {
				m := s.MacManagementPolicy
				return !m.Inherited && *m.ForgedTransmits && *m.MacLearningPolicy.Limit == 4096 && !s.SecurityPolicy.Inherited
			}},
		{"only learning is inherited", own,
			&types.VMwareDVSPortSetting{MacManagementPolicy: &types.DVSMacManagementPolicy{
				MacLearningPolicy: &types.DVSMacLearningPolicy{InheritablePolicy: types.InheritablePolicy{Inherited: true}, Enabled: true},
			}}, MergeKeep,
			func(s *types.VMwareDVSPortSetting) bool {
				m := s.MacManagementPolicy
				return !m.Inherited && m.MacLearningPolicy.Inherited && !m.MacLearningPolicy.Enabled && *m.ForgedTransmits
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := cloneValue(c.cur)
			got := mergePortSetting(c.cur, c.spec, parent, c.leaves)
			if !c.check(got) {
				t.Errorf("got %+v, learning %+v", got.MacManagementPolicy, got.MacManagementPolicy.MacLearningPolicy)
			}
			if !reflect.DeepEqual(before, c.cur) {
				t.Error("the current setting was written to")
			}
		})
	}
}

func TestInheritedSettingIsInheritedThroughout(t *testing.T) {
	var walk func(reflect.Value, string)
	walk = func(v reflect.Value, path string) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem(), path)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				name := v.Type().Field(i).Name
				if name == "Inherited" && !v.Field(i).Bool() {
					t.Errorf("%s is not inherited", path)
				}
				walk(v.Field(i), path+"."+name)
			}
		}
	}
	walk(reflect.ValueOf(inheritedSetting(defaultSwitchSetting())), "setting")
}

func TestMirrorSecurity(t *testing.T) {
	parent := defaultSwitchSetting()
	security := &types.DVSSecurityPolicy{AllowPromiscuous: boolPolicy(false, types.NewBool(true))}
	cur := mergePortSetting(inheritedSetting(parent), &types.VMwareDVSPortSetting{MacManagementPolicy: macPolicy(false, learning(100))}, parent, MergeKeep)

	legacy := mergePortSetting(cur, &types.VMwareDVSPortSetting{SecurityPolicy: security}, parent, MergeKeep)
	if m := legacy.MacManagementPolicy; !*m.AllowPromiscuous || !*m.ForgedTransmits || !m.MacLearningPolicy.Enabled {
		t.Errorf("a legacy write must set the shared flags and leave learning alone: %+v", m)
	}
	both := mergePortSetting(cur, &types.VMwareDVSPortSetting{SecurityPolicy: security, MacManagementPolicy: macPolicy(false, nil)}, parent, MergeKeep)
	if *both.MacManagementPolicy.AllowPromiscuous || *both.SecurityPolicy.AllowPromiscuous.Value {
		t.Error("macManagementPolicy must win over securityPolicy")
	}
}

func TestCheckMacManagement(t *testing.T) {
	cases := []struct {
		name      string
		policy    *types.DVSMacManagementPolicy
		supported bool
		want      types.BaseMethodFault
	}{
		{"nothing asked", nil, false, nil},
		{"learning on a switch that can", macPolicy(false, learning(1)), true, nil},
		{"learning on a switch that cannot", macPolicy(false, learning(1)), false, &types.NotSupported{}},
		{"no learning on a switch that cannot", macPolicy(false, &types.DVSMacLearningPolicy{}), false, nil},
		{"inherited on a switch that cannot", macPolicy(true, learning(1)), false, nil},
		{"limit too high", macPolicy(false, learning(4097)), true, &types.InvalidArgument{}},
		{"limit negative", macPolicy(false, learning(-1)), true, &types.InvalidArgument{}},
		{"policy in capitals", macPolicy(false, &types.DVSMacLearningPolicy{Enabled: true, LimitPolicy: "DROP"}), true, nil},
		{"policy unknown", macPolicy(false, &types.DVSMacLearningPolicy{Enabled: true, LimitPolicy: "forward"}), true, &types.InvalidArgument{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			assertFault(t, checkMacManagement(c.policy, c.supported, ""), c.want)
			if c.policy != nil && c.policy.MacLearningPolicy != nil && c.policy.MacLearningPolicy.LimitPolicy == "DROP" {
				t.Error("the limit policy must be lower-cased")
			}
		})
	}
}

// assertFault compares the vim fault of an error by its type.
func assertFault(t *testing.T, err error, want types.BaseMethodFault) {
	t.Helper()
	if err == nil || want == nil {
		if (err == nil) != (want == nil) {
			t.Fatalf("got %v, want %T", err, want)
		}
		return
	}
	if got := asFault(err).VimFault; reflect.TypeOf(got) != reflect.TypeOf(want) {
		t.Fatalf("got %T, want %T", got, want)
	}
}
