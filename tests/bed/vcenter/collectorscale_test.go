package main

import (
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// scaleLimit is how fast one change has to reach a waiting client that watches
// 10,000 virtual machines and 10,000 port groups.
const scaleLimit = 50 * time.Millisecond

func TestOneChangeAmongTwentyThousandObjectsIsDeliveredFast(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("measures time")
	}
	twin := newTestTwin(t)
	t.Logf("seeding 10,000 machines and 10,000 port groups took %v", seed(t, twin, `{"vms": 10000, "portGroups": 10000}`))

	watcher, admin := newClient(t, twin, "operator@vsphere.local"), newClient(t, twin, "alice@lab.example")
	machines := refs(twin, "VirtualMachine")
	view := watcher.listView(append(machines, refs(twin, "DistributedVirtualPortgroup")...)...)
	watcher.watch(view,
		types.PropertySpec{Type: "VirtualMachine", PathSet: []string{
			"name", "config.changeVersion", "config.nestedHVEnabled", "config.hardware.numCPU", "runtime.powerState"}},
		types.PropertySpec{Type: "DistributedVirtualPortgroup", PathSet: []string{
			"name", "config.configVersion", "config.defaultPortConfig", "vm"}},
		types.PropertySpec{Type: "Task", PathSet: []string{"info.state"}})
	start := time.Now()
	n, version := watcher.drain("")
	t.Logf("first sync of %d objects took %v", n, time.Since(start))
	if n < 20000 {
		t.Fatalf("%d objects entered, want 20,000 and more", n)
	}

	worst := func(what string, change func(i int)) {
		var slowest time.Duration
		for i := range 10 {
			arrived := make(chan time.Time)
			go func() {
				if set := watcher.wait(version, 10); set != nil {
					version = set.Version
				}
				arrived <- time.Now()
			}()
			start := time.Now()
			change(i)
			slowest = max(slowest, (<-arrived).Sub(start))
			_, version = watcher.drain(version)
		}
		t.Logf("%s reached the waiting client after %v at worst, limit %v", what, slowest, scaleLimit)
		if slowest > scaleLimit {
			t.Errorf("%s: the slowest of 10 took %v, limit %v", what, slowest, scaleLimit)
		}
	}
	worst("a reconfigured machine", func(i int) {
		target := machines[i*37]
		admin.must("ReconfigVM_Task", target, &types.ReconfigVM_Task{
			This: target, Spec: types.VirtualMachineConfigSpec{NumCPUs: int32(2 + i%3)},
		})
	})
	worst("an object that joined the list view", func(int) {
		task := taskOf(t, admin.must("ReconfigVM_Task", machines[0], &types.ReconfigVM_Task{This: machines[0]}))
		watcher.must("ModifyListView", view, &types.ModifyListView{This: view, Add: []types.ManagedObjectReference{task}})
	})

	t.Run("twenty clients", func(t *testing.T) { twentyClients(t, twin, machines) })
}

// twentyClients lets one change be waited for by many who watch everything.
func twentyClients(t *testing.T, twin *Twin, machines []types.ManagedObjectReference) {
	const clients = 20
	limit := clients / 4 * scaleLimit // they share the machine's cores
	admin := newClient(t, twin, "alice@lab.example")
	arrived := make(chan time.Time)
	waiters := make([]*client, clients)
	versions := make([]string, clients)
	for i := range clients {
		waiters[i] = newClient(t, twin, "operator@vsphere.local")
		waiters[i].watch(waiters[i].listView(machines...),
			types.PropertySpec{Type: "VirtualMachine", PathSet: []string{"config.changeVersion"}})
		_, versions[i] = waiters[i].drain("")
	}
	for i := range clients {
		go func() {
			if set := waiters[i].wait(versions[i], 30); set == nil {
				t.Errorf("client %d heard nothing", i)
			}
			arrived <- time.Now()
		}()
	}
	start := time.Now()
	admin.must("ReconfigVM_Task", machines[5], &types.ReconfigVM_Task{
		This: machines[5], Spec: types.VirtualMachineConfigSpec{Annotation: "seen by all"},
	})
	var slowest time.Duration
	for range clients {
		slowest = max(slowest, (<-arrived).Sub(start))
	}
	t.Logf("one change reached %d waiting clients after %v at worst, limit %v", clients, slowest, limit)
	if slowest > limit {
		t.Errorf("the slowest of %d clients took %v, limit %v", clients, slowest, limit)
	}
}
