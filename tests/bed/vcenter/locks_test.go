package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// TestManyClientsAtOnce is for the race detector: readers, writers, waiters,
// drift, views and a sweep at the same time.
func TestManyClientsAtOnce(t *testing.T) {
	twin := newTestTwin(t)
	machines := refs(twin, "VirtualMachine")
	groups := refs(twin, "DistributedVirtualPortgroup")
	var all sync.WaitGroup
	stop := make(chan struct{})

	for i := range 2 { // watchers
		c := newClient(t, twin, fmt.Sprintf("watcher-%d", i))
		c.watch(c.listView(append(machines, groups...)...),
			types.PropertySpec{Type: "VirtualMachine", PathSet: []string{"name", "config", "summary", "recentTask"}},
			types.PropertySpec{Type: "DistributedVirtualPortgroup", PathSet: []string{"config", "vm"}})
		all.Add(1)
		go func() {
			defer all.Done()
			version := ""
			for {
				select {
				case <-stop:
					return
				default:
				}
				if set := c.wait(version, 1); set != nil {
					version = set.Version
				}
			}
		}()
	}
	var work sync.WaitGroup
	for i, vm := range machines {
		c := newClient(t, twin, fmt.Sprintf("writer-%d", i))
		work.Add(1)
		go func() {
			defer work.Done()
			for n := range 20 {
				c.must("ReconfigVM_Task", vm, &types.ReconfigVM_Task{
					This: vm, Spec: types.VirtualMachineConfigSpec{NumCPUs: int32(1 + n%4), Annotation: fmt.Sprint(n)},
				})
				pc := twin.content().PropertyCollector
				all := true
				c.must("RetrievePropertiesEx", pc, &types.RetrievePropertiesEx{This: pc, SpecSet: []types.PropertyFilterSpec{{
					ObjectSet: []types.ObjectSpec{{Obj: vm}},
					PropSet:   []types.PropertySpec{{Type: "VirtualMachine", All: &all}},
				}}})
				view := c.listView(vm)
				c.must("DestroyView", view, &types.DestroyView{This: view})
			}
		}()
	}
	work.Add(1)
	go func() {
		defer work.Done()
		for n := range 10 {
			post(t, twin, "drift", fmt.Sprintf(`{"object": %q, "set": {"config.annotation": "drift %d"}}`, machines[0].Value, n))
			post(t, twin, "seed", fmt.Sprintf(`{"vms": 1, "portGroups": 1, "prefix": "s%d"}`, n))
			twin.Touch(twin.watchers.watched()...)
			twin.dump()
			twin.tidy()
		}
	}()
	work.Wait()
	close(stop)
	all.Wait()
}

// TestSessionsEndWhileTheirCollectorsLook is a restart in the middle of polls: it
// holds the world and closes collectors that are looking at it.
func TestSessionsEndWhileTheirCollectorsLook(t *testing.T) {
	twin := newTestTwin(t)
	machines := refs(twin, "VirtualMachine")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 300 {
			c := newClient(t, twin, "watcher")
			c.watch(c.listView(machines...), types.PropertySpec{Type: "VirtualMachine", PathSet: []string{"config"}})
			pc := twin.content().PropertyCollector
			var polls sync.WaitGroup
			looking, over := make(chan struct{}), make(chan struct{})
			polls.Add(1)
			go func() {
				defer polls.Done()
				close(looking)
				for {
					select {
					case <-over:
						return
					default: // a fault once the collector is gone, and no matter here
						_, _ = c.call("CheckForUpdates", pc, &types.CheckForUpdates{This: pc})
					}
				}
			}()
			<-looking
			twin.world.Lock()
			twin.sessions.endAll()
			twin.world.Unlock()
			close(over)
			polls.Wait()
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the end of the sessions and a poll wait for each other")
	}
}
