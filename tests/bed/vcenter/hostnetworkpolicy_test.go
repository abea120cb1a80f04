package main

import (
	"reflect"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestAPortGroupInheritsWhatItLeavesUnset(t *testing.T) {
	yes, no := types.NewBool(true), types.NewBool(false)
	parent := defaultSwitchPolicy([]string{"vmnic0", "vmnic1"})
	for name, c := range map[string]struct {
		own  types.HostNetworkPolicy
		want func(*types.HostNetworkPolicy)
	}{
		"nothing": {types.HostNetworkPolicy{}, func(*types.HostNetworkPolicy) {}},
		"empty groups": {
			types.HostNetworkPolicy{Security: &types.HostNetworkSecurityPolicy{}, ShapingPolicy: &types.HostNetworkTrafficShapingPolicy{}},
			func(*types.HostNetworkPolicy) {},
		},
		"one flag": {
			types.HostNetworkPolicy{Security: &types.HostNetworkSecurityPolicy{MacChanges: no}},
			func(p *types.HostNetworkPolicy) { p.Security.MacChanges = no },
		},
		"shaping": {
			types.HostNetworkPolicy{ShapingPolicy: &types.HostNetworkTrafficShapingPolicy{Enabled: yes, PeakBandwidth: 5}},
			func(p *types.HostNetworkPolicy) { p.ShapingPolicy.Enabled, p.ShapingPolicy.PeakBandwidth = yes, 5 },
		},
		"offload": {
			types.HostNetworkPolicy{OffloadPolicy: &types.HostNetOffloadCapabilities{ZeroCopyXmit: no}},
			func(p *types.HostNetworkPolicy) { p.OffloadPolicy.ZeroCopyXmit = no },
		},
		"a leaf of the failure criteria": {
			types.HostNetworkPolicy{NicTeaming: &types.HostNicTeamingPolicy{FailureCriteria: &types.HostNicFailureCriteria{Percentage: 3}}},
			func(p *types.HostNetworkPolicy) { p.NicTeaming.FailureCriteria.Percentage = 3 },
		},
		"an order with no active adapter": {
			types.HostNetworkPolicy{NicTeaming: &types.HostNicTeamingPolicy{NicOrder: &types.HostNicOrderPolicy{StandbyNic: []string{"vmnic1"}}}},
			func(p *types.HostNetworkPolicy) {
				p.NicTeaming.NicOrder = &types.HostNicOrderPolicy{StandbyNic: []string{"vmnic1"}}
			},
		},
	} {
		want := cloneValue(*parent)
		c.want(&want)
		if got := inheritPolicy(parent, &c.own); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
		if !reflect.DeepEqual(parent, defaultSwitchPolicy([]string{"vmnic0", "vmnic1"})) {
			t.Fatalf("%s: the switch's own policy changed", name)
		}
	}
}

func TestAnUpdateOfASwitchKeepsWhatItLeavesUnset(t *testing.T) {
	uplinks := []string{"vmnic0"}
	current := defaultSwitchPolicy(uplinks)
	current.Security.AllowPromiscuous = types.NewBool(true)
	current.NicTeaming.NicOrder = &types.HostNicOrderPolicy{StandbyNic: uplinks}

	if got := switchPolicy(current, nil, uplinks); !reflect.DeepEqual(got, current) {
		t.Errorf("without a policy: %+v", got)
	}
	asked := &types.HostNetworkPolicy{NicTeaming: &types.HostNicTeamingPolicy{Policy: "failover_explicit"}}
	got := switchPolicy(current, asked, uplinks)
	if !isTrue(got.Security.AllowPromiscuous) || got.NicTeaming.Policy != "failover_explicit" {
		t.Errorf("with a teaming: %+v", got)
	}
	if want := (&types.HostNicOrderPolicy{ActiveNic: uplinks}); !reflect.DeepEqual(got.NicTeaming.NicOrder, want) {
		t.Errorf("an order that is unset is %+v, want the server's default %+v", got.NicTeaming.NicOrder, want)
	}
}
