package main

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// hostsOf opens the hosts of a twin, its registry and the network of a name.
func hostsOf(twin *Twin) []*simulator.HostSystem {
	var out []*simulator.HostSystem
	for _, ref := range refs(twin, "HostSystem") {
		out = append(out, twin.registry().Get(ref).(*simulator.HostSystem))
	}
	return out
}

func TestAHostTakesItsNetworksAlong(t *testing.T) {
	twin := newTestTwin(t, "-host", "2", "-standalone-host", "0", "-vm", "0")
	hosts := hostsOf(twin)
	ctx := twin.newContextLocked(nil)
	twin.world.Lock()
	defer twin.world.Unlock()
	for _, host := range hosts {
		if err := twin.networkOfHost(ctx, host).addGroup(&types.HostPortGroupSpec{Name: "lab", VswitchName: "vSwitch0"}); err != nil {
			t.Fatal(err)
		}
	}
	network := twin.networkNamed(hosts[0], "lab")
	compute := computeOf(ctx.Map, hosts[0].Parent)

	twin.hostNetworksGone(ctx, hosts[0])
	if got := network.Host; !slices.Equal(got, []types.ManagedObjectReference{hosts[1].Self}) {
		t.Errorf("the network's hosts are %v, want the other one", got)
	}
	if len(hosts[0].Network) != 0 {
		t.Errorf("the host that went still lists %v", hosts[0].Network)
	}
	if !slices.Contains(compute.Network, network.Self) {
		t.Error("the cluster does not list a network of its other host")
	}

	twin.hostNetworksGone(ctx, hosts[1])
	if left := twin.networkNamed(hosts[1], "lab"); left != nil {
		t.Errorf("%s outlives its last host", left.Self)
	}
	if len(compute.Network) != 0 {
		t.Errorf("the cluster lists %v without any host", compute.Network)
	}

	twin.hostNetworksCame(ctx, hosts[1])
	twin.hostNetworksCame(ctx, hosts[1]) // twice is as good as once
	again := twin.networkNamed(hosts[1], "lab")
	if again == nil || again.Self == network.Self {
		t.Fatalf("the network that came back is %v, want a new object", again)
	}
	if got := len(hosts[1].Network); got != 4 { // VM Network, lab, uplinks, DC0_DVPG0
		t.Errorf("the host that came lists %v", hosts[1].Network)
	}
	if !slices.Equal(compute.Network, hosts[1].Network) {
		t.Errorf("the cluster lists %v, its host %v", compute.Network, hosts[1].Network)
	}
}

func TestAHostThatMovesLeavesNoNetworkBehind(t *testing.T) {
	twin := newTestTwin(t, "-cluster", "2", "-host", "1", "-standalone-host", "0", "-vm", "0")
	hosts := hostsOf(twin)
	ctx := twin.newContextLocked(nil)
	twin.world.Lock()
	defer twin.world.Unlock()
	host, to := hosts[0], computeOf(ctx.Map, hosts[1].Parent)
	from := computeOf(ctx.Map, host.Parent)
	if err := twin.networkOfHost(ctx, host).addGroup(&types.HostPortGroupSpec{Name: "lab", VswitchName: "vSwitch0"}); err != nil {
		t.Fatal(err)
	}
	network := twin.networkNamed(host, "lab").Self

	from.Host, to.Host = nil, append(to.Host, host.Self)
	host.Parent = &to.Self
	twin.hostNetworksMoved(ctx, host, from)

	if len(from.Network) != 0 {
		t.Errorf("the cluster that the host left lists %v", from.Network)
	}
	if !slices.Contains(to.Network, network) {
		t.Errorf("the host's new cluster lists %v, not %s", to.Network, network)
	}
}
