package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Twin is one vCenter: the stock simulator's inventory behind our own dispatch,
// tasks, sessions and property collector.
type Twin struct {
	cfg Config

	// world guards the inventory: every object of the registry and all views.
	// Order of locks: world, then a collector's mu, then watchers.mu, then sessions.mu or control.mu.
	world   sync.RWMutex
	model   *simulator.Model
	service *simulator.Service
	about   types.ServiceContent

	grants   atomic.Pointer[grants] // roles, permissions and groups, see permissions.go
	handlers map[methodKey]registration
	onModel  []func(*Twin)

	checkpoints map[string]*checkpoint // by name; of this model only

	sessions  sessionTable
	watchers  watchers
	control   *control
	inventory *inventory // what the rules remember beside the stock objects, see inventory.go
	events    *eventLog
	tasks     *taskLog

	door   *door   // the listener of the API; none in a test without one
	tracer *tracer // -trace; nil is off

	stockRun    atomic.Pointer[stockRun]
	taskCounter atomic.Int64
	epoch       atomic.Int64 // grows with each reset: tasks of an older world end unseen
	boots       atomic.Int64 // grows with each restart of the service and each reset
	skew        atomic.Int64 // nanoseconds added to the clock
	running     sync.WaitGroup
}

// NewTwin builds a twin with a freshly created model.
func NewTwin(cfg Config) (*Twin, error) {
	seedRandom(cfg.Seed)
	if cfg.InstanceUUID == "" {
		cfg.InstanceUUID = newUUID()
	}
	t := &Twin{cfg: cfg, handlers: map[methodKey]registration{}}
	var err error
	if t.tracer, err = openTracer(cfg.Vcsim); err != nil {
		return nil, err
	}
	t.sessions.init(cfg)
	t.watchers.init()
	t.control = newControl(t)
	registerAll(t)
	if err := t.Reset(); err != nil {
		return nil, err
	}
	return t, nil
}

// OnModel registers a function that completes each freshly created model, with
// the world held: initial configVersions, back references and the like.
func (t *Twin) OnModel(f func(*Twin)) { t.onModel = append(t.onModel, f) }

// Reset throws the inventory, all sessions, tasks, rules and counters away and
// creates the model anew.
func (t *Twin) Reset() error {
	t.boots.Add(1) // what hangs in a stall belongs to the world that goes
	t.sessions.endAll()
	t.control.reset()
	t.world.Lock()
	defer t.world.Unlock()
	t.epoch.Add(1)
	t.watchers.init()
	if t.model != nil {
		t.model.Remove()
	}
	if err := t.createModel(); err != nil {
		return fmt.Errorf("creating the model: %w", err)
	}
	t.checkpoints = map[string]*checkpoint{}
	t.registry().AddHandler(&registryHook{t})
	for _, f := range t.onModel {
		f(t)
	}
	return nil
}

// Close removes what the model keeps on disk.
func (t *Twin) Close() {
	t.sessions.endAll()
	t.control.reset()
	t.epoch.Add(1) // tasks that wait for something end now, unseen
	t.running.Wait()
	t.world.Lock()
	defer t.world.Unlock()
	t.model.Remove()
	t.tracer.close()
}

func (t *Twin) registry() *simulator.Registry { return t.service.Context.Map }

func (t *Twin) content() types.ServiceContent { return t.about }

// now is the twin's clock, which a test may skew.
func (t *Twin) now() time.Time {
	return time.Now().UTC().Add(time.Duration(t.skew.Load()))
}

// nameOf is the inventory name of an entity, or its id for anything else.
func (t *Twin) nameOf(ref types.ManagedObjectReference) string {
	if e, ok := t.registry().Get(ref).(mo.Entity); ok {
		if name := entityName(e); name != "" {
			return name
		}
	}
	return ref.Value
}

// entityName reads an entity's name. Networks and switches carry a field of their
// own, and the embedded ManagedEntity's one may be empty for them.
func entityName(e mo.Entity) string {
	switch x := e.(type) {
	case *simulator.DistributedVirtualPortgroup:
		return x.Name
	case *simulator.DistributedVirtualSwitch:
		return x.Name
	case *mo.Network:
		return x.Name
	case *mo.OpaqueNetwork:
		return x.Name
	}
	return e.Entity().Name
}

// exists tells whether a call's This is there: an inventory object or one of the session.
func (t *Twin) exists(s *Session, ref types.ManagedObjectReference) bool {
	return t.registry().Get(ref) != nil || (s != nil && s.owns(ref))
}

// born is told of each object that enters the registry.
func (t *Twin) born(obj mo.Reference) {
	if vm, ok := obj.(*simulator.VirtualMachine); ok && vm.Runtime.FaultToleranceState == "" {
		vm.Runtime.FaultToleranceState = types.VirtualMachineFaultToleranceStateNotConfigured
		vm.Summary.Runtime.FaultToleranceState = vm.Runtime.FaultToleranceState
	}
	if pool, ok := obj.(*simulator.ResourcePool); ok {
		ownPool(pool)
	}
	ref := obj.Reference()
	t.Touch(ref)
	if e, ok := obj.(mo.Entity); ok && e.Entity().Parent != nil {
		ancestors := t.ancestors(e)
		t.Touch(ancestors[0])
		t.watchers.arrived(ref, ancestors)
	}
}

// died is told of each object before it leaves the registry.
func (t *Twin) died(ref types.ManagedObjectReference) {
	t.Touch(ref)
	if e, ok := t.registry().Get(ref).(mo.Entity); ok && e.Entity().Parent != nil {
		t.Touch(*e.Entity().Parent)
	}
	t.watchers.prune(ref)
	t.forgetEntity(ref)
}

// ancestors lists an entity's parents, the nearest first.
func (t *Twin) ancestors(e mo.Entity) []types.ManagedObjectReference {
	var out []types.ManagedObjectReference
	for parent := e.Entity().Parent; parent != nil; {
		out = append(out, *parent)
		above, ok := t.registry().Get(*parent).(mo.Entity)
		if !ok {
			break
		}
		parent = above.Entity().Parent
	}
	return out
}

// newContextLocked is newContext for callers that do not hold the world.
func (t *Twin) newContextLocked(s *Session) *simulator.Context {
	t.world.RLock()
	defer t.world.RUnlock()
	return t.newContext(s)
}
