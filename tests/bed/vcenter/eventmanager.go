package main

import (
	"slices"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// EventManager and its collectors.

// maxCollectors is how many collectors of a kind one session may have.
// Documented: the number is per client and in maxCollector; observed: 32 of each kind.
const maxCollectors = 32

// EventCollector is an EventHistoryCollector. It keeps no events, only its place in
// the history: what it shows is what the history holds.
type EventCollector struct {
	t       *Twin
	session *Session // whose permissions decide what it shows
	self    types.ManagedObjectReference
	filter  *eventFilter

	mu     sync.Mutex
	size   int
	cursor int32 // items up to this key lie before the scrollable position
}

// page is what the client sees at once: the newest matching events, newest first.
func (c *EventCollector) page() []*eventRecord {
	c.mu.Lock()
	size := c.size
	c.mu.Unlock()
	return c.filter.newest(c.t.events, size, c.t.viewer(c.session))
}

func (c *EventCollector) shown(records []*eventRecord) []types.BaseEvent {
	out := make([]types.BaseEvent, 0, len(records))
	full := c.filter.spec.DisableFullMessage == nil || !*c.filter.spec.DisableFullMessage
	for _, r := range records {
		out = append(out, rendered(r.event, full))
	}
	return out
}

// properties is the collector as a managed object. The world is held.
func (c *EventCollector) properties() any {
	return &mo.EventHistoryCollector{
		HistoryCollector: mo.HistoryCollector{Self: c.self, Filter: c.filter.spec},
		LatestPage:       c.shown(c.page()),
	}
}

// read scrolls: forward to newer events or back to older ones.
func (c *EventCollector) read(count int, forward bool) []*eventRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	eyes := c.t.viewer(c.session)
	list := c.filter.candidates(c.t.events)
	at := after(list, c.cursor)
	var out []*eventRecord
	for len(out) < count && ((forward && at < len(list)) || (!forward && at > 0)) {
		var r *eventRecord
		if forward {
			r = list[at]
			at++
			c.cursor = r.key()
		} else {
			at--
			r = list[at]
			c.cursor = r.key() - 1
		}
		if c.filter.matches(r) && eyes.seesHistory(r.about) {
			out = append(out, r)
		}
	}
	return out
}

func (c *EventCollector) setPage(size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size = size
}

func (c *EventCollector) rewind() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursor = 0
}

// reset goes to the item just before the latest page.
func (c *EventCollector) reset() {
	page := c.page()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursor = c.t.events.lastKey
	if len(page) > 0 {
		c.cursor = page[len(page)-1].key() - 1
	}
}

func (c *EventCollector) forget() { c.t.events.unwatch(c) }

// queryEvents models EventManager.QueryEvents. Documented: an empty list when nothing
// qualifies. Inferred: the newest when there are more than maxCount, 1000 at most.
func queryEvents(c *Call, req any) (any, error) {
	filter, err := c.newEventFilter(req.(*types.QueryEvents).Filter, maxPage)
	if err != nil {
		return nil, err
	}
	reader := &EventCollector{t: c.Twin, session: c.Session, filter: filter, size: filter.size}
	return &types.QueryEventsResponse{Returnval: reader.shown(reader.page())}, nil
}

// createEventCollector models EventManager.CreateCollectorForEvents. Documented: lives
// until its session ends; InvalidState when the session has too many; the scrollable
// position is the oldest item.
func createEventCollector(c *Call, req any) (any, error) {
	filter, err := c.newEventFilter(req.(*types.CreateCollectorForEvents).Filter, defaultPage)
	if err != nil {
		return nil, err
	}
	if countOwned[*EventCollector](c.Session) >= maxCollectors {
		return nil, NewFault(&types.InvalidState{})
	}
	collector := &EventCollector{
		t: c.Twin, session: c.Session, self: c.sessionRef("EventHistoryCollector"), filter: filter, size: filter.size,
	}
	c.Session.put(collector.self, collector)
	c.Twin.events.watch(collector)
	return &types.CreateCollectorForEventsResponse{Returnval: collector.self}, nil
}

// countOwned counts the objects of one kind that a session has.
func countOwned[T any](s *Session) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, obj := range s.owned {
		if _, ok := obj.(T); ok {
			n++
		}
	}
	return n
}

func (log *eventLog) watch(c *EventCollector) {
	log.mu.Lock()
	defer log.mu.Unlock()
	log.watching[c] = struct{}{}
}

func (log *eventLog) unwatch(c *EventCollector) {
	log.mu.Lock()
	defer log.mu.Unlock()
	delete(log.watching, c)
}

// readEvents models EventHistoryCollector.ReadNextEvents and ReadPreviousEvents.
// Documented: the position moves on with the read; nothing at the end; InvalidArgument
// for a count out of range.
func readEvents(c *Call, asked int32, forward bool) ([]types.BaseEvent, error) {
	collector, ok := c.Session.get(c.This).(*EventCollector)
	if !ok {
		return nil, notFound(c.This)
	}
	if asked <= 0 || asked > maxPage {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "maxCount"})
	}
	return collector.shown(collector.read(int(asked), forward)), nil
}

// postEvent models EventManager.PostEvent.
//
// Documented: key, chain and time are overwritten; a task's info ties the event to the
// task's chain; InvalidArgument for a reference or a severity that is not valid.
// Inferred: so is the user, who is the caller.
func postEvent(c *Call, req any) (any, error) {
	r := req.(*types.PostEvent)
	e := r.EventToPost.GetEvent()
	for _, ref := range pertains(r.EventToPost) {
		if _, isEx := r.EventToPost.(*types.EventEx); !isEx && c.Ctx.Map.Get(ref) == nil {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "eventToPost"})
		}
	}
	if x, ok := r.EventToPost.(*types.EventEx); ok && x.Severity != "" &&
		!slices.Contains(types.EventEventSeverity("").Strings(), x.Severity) {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "eventToPost.severity"})
	}
	c.chain = 0
	if r.TaskInfo != nil {
		c.chain = r.TaskInfo.EventChainId
	}
	e.CreatedTime = c.Twin.now()
	c.post(r.EventToPost)
	return &types.PostEventResponse{}, nil
}

// logUserEvent models EventManager.LogUserEvent. Documented: only against the root
// folder, a datacenter, a machine, a host or a compute resource; InvalidArgument for
// any other and for an empty text.
func logUserEvent(c *Call, req any) (any, error) {
	r := req.(*types.LogUserEvent)
	entity, err := c.Entity(r.Entity)
	if err != nil {
		return nil, err
	}
	allowed := r.Entity == c.Twin.content().RootFolder || slices.ContainsFunc(
		[]string{"Datacenter", "VirtualMachine", "HostSystem", "ComputeResource"},
		func(kind string) bool { return isA(r.Entity.Type, kind) })
	if !allowed {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "entity"})
	}
	if r.Msg == "" {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "msg"})
	}
	c.post(&types.GeneralUserEvent{
		GeneralEvent: types.GeneralEvent{Event: c.eventAbout(r.Entity), Message: r.Msg},
		Entity: &types.ManagedEntityEventArgument{
			EntityEventArgument: types.EntityEventArgument{Name: entityName(entity)}, Entity: r.Entity,
		},
	})
	return &types.LogUserEventResponse{}, nil
}

// alarm tells the stock alarm manager of an event that may trigger an alarm.
func (c *Call) alarm(event *types.EventEx) {
	if _, known := c.Ctx.Map.Get(types.ManagedObjectReference{Type: event.ObjectType, Value: event.ObjectId}).(mo.Entity); !known {
		return
	}
	manager := c.Ctx.Map.EventManager()
	copied := *event // stock writes its own key into it
	manager.PostEvent(c.Ctx, &types.PostEvent{EventToPost: &copied})
	if page := c.Twin.events.tap.GetLatestPage(); len(page) > 0 {
		c.Twin.events.tapped = page[0].GetEvent().Key // it is in the history already
	}
}

// startEvents gives a new model its history.
func startEvents(t *Twin) {
	t.events = newEventLog()
	if manager, ok := t.registry().Get(*t.content().EventManager).(*simulator.EventManager); ok {
		manager.Description.EventInfo = eventInfo()
		manager.MaxCollector = maxCollectors
	}
	t.tapStock()
}

func registerEvents(t *Twin) {
	t.OnModel(startEvents)
	t.HandleMode("QueryEvents", "EventManager", Reader, queryEvents)
	t.HandleMode("CreateCollectorForEvents", "EventManager", Reader, createEventCollector)
	t.Handle("PostEvent", "EventManager", postEvent)
	t.Handle("LogUserEvent", "EventManager", logUserEvent)
	t.HandleMode("ReadNextEvents", "EventHistoryCollector", Reader, func(c *Call, req any) (any, error) {
		events, err := readEvents(c, req.(*types.ReadNextEvents).MaxCount, true)
		return &types.ReadNextEventsResponse{Returnval: events}, err
	})
	t.HandleMode("ReadPreviousEvents", "EventHistoryCollector", Reader, func(c *Call, req any) (any, error) {
		events, err := readEvents(c, req.(*types.ReadPreviousEvents).MaxCount, false)
		return &types.ReadPreviousEventsResponse{Returnval: events}, err
	})
}
