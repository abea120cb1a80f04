package main

import (
	"reflect"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// The history of events: one list by key, and beside it one list per object and one
// per chain, because "who changed this object last?" is asked of each of ten thousand
// objects and must not read the whole history. Old events fall out by number and age.

// eventLimit bounds the memory of the history; a real server's database is bigger.
const eventLimit = 20_000

// historyRetention is how long events and tasks are kept.
// Documented: the server's event.maxAge and task.maxAge, 30 days unless changed.
const historyRetention = 30 * 24 * time.Hour

// eventRecord is an event with what it is about. Neither changes after it was recorded.
type eventRecord struct {
	event types.BaseEvent
	about []types.ManagedObjectReference // the objects that it pertains to
	above []types.ManagedObjectReference // what these were in, when it happened
}

func (r *eventRecord) key() int32 { return r.event.GetEvent().Key }

// eventLog is guarded by the world lock, but for its collectors.
type eventLog struct {
	limit    int
	lastKey  int32
	records  []*eventRecord // by key, ascending, as every list here
	byEntity map[types.ManagedObjectReference][]*eventRecord
	byChain  map[int32][]*eventRecord

	tap      *simulator.EventHistoryCollector // what stock code posts shows up here
	tapped   int32                            // stock's key of the last event taken from it
	mu       sync.Mutex
	watching map[*EventCollector]struct{}
}

func newEventLog() *eventLog {
	return &eventLog{
		limit:    eventLimit,
		byEntity: map[types.ManagedObjectReference][]*eventRecord{},
		byChain:  map[int32][]*eventRecord{},
		watching: map[*EventCollector]struct{}{},
	}
}

// record adds an event as a user caused it and returns its key. A chain of 0 starts
// a chain of its own: the first event of a chain gives the chain its number.
//
// Documented: key, chain and time are the server's. Observed (pyvmomi issue 424): the
// chain of a task's events is the key of the event just before them, its TaskEvent.
func (t *Twin) record(event types.BaseEvent, user string, chain int32) int32 {
	kept := wireCopy(reflect.ValueOf(event)).Interface().(types.BaseEvent)
	e := kept.GetEvent()
	if e.CreatedTime.IsZero() {
		e.CreatedTime = t.now()
	}
	log := t.events
	log.lastKey++
	e.Key, e.ChainId, e.UserName = log.lastKey, chain, user
	if chain == 0 {
		e.ChainId = e.Key
	}
	r := &eventRecord{event: kept, about: pertains(kept)}
	r.above = t.aboveOf(r)
	log.records = append(log.records, r)
	for _, ref := range r.about {
		log.byEntity[ref] = append(log.byEntity[ref], r)
	}
	log.byChain[e.ChainId] = append(log.byChain[e.ChainId], r)
	if len(log.records) > log.limit {
		log.dropOldest()
	}
	if manager := t.registry().EventManager(); manager != nil {
		manager.LatestEvent = rendered(kept, true)
		t.Touch(manager.Self)
	}
	log.announce(t, r)
	return e.Key
}

// announce marks the collectors that the event belongs to.
func (log *eventLog) announce(t *Twin, r *eventRecord) {
	log.mu.Lock()
	defer log.mu.Unlock()
	for c := range log.watching {
		if c.filter.matches(r) {
			t.Touch(c.self)
		}
	}
}

func (log *eventLog) dropOldest() {
	r := log.records[0]
	log.records = log.records[1:]
	for _, ref := range r.about {
		if list := log.byEntity[ref]; len(list) > 1 {
			log.byEntity[ref] = list[1:]
		} else {
			delete(log.byEntity, ref)
		}
	}
	chain := r.event.GetEvent().ChainId
	if list := log.byChain[chain]; len(list) > 1 {
		log.byChain[chain] = list[1:]
	} else {
		delete(log.byChain, chain)
	}
}

// purgeEvents drops what is older than the retention.
func (t *Twin) purgeEvents() {
	t.world.Lock()
	defer t.world.Unlock()
	limit := t.now().Add(-historyRetention)
	for len(t.events.records) > 0 && t.events.records[0].event.GetEvent().CreatedTime.Before(limit) {
		t.events.dropOldest()
	}
}

// after finds where the events with greater keys begin.
func after(list []*eventRecord, key int32) int {
	return sort.Search(len(list), func(i int) bool { return list[i].key() > key })
}

// pertains lists the objects an event is about.
//
// Documented: the arguments of an event name its objects. Inferred: the cluster and
// the datacenter say where it happened, and are its subject only when nothing else is.
func pertains(event types.BaseEvent) []types.ManagedObjectReference {
	e := event.GetEvent()
	var out []types.ManagedObjectReference
	add := func(ref types.ManagedObjectReference) {
		if ref.Value != "" && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	if e.Vm != nil {
		add(e.Vm.Vm)
	}
	if e.Host != nil {
		add(e.Host.Host)
	}
	if e.Ds != nil {
		add(e.Ds.Datastore)
	}
	if e.Net != nil {
		add(e.Net.Network)
	}
	if e.Dvs != nil {
		add(e.Dvs.Dvs)
	}
	switch x := event.(type) {
	case *types.EventEx:
		add(types.ManagedObjectReference{Type: x.ObjectType, Value: x.ObjectId})
	case *types.TaskEvent:
		if x.Info.Entity != nil {
			add(*x.Info.Entity)
		}
	case *types.GeneralUserEvent:
		if x.Entity != nil {
			add(x.Entity.Entity)
		}
	}
	if len(out) == 0 && e.ComputeResource != nil {
		add(e.ComputeResource.ComputeResource)
	}
	if len(out) == 0 && e.Datacenter != nil {
		add(e.Datacenter.Datacenter)
	}
	return out
}

// aboveOf lists what the objects of an event were in: parents, and for a machine its
// pools. An object that is gone was where its latest event saw it.
func (t *Twin) aboveOf(r *eventRecord) []types.ManagedObjectReference {
	var out []types.ManagedObjectReference
	for _, ref := range r.about {
		if t.registry().Get(ref) != nil {
			out = append(out, t.aboveEntity(ref)...)
		} else if seen := t.events.byEntity[ref]; len(seen) > 0 {
			out = append(out, seen[len(seen)-1].above...)
		}
	}
	e := r.event.GetEvent()
	if e.ComputeResource != nil {
		out = append(out, e.ComputeResource.ComputeResource)
	}
	if e.Datacenter != nil {
		out = append(out, e.Datacenter.Datacenter)
	}
	slices.SortFunc(out, func(a, b types.ManagedObjectReference) int {
		if a == b {
			return 0
		}
		if a.Type+a.Value < b.Type+b.Value {
			return -1
		}
		return 1
	})
	return slices.Compact(out)
}

// tapStock begins to listen to what stock code posts, the creation of the model first.
func (t *Twin) tapStock() {
	ctx := t.newContext(nil)
	manager := t.registry().EventManager()
	if manager == nil {
		return
	}
	body, ok := manager.CreateCollectorForEvents(ctx, &types.CreateCollectorForEvents{
		Filter: types.EventFilterSpec{MaxCount: maxPage},
	}).(*methods.CreateCollectorForEventsBody)
	if !ok || body.Res == nil {
		return
	}
	t.events.tap, _ = ctx.Session.Get(body.Res.Returnval).(*simulator.EventHistoryCollector)
	t.takeStockEvents("", 0)
}

// takeStockEvents records what stock code posted since the last time.
func (t *Twin) takeStockEvents(user string, chain int32) {
	log := t.events
	if log.tap == nil {
		return
	}
	page := log.tap.GetLatestPage() // the newest first
	fresh := slices.IndexFunc(page, func(e types.BaseEvent) bool { return e.GetEvent().Key <= log.tapped })
	if fresh < 0 {
		fresh = len(page)
	}
	for _, event := range slices.Backward(page[:fresh]) {
		log.tapped = event.GetEvent().Key
		t.record(event, user, chain)
	}
}
