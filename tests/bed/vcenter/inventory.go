package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// inventory is what the rules have to remember beside the stock simulator's
// objects: names held by running tasks, ports of distributed switches and the
// guests inside virtual machines. It is guarded by the world lock.
type inventory struct {
	churn
	rules     Rules
	reserved  map[nameKey]types.ManagedObjectReference // by the task that reserved it
	switches  map[types.ManagedObjectReference]*portTable
	guests    map[types.ManagedObjectReference]*guest
	snapshots map[types.ManagedObjectReference]*snapshotMemo
	busy      map[types.ManagedObjectReference]*turn // the last task on each machine
	stored    map[string]*storedMachine              // unregistered machines by the path of their configuration file
	byUUID    map[string]types.ManagedObjectReference
	lastMac   uint32
	versions  int64
	standard  standardMemo // standard switches, see networks.go
}

// registerRules lists the handlers of the rules, and completes each new model.
func registerRules(t *Twin) {
	t.OnModel(func(t *Twin) {
		t.inventory = newInventory()
		ctx := t.newContext(nil)
		t.adoptNetworks(ctx)
		t.adoptHostNetworks(ctx)
		t.adoptHosts()
		t.completeMachines(ctx)
	})
	registerPortgroups(t)
	registerSwitches(t)
	registerHostNetworks(t)
	registerMachines(t)
	registerMachineExtras(t)
	registerSnapshots(t)
	registerRelocation(t)
	registerFolders(t)
	registerPools(t)
	registerDatastores(t)
	registerHosts(t)
	registerClusters(t)
	registerEnvironment(t)
	registerSearch(t)
}

func newInventory() *inventory {
	return &inventory{
		churn:     newChurn(),
		rules:     DefaultRules(),
		reserved:  map[nameKey]types.ManagedObjectReference{},
		switches:  map[types.ManagedObjectReference]*portTable{},
		guests:    map[types.ManagedObjectReference]*guest{},
		busy:      map[types.ManagedObjectReference]*turn{},
		stored:    map[string]*storedMachine{},
		snapshots: map[types.ManagedObjectReference]*snapshotMemo{},
		byUUID:    map[string]types.ManagedObjectReference{},
		standard:  newStandardMemo(),
	}
}

// reserve holds a name for a running task.
func (inv *inventory) reserve(key nameKey, task types.ManagedObjectReference) {
	inv.reserved[key] = task
}

// release gives a name back when its task has ended.
func (inv *inventory) release(key nameKey) { delete(inv.reserved, key) }

// reservedBy returns the running task that holds a name. A reservation dies
// with its task, also when a fault was injected and the body never ran.
func (inv *inventory) reservedBy(r *simulator.Registry, key nameKey) *simulator.Task {
	ref, ok := inv.reserved[key]
	if !ok {
		return nil
	}
	task, alive := r.Get(ref).(*simulator.Task)
	if !alive || task.Info.CompleteTime != nil {
		delete(inv.reserved, key)
		return nil
	}
	return task
}

// failedTask starts a task whose outcome is known at submission. Latency and
// holds do not apply to it: the server refuses such a call at once.
func (c *Call) failedTask(entity types.ManagedObjectReference, descriptionID string, err error) types.ManagedObjectReference {
	if c.failTask == nil {
		c.failTask = asFault(err)
	}
	c.taskDelay = nil
	return c.StartTask(entity, descriptionID, func(*TaskContext) (any, error) { return nil, err })
}

// datacenterOf walks up to the datacenter of an entity.
func datacenterOf(r *simulator.Registry, ref types.ManagedObjectReference) *simulator.Datacenter {
	for {
		switch e := r.Get(ref).(type) {
		case *simulator.Datacenter:
			return e
		case mo.Entity:
			if e.Entity().Parent == nil {
				return nil
			}
			ref = *e.Entity().Parent
		default:
			return nil
		}
	}
}
