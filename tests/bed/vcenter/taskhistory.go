package main

import (
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// The history of tasks and its collectors. A Task object lives for ten minutes after
// its end; what it said stays readable here for as long as events do.

// taskLimit bounds the memory of the history.
const taskLimit = 20_000

// taskRecord is a task in the order of creation.
type taskRecord struct {
	number int64
	task   *simulator.Task
	about  []types.ManagedObjectReference
	above  []types.ManagedObjectReference
}

// taskLog is guarded by the world lock, but for its collectors.
type taskLog struct {
	limit   int
	last    int64
	records []*taskRecord // by number, ascending
	live    map[types.ManagedObjectReference]*TaskContext

	mu       sync.Mutex
	watching map[*TaskCollector]struct{}
}

func newTaskLog() *taskLog {
	return &taskLog{
		limit: taskLimit, live: map[types.ManagedObjectReference]*TaskContext{},
		watching: map[*TaskCollector]struct{}{},
	}
}

// add remembers a new task.
func (t *Twin) addTaskRecord(task *simulator.Task) {
	log := t.tasks
	log.last++
	r := &taskRecord{number: log.last, task: task}
	if entity := task.Info.Entity; entity != nil {
		r.about = []types.ManagedObjectReference{*entity}
		r.above = t.aboveEntity(*entity)
	}
	log.records = append(log.records, r)
	if len(log.records) > log.limit {
		log.records = log.records[1:]
	}
}

// aboveEntity lists what an entity is in, pools of machines included.
func (t *Twin) aboveEntity(ref types.ManagedObjectReference) []types.ManagedObjectReference {
	e, ok := t.registry().Get(ref).(mo.Entity)
	if !ok {
		return nil
	}
	out := t.ancestors(e)
	if vm, ok := e.(*simulator.VirtualMachine); ok && vm.ResourcePool != nil {
		out = append(out, *vm.ResourcePool)
		if pool, ok := t.registry().Get(*vm.ResourcePool).(mo.Entity); ok {
			out = append(out, t.ancestors(pool)...)
		}
	}
	return out
}

// announceTask marks the collectors: a task was created, or its state changed.
// Observed (a note in the simulator's task_manager.go): progress alone marks nothing.
func (t *Twin) announceTask() {
	t.tasks.mu.Lock()
	defer t.tasks.mu.Unlock()
	for c := range t.tasks.watching {
		t.Touch(c.self)
	}
}

// purge drops the tasks that were created longer ago than the history is kept. The
// world is held.
func (log *taskLog) purge(now time.Time) {
	limit := now.Add(-historyRetention)
	for len(log.records) > 0 {
		task := log.records[0].task
		if _, open := log.live[task.Self]; open || task.Info.QueueTime.After(limit) {
			return
		}
		log.records = log.records[1:]
	}
}

// TaskCollector is a TaskHistoryCollector.
type TaskCollector struct {
	t       *Twin
	session *Session // whose permissions decide what it shows
	self    types.ManagedObjectReference
	spec    types.TaskFilterSpec

	mu     sync.Mutex
	size   int
	cursor int64 // tasks up to this number lie before the scrollable position
}

// page is the newest matching tasks, newest first.
func (c *TaskCollector) page() []*taskRecord {
	c.mu.Lock()
	size := c.size
	c.mu.Unlock()
	eyes := c.t.viewer(c.session)
	var out []*taskRecord
	for _, r := range slices.Backward(c.t.tasks.records) {
		if len(out) >= size {
			break
		}
		if c.matches(r) && eyes.seesHistory(r.about) {
			out = append(out, r)
		}
	}
	return out
}

func infosOf(records []*taskRecord) []types.TaskInfo {
	out := make([]types.TaskInfo, 0, len(records))
	for _, r := range records {
		out = append(out, r.task.Info)
	}
	return out
}

// properties is the collector as a managed object. The world is held.
func (c *TaskCollector) properties() any {
	return &mo.TaskHistoryCollector{
		HistoryCollector: mo.HistoryCollector{Self: c.self, Filter: c.spec}, LatestPage: infosOf(c.page()),
	}
}

func (c *TaskCollector) read(count int, forward bool) []*taskRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	eyes := c.t.viewer(c.session)
	list := c.t.tasks.records
	at := sort.Search(len(list), func(i int) bool { return list[i].number > c.cursor })
	var out []*taskRecord
	for len(out) < count && ((forward && at < len(list)) || (!forward && at > 0)) {
		var r *taskRecord
		if forward {
			r = list[at]
			at++
			c.cursor = r.number
		} else {
			at--
			r = list[at]
			c.cursor = r.number - 1
		}
		if c.matches(r) && eyes.seesHistory(r.about) {
			out = append(out, r)
		}
	}
	return out
}

func (c *TaskCollector) setPage(size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size = size
}

func (c *TaskCollector) rewind() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursor = 0
}

// reset goes to the task just before the latest page.
func (c *TaskCollector) reset() {
	page := c.page()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursor = c.t.tasks.last
	if len(page) > 0 {
		c.cursor = page[len(page)-1].number - 1
	}
}

func (c *TaskCollector) forget() {
	c.t.tasks.mu.Lock()
	defer c.t.tasks.mu.Unlock()
	delete(c.t.tasks.watching, c)
}

// matches tells whether a task is one the client asked for. Documented: TaskFilterSpec.
func (c *TaskCollector) matches(r *taskRecord) bool {
	info, spec := &r.task.Info, &c.spec
	return (spec.Entity == nil || inScope(spec.Entity.Entity, string(spec.Entity.Recursion), r.about, r.above)) &&
		(len(spec.State) == 0 || slices.Contains(spec.State, info.State)) &&
		(len(spec.EventChainId) == 0 || slices.Contains(spec.EventChainId, info.EventChainId)) &&
		(len(spec.ActivationId) == 0 || slices.Contains(spec.ActivationId, info.ActivationId)) &&
		(len(spec.ParentTaskKey) == 0 || slices.Contains(spec.ParentTaskKey, info.ParentTaskKey)) &&
		(len(spec.RootTaskKey) == 0 || slices.Contains(spec.RootTaskKey, info.RootTaskKey)) &&
		matchesTag(spec.Tag, info.ChangeTag) && c.matchesTime(info) && c.matchesReason(info)
}

func (c *TaskCollector) matchesTime(info *types.TaskInfo) bool {
	span := c.spec.Time
	if span == nil {
		return true
	}
	at := &info.QueueTime
	switch span.TimeType {
	case types.TaskFilterSpecTimeOptionStartedTime:
		at = info.StartTime
	case types.TaskFilterSpecTimeOptionCompletedTime:
		at = info.CompleteTime
	}
	return at != nil && (span.BeginTime == nil || !at.Before(*span.BeginTime)) && (span.EndTime == nil || !at.After(*span.EndTime))
}

// matchesReason: who or what started it.
func (c *TaskCollector) matchesReason(info *types.TaskInfo) bool {
	user, alarm, scheduled := "", types.ManagedObjectReference{}, types.ManagedObjectReference{}
	switch reason := info.Reason.(type) {
	case *types.TaskReasonUser:
		user = reason.UserName
	case *types.TaskReasonAlarm:
		alarm = reason.Alarm
	case *types.TaskReasonSchedule:
		scheduled = reason.ScheduledTask
	}
	by := c.spec.UserName
	return (by == nil || matchesUser(by.SystemUser, by.UserList, user)) &&
		(c.spec.Alarm == nil || *c.spec.Alarm == alarm) &&
		(c.spec.ScheduledTask == nil || *c.spec.ScheduledTask == scheduled)
}

// createTaskCollector models TaskManager.CreateCollectorForTasks. Documented: lives
// until its session ends; InvalidState when the session has too many; InvalidArgument
// for an unknown filter. Inferred: an entity that is not there is one.
func createTaskCollector(c *Call, req any) (any, error) {
	spec := req.(*types.CreateCollectorForTasks).Filter
	if e := spec.Entity; e != nil && c.Ctx.Map.Get(e.Entity) == nil {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "filter.entity.entity"})
	}
	if countOwned[*TaskCollector](c.Session) >= maxCollectors {
		return nil, NewFault(&types.InvalidState{})
	}
	collector := &TaskCollector{t: c.Twin, session: c.Session, self: c.sessionRef("TaskHistoryCollector"), spec: spec, size: defaultPage}
	c.Session.put(collector.self, collector)
	c.Twin.tasks.mu.Lock()
	c.Twin.tasks.watching[collector] = struct{}{}
	c.Twin.tasks.mu.Unlock()
	return &types.CreateCollectorForTasksResponse{Returnval: collector.self}, nil
}

// readTasks models TaskHistoryCollector.ReadNextTasks and ReadPreviousTasks.
// Documented: as for events.
func readTasks(c *Call, asked int32, forward bool) ([]types.TaskInfo, error) {
	collector, ok := c.Session.get(c.This).(*TaskCollector)
	if !ok {
		return nil, notFound(c.This)
	}
	if asked <= 0 || asked > maxPage {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "maxCount"})
	}
	return infosOf(collector.read(int(asked), forward)), nil
}

func registerTaskHistory(t *Twin) {
	t.OnModel(func(t *Twin) { t.tasks = newTaskLog() })
	t.HandleMode("CreateCollectorForTasks", "TaskManager", Reader, createTaskCollector)
	t.HandleMode("ReadNextTasks", "TaskHistoryCollector", Reader, func(c *Call, req any) (any, error) {
		tasks, err := readTasks(c, req.(*types.ReadNextTasks).MaxCount, true)
		return &types.ReadNextTasksResponse{Returnval: tasks}, err
	})
	t.HandleMode("ReadPreviousTasks", "TaskHistoryCollector", Reader, func(c *Call, req any) (any, error) {
		tasks, err := readTasks(c, req.(*types.ReadPreviousTasks).MaxCount, false)
		return &types.ReadPreviousTasksResponse{Returnval: tasks}, err
	})
}
