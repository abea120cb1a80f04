package main

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"unsafe"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// A checkpoint is what a backup of vCenter holds: the inventory with everything that
// the rules remember of it. Restoring it plays a restore from backup: a restart after
// which the inventory is the older one under the same instanceUuid. The counter of ids
// goes back too, so an id that was given out since may come again for another object
// (inferred: it comes from the database that was restored).
//
// Hosts and datastores go back with the inventory; a real restore leaves them as they
// are and vCenter finds out. Files of machines are the exception: a machine that was
// destroyed since comes back without its files on disk, which no rule here reads.
type checkpoint struct {
	objects map[types.ManagedObjectReference]mo.Reference
	memory  *memory
	counter int64
	undo    []func()
}

// takeCheckpoint pictures the inventory. The world is held.
func (t *Twin) takeCheckpoint() *checkpoint {
	objects := t.registryObjects()
	cp := &checkpoint{
		objects: map[types.ManagedObjectReference]mo.Reference{},
		counter: *t.registryCounter(),
	}
	roots := []any{t.inventory}
	for ref, obj := range objects {
		if _, task := obj.(*simulator.Task); !task {
			cp.objects[ref] = obj
			roots = append(roots, obj)
		}
	}
	cp.memory = picture(roots...)
	manager := t.registry().Get(*t.content().EventManager).(*simulator.EventManager) // its counter must not go back
	latest := manager.LatestEvent
	cp.undo = append(cp.undo, func() { manager.LatestEvent = latest })
	cp.undo = append(cp.undo, t.rememberGrants(), t.events.remember(), t.tasks.remember())
	return cp
}

// remember notes the history of events, which is in the database too.
func (log *eventLog) remember() (undo func()) {
	last, records := log.lastKey, slices.Clone(log.records)
	byEntity, byChain := maps.Clone(log.byEntity), maps.Clone(log.byChain)
	return func() {
		log.lastKey, log.records = last, slices.Clone(records)
		log.byEntity, log.byChain = maps.Clone(byEntity), maps.Clone(byChain)
	}
}

// remember notes the history of tasks.
func (log *taskLog) remember() (undo func()) {
	last, records := log.last, slices.Clone(log.records)
	return func() { log.last, log.records = last, slices.Clone(records) }
}

// restoreCheckpoint makes the inventory that of the checkpoint. The world is held,
// nobody is logged in, and there are no tasks.
func (t *Twin) restoreCheckpoint(cp *checkpoint) {
	rules := t.inventory.rules // the switches belong to the test, not to the vCenter
	objects := t.registryObjects()
	clear(objects)
	for ref, obj := range cp.objects {
		objects[ref] = obj
	}
	cp.memory.restore()
	*t.registryCounter() = cp.counter
	t.inventory.rules = rules
	for _, f := range cp.undo {
		f()
	}
	t.dropTasks() // the references of tasks that had been running
	t.dropStockLocks()
}

// registryObjects and registryCounter are unexported in the simulator; their addresses
// are taken because it offers no way to take an object out and in without its side effects.
func (t *Twin) registryObjects() map[types.ManagedObjectReference]mo.Reference {
	field := reflect.ValueOf(t.registry()).Elem().FieldByName("objects")
	return *(*map[types.ManagedObjectReference]mo.Reference)(unsafe.Pointer(field.UnsafeAddr()))
}

func (t *Twin) registryCounter() *int64 {
	field := reflect.ValueOf(t.registry()).Elem().FieldByName("counter")
	return (*int64)(unsafe.Pointer(field.UnsafeAddr()))
}

func (c *control) routeRestart() {
	c.Route("POST /v1/restart", c.restart)
	c.Route("POST /v1/checkpoint", func(r *http.Request) (any, error) {
		var req struct {
			Name string `json:"name"`
		}
		if err := readJSON(r, &req); err != nil {
			return nil, err
		}
		c.t.world.Lock()
		defer c.t.world.Unlock()
		cp := c.t.takeCheckpoint()
		c.t.checkpoints[req.Name] = cp
		return map[string]int{"objects": len(cp.objects)}, nil
	})
	c.Route("POST /v1/restore", func(r *http.Request) (any, error) {
		var req struct {
			Name string `json:"name"`
			restartRequest
		}
		if err := readJSON(r, &req); err != nil {
			return nil, err
		}
		if err := req.restartRequest.check(c.t); err != nil {
			return nil, err
		}
		if req.Tasks == "finish" {
			return nil, bad("tasks: what was running belongs to the newer state; only lost is possible here")
		}
		c.t.world.RLock()
		cp := c.t.checkpoints[req.Name]
		c.t.world.RUnlock()
		if cp == nil {
			return nil, bad("name: there is no checkpoint %q since the start or the last reset; POST /v1/checkpoint makes one", req.Name)
		}
		return c.bounce(req.restartRequest, func() { c.t.restoreCheckpoint(cp) })
	})
}
