package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// A cluster of 64 hosts with 500 port groups each is the largest that a test asks
// for. The last groups must be as cheap as the first: a list that is searched for
// each new one, or a network folder that is walked, shows as a multiple here.
func TestAddingPortGroupsStaysCheap(t *testing.T) {
	hosts, groups := 64, 500
	if raceEnabled {
		hosts, groups = 8, 100
	}
	twin := newTestTwin(t, "-host", fmt.Sprint(hosts), "-standalone-host", "0", "-vm", "0")
	seed(t, twin, `{"portGroups": 2000}`) // what else lies in the network folder
	c := newClient(t, twin, "alice")
	var systems []types.ManagedObjectReference
	for _, ref := range refs(twin, "HostSystem") {
		systems = append(systems, *twin.registry().Get(ref).(*simulator.HostSystem).ConfigManager.NetworkSystem)
	}
	round := func(from, to int) time.Duration {
		start := time.Now()
		for i := from; i < to; i++ {
			for _, system := range systems {
				c.must("AddPortGroup", system, &types.AddPortGroup{This: system, Portgrp: types.HostPortGroupSpec{
					Name: fmt.Sprintf("lab-%d", i), VlanId: int32(i), VswitchName: "vSwitch0",
				}})
			}
		}
		return time.Since(start)
	}

	first := round(0, groups/5)
	round(groups/5, groups-groups/5)
	last := round(groups-groups/5, groups)

	t.Logf("%d hosts: the first %d groups each took %v, the last %v", hosts, groups/5, first.Round(time.Millisecond), last.Round(time.Millisecond))
	if last > 4*first+time.Second {
		t.Errorf("the last groups took %v, the first %v", last, first)
	}
	if n := len(refs(twin, "Network")); n != groups+1 {
		t.Errorf("%d networks, want %d", n, groups+1)
	}
	host := twin.registry().Get(refs(twin, "HostSystem")[0]).(*simulator.HostSystem)
	if got, want := len(host.Config.Network.Portgroup), groups+2; got != want {
		t.Errorf("%d port groups on a host, want %d", got, want)
	}
}
