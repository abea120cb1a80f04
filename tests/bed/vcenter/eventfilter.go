package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// eventFilter is an EventFilterSpec that was checked.
type eventFilter struct {
	spec types.EventFilterSpec
	size int // how many at most, of a query and of the latest page
}

const (
	// maxPage and defaultPage bound a page. Observed: the limits the stock simulator
	// took from a server; documented is only that InvalidArgument says "out of range".
	maxPage     = 1000
	defaultPage = 10
)

// pageSize checks a number of items; 0 is the default.
func pageSize(asked int32, fallback int, field string) (int, error) {
	switch {
	case asked == 0:
		return fallback, nil
	case asked < 0 || asked > maxPage:
		return 0, NewFault(&types.InvalidArgument{InvalidProperty: field})
	}
	return int(asked), nil
}

// newEventFilter checks a spec.
//
// Documented (EventManager.CreateCollectorForEvents): InvalidArgument for an invalid
// reference to a managed object, alarm or scheduled task, and for an unknown type.
func (c *Call) newEventFilter(spec types.EventFilterSpec, fallback int) (*eventFilter, error) {
	size, err := pageSize(spec.MaxCount, fallback, "filter.maxCount")
	if err != nil {
		return nil, err
	}
	invalid := func(field string) error {
		return NewFault(&types.InvalidArgument{InvalidProperty: "filter." + field})
	}
	if e := spec.Entity; e != nil {
		if c.Ctx.Map.Get(e.Entity) == nil {
			return nil, invalid("entity.entity")
		}
		if !slices.Contains(e.Recursion.Values(), e.Recursion) {
			return nil, invalid("entity.recursion")
		}
	}
	if spec.Alarm != nil && c.Ctx.Map.Get(*spec.Alarm) == nil {
		return nil, invalid("alarm")
	}
	if spec.ScheduledTask != nil && c.Ctx.Map.Get(*spec.ScheduledTask) == nil {
		return nil, invalid("scheduledTask")
	}
	if spec.EventChainId < 0 {
		return nil, invalid("eventChainId")
	}
	for _, name := range spec.Type {
		kind, known := typeOf(name)
		if !known || !reflect.PointerTo(kind).Implements(eventType) {
			return nil, invalid("type")
		}
	}
	return &eventFilter{spec, size}, nil
}

var eventType = reflect.TypeFor[types.BaseEvent]()

// candidates is the shortest list of the log that holds all events that can match.
func (f *eventFilter) candidates(log *eventLog) []*eventRecord {
	switch e := f.spec.Entity; {
	case f.spec.EventChainId != 0:
		return log.byChain[f.spec.EventChainId]
	case e != nil && e.Recursion == types.EventFilterSpecRecursionOptionSelf && !isContainer(e.Entity):
		return log.byEntity[e.Entity]
	}
	return log.records
}

// newest lists the latest matching events, the newest first, up to a number.
func (f *eventFilter) newest(log *eventLog, limit int, eyes *viewer) []*eventRecord {
	var out []*eventRecord
	for _, r := range slices.Backward(f.candidates(log)) {
		if len(out) >= limit {
			break
		}
		if f.matches(r) && eyes.seesHistory(r.about) {
			out = append(out, r)
		}
	}
	return out
}

// seesHistory tells whether what happened to some objects is shown. Documented
// (TaskManager.recentTask): access to a task is access to its entity. Inferred: the same
// for events, and what is about no object is shown to everybody.
func (v *viewer) seesHistory(about []types.ManagedObjectReference) bool {
	return v.everything || len(about) == 0 || slices.ContainsFunc(about, v.sees)
}

// matches tells whether an event is one the client asked for.
func (f *eventFilter) matches(r *eventRecord) bool {
	e := r.event.GetEvent()
	return (f.spec.EventChainId == 0 || f.spec.EventChainId == e.ChainId) &&
		f.matchesTime(e) && f.matchesUser(e) && f.matchesType(r.event) && f.matchesEntity(r) &&
		f.matchesCause(r.event) && matchesTag(f.spec.Tag, e.ChangeTag) &&
		(len(f.spec.Category) == 0 || slices.Contains(f.spec.Category, category(r.event)))
}

func (f *eventFilter) matchesTime(e *types.Event) bool {
	span := f.spec.Time
	return span == nil || ((span.BeginTime == nil || !e.CreatedTime.Before(*span.BeginTime)) &&
		(span.EndTime == nil || !e.CreatedTime.After(*span.EndTime)))
}

func (f *eventFilter) matchesUser(e *types.Event) bool {
	by := f.spec.UserName
	return by == nil || matchesUser(by.SystemUser, by.UserList, e.UserName)
}

// matchesUser: the system's doings if asked for, and those of the named users, or of
// all regular users when none is named.
// Documented (EventFilterSpecByUsername); inferred: what has no user is the system's.
func matchesUser(system bool, names []string, user string) bool {
	if user == "" {
		return system
	}
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, user) })
}

// matchesTag: documented, a blank tag stands for what has none.
func matchesTag(tags []string, tag string) bool {
	return len(tags) == 0 || slices.Contains(tags, tag)
}

// matchesType: documented, eventTypeId is the id of an EventEx or ExtendedEvent, else
// the event's own type. Inferred: the deprecated `type` names a type or what it inherits.
func (f *eventFilter) matchesType(event types.BaseEvent) bool {
	if ids := f.spec.EventTypeId; len(ids) > 0 && !slices.Contains(ids, typeIDOf(event)) {
		return false
	}
	if len(f.spec.Type) == 0 {
		return true
	}
	kind := reflect.TypeOf(event).Elem()
	return slices.ContainsFunc(f.spec.Type, func(name string) bool {
		if kind.Name() == name {
			return true
		}
		base, ok := kind.FieldByName(name)
		return ok && base.Anonymous
	})
}

// typeIDOf is what eventTypeId is compared with.
func typeIDOf(event types.BaseEvent) string {
	switch x := event.(type) {
	case *types.EventEx:
		return x.EventTypeId
	case *types.ExtendedEvent:
		return x.EventTypeId
	}
	return reflect.TypeOf(event).Elem().Name()
}

// matchesEntity: documented, self is the object's own events, children those of what is
// in it, all both; of a folder or a resource pool it is always what is in it.
func (f *eventFilter) matchesEntity(r *eventRecord) bool {
	by := f.spec.Entity
	if by == nil {
		return true
	}
	return inScope(by.Entity, string(by.Recursion), r.about, r.above)
}

func inScope(entity types.ManagedObjectReference, recursion string, about, above []types.ManagedObjectReference) bool {
	if isContainer(entity) {
		return slices.Contains(above, entity)
	}
	self := recursion != string(types.EventFilterSpecRecursionOptionChildren) && slices.Contains(about, entity)
	below := recursion != string(types.EventFilterSpecRecursionOptionSelf) && slices.Contains(above, entity)
	return self || below
}

func isContainer(ref types.ManagedObjectReference) bool {
	return isA(ref.Type, "Folder") || isA(ref.Type, "ResourcePool")
}

// matchesCause: documented, only the events of an alarm or a scheduled task.
func (f *eventFilter) matchesCause(event types.BaseEvent) bool {
	if ref := f.spec.Alarm; ref != nil {
		e, ok := event.(types.BaseAlarmEvent)
		if !ok || e.GetAlarmEvent().Alarm.Alarm != *ref {
			return false
		}
	}
	if ref := f.spec.ScheduledTask; ref != nil {
		e, ok := event.(types.BaseScheduledTaskEvent)
		if !ok || e.GetScheduledTaskEvent().ScheduledTask.ScheduledTask != *ref {
			return false
		}
	}
	return true
}
