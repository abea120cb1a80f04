package main

import (
	"testing"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

func TestAChangeThatNobodyAnnouncedIsFoundByTheSweep(t *testing.T) {
	twin := newTestTwin(t, "-sweep", "500ms")
	go twin.sweep(t.Context())
	c := newClient(t, twin, "operator")
	vm := refs(twin, "VirtualMachine")[0]
	c.watch(c.listView(vm), types.PropertySpec{Type: "VirtualMachine", PathSet: []string{"config.annotation"}})
	_, version := c.drain("")

	twin.world.Lock()
	twin.registry().Get(vm).(*simulator.VirtualMachine).Config.Annotation = "changed behind everybody's back"
	twin.world.Unlock()

	set := c.wait(version, 10)
	if set == nil {
		t.Fatal("no update came")
	}
	if got := set.FilterSet[0].ObjectSet[0].ChangeSet[0].Val; got != "changed behind everybody's back" {
		t.Errorf("the update says %v", got)
	}
}
