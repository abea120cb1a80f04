package main

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// seedHosts adds hosts to the model's first cluster, as AddHost_Task does, and gives
// each the datastores of that cluster and membership in the first distributed switch,
// as the model's own hosts have. The world is held.
func (t *Twin) seedHosts(ctx *simulator.Context, dvs *simulator.DistributedVirtualSwitch, count int, prefix string) ([]string, error) {
	made := []string{}
	if count == 0 {
		return made, nil
	}
	cluster, ok := pattern(t, "ClusterComputeResource", func(c *simulator.ClusterComputeResource) bool { return true })
	if !ok {
		return nil, bad("hosts: the model has no cluster; start the twin with -cluster 1 or more")
	}
	call := &Call{Twin: t, Ctx: ctx, Method: "AddHost_Task", This: cluster.Self}
	for i := range count {
		name := fmt.Sprintf("%s-host-%d", prefix, i)
		if err := call.checkNewHost(name, cluster.Host); err != nil {
			return nil, bad("prefix: %s: a host of this name is there already: %s", name, err)
		}
		host, err := call.stockHost(&types.AddHost_Task{
			This: cluster.Self, Spec: types.HostConnectSpec{HostName: name}, AsConnected: true,
		}, "", cluster.Host)
		if err != nil {
			return nil, err
		}
		call.completeNewHost(host, true)
		for _, ref := range cluster.Datastore {
			if ds, ok := ctx.Map.Get(ref).(*simulator.Datastore); ok {
				if simulator.FindReference(host.Datastore, ref) == nil {
					host.Datastore = append(host.Datastore, ref)
				}
				t.mountDatastore(ds, host.Self)
			}
		}
		if dvs != nil {
			call.changeMembers(dvs, switchConfig(dvs), []types.DistributedVirtualSwitchHostMemberConfigSpec{
				{Operation: string(types.ConfigSpecOperationAdd), Host: host.Self},
			})
			t.Touch(dvs.Self)
		}
		made = append(made, host.Self.Value)
	}
	return made, nil
}
