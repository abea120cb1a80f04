package main

import (
	"fmt"
	"log"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// taskRetention is how long a finished task stays readable and in recentTask.
// Source: vm-operator relies on about ten minutes (observed).
const taskRetention = 10 * time.Minute

// recentTaskLimit bounds the completed tasks in TaskManager.recentTask (documented there).
const recentTaskLimit = 200

// TaskBody is the work of a task. It runs in its own goroutine with the world
// held for writing, so it may read and change anything without further locks.
type TaskBody func(tc *TaskContext) (result any, err error)

// TaskContext is what a running task body works with.
type TaskContext struct {
	*Call
	Task      types.ManagedObjectReference
	task      *simulator.Task
	epoch     int64         // the world it was started in
	cancelled chan struct{} // closed when somebody asked to cancel
}

// Progress publishes TaskInfo.progress.
func (tc *TaskContext) Progress(percent int32) {
	tc.task.Info.Progress = percent
	tc.Twin.Touch(tc.Task)
}

// Unlocked runs f without the world, for a body that has to wait. Afterwards objects
// may have gone: look them up again. A body whose world was thrown away ends here.
func (tc *TaskContext) Unlocked(f func()) {
	func() {
		tc.Twin.world.Unlock()
		defer tc.Twin.world.Lock()
		f()
	}()
	if tc.Twin.epoch.Load() != tc.epoch {
		runtime.Goexit()
	}
}

// StartTask creates a task on an entity and runs body in it: queued, running,
// then success or error. It must be called with the world held for writing.
// Latency, holds and injected task faults of the control API apply before the body.
func (c *Call) StartTask(entity types.ManagedObjectReference, descriptionID string, body TaskBody) types.ManagedObjectReference {
	return c.startTask(entity, descriptionID, "", "", body).Task
}

// StartTask starts a task from within another one. Documented: TaskInfo.parentTaskKey
// is the task that created it, rootTaskKey the one at the beginning.
func (tc *TaskContext) StartTask(entity types.ManagedObjectReference, descriptionID string, body TaskBody) types.ManagedObjectReference {
	root := tc.task.Info.RootTaskKey
	if root == "" {
		root = tc.Task.Value
	}
	call := *tc.Call // the child has a chain of its own
	return call.startTask(entity, descriptionID, tc.Task.Value, root, body).Task
}

func (c *Call) startTask(entity types.ManagedObjectReference, descriptionID, parent, root string, body TaskBody) *TaskContext {
	t := c.Twin
	task := c.newTask(entity, descriptionID)
	task.Info.ParentTaskKey, task.Info.RootTaskKey = parent, root
	c.putTask(task)
	t.trimRecentTasks()
	t.addTaskRecord(task)
	t.announceTask()
	t.Touch(task.Self, entity, *t.content().TaskManager)

	tc := &TaskContext{Call: c, Task: task.Self, task: task, epoch: t.epoch.Load(), cancelled: make(chan struct{})}
	t.tasks.live[task.Self] = tc
	turn := c.turn
	t.running.Add(1)
	go func() {
		defer t.running.Done()
		defer survive(descriptionID)
		defer turn.pass()
		turn.awaitOr(tc.cancelled)
		tc.run(body)
		turn.await() // who cancelled while waiting goes at once, who comes next does not
	}()
	return tc
}

// newTask makes a queued task and the TaskEvent that its chain begins with.
// Documented (TaskEvent): the info is a snapshot, so its state is always queued.
func (c *Call) newTask(entity types.ManagedObjectReference, descriptionID string) *simulator.Task {
	t := c.Twin
	task := &simulator.Task{}
	task.Self = types.ManagedObjectReference{Type: "Task", Value: "task-" + strconv.FormatInt(t.taskCounter.Add(1), 10)}
	task.Info = types.TaskInfo{
		Key:           task.Self.Value,
		Task:          task.Self,
		Name:          c.Method,
		DescriptionId: descriptionID,
		Entity:        &entity,
		EntityName:    t.nameOf(entity),
		State:         types.TaskInfoStateQueued,
		Cancelable:    cancelable[c.Method],
		Reason:        &types.TaskReasonUser{UserName: c.User},
		QueueTime:     t.now(),
	}
	event := &types.TaskEvent{Event: t.eventAbout(entity), Info: task.Info}
	event.Info.EventChainId = t.events.lastKey + 1 // a chain is numbered by its first event
	c.chain = t.record(event, c.User, 0)
	task.Info.EventChainId = c.chain
	return task
}

// putTask registers a task; TaskManager's own handler adds it to every recentTask.
// It cannot do so for a switch, whose type name is not that of its Go struct (see
// promoteSwitches): mo.ApplyPropertyChange would follow the wrong layout.
func (c *Call) putTask(task *simulator.Task) {
	entity := *task.Info.Entity
	if !isSwitch(entity.Type) {
		c.Ctx.Map.Put(task)
		return
	}
	task.Info.Entity = &task.Self
	c.Ctx.Map.Put(task)
	task.Info.Entity = &entity
	if e, ok := c.Ctx.Map.Get(entity).(mo.Entity); ok {
		e.Entity().RecentTask = append(e.Entity().RecentTask, task.Self)
	}
}

// run takes a task through its life.
func (tc *TaskContext) run(body TaskBody) {
	t := tc.Twin
	if !tc.step(func() {
		start := t.now()
		tc.task.Info.StartTime = &start
		tc.task.Info.State = types.TaskInfoStateRunning
	}) {
		return
	}
	t.control.waitForTask(tc)
	tc.step(func() {
		if tc.Cancelled() {
			tc.finish(nil, NewFault(&types.RequestCanceled{}))
			return
		}
		result, fault := tc.execute(body)
		tc.finish(result, fault)
	})
}

// Cancelled tells a body that waits or goes in steps that it should undo what it did
// and end with RequestCanceled.
func (tc *TaskContext) Cancelled() bool {
	select {
	case <-tc.cancelled:
		return true
	default:
		return false
	}
}

// step runs f with the world held, unless the world is another one by now.
func (tc *TaskContext) step(f func()) bool {
	t := tc.Twin
	t.world.Lock()
	defer t.world.Unlock()
	if t.epoch.Load() != tc.epoch {
		return false
	}
	f()
	t.Touch(tc.Task)
	t.announceTask()
	return true
}

// execute runs the body with panics turned into a SystemError fault.
func (tc *TaskContext) execute(body TaskBody) (result any, fault *Fault) {
	defer func() {
		if r := recover(); r != nil {
			log.Printf("twin: panic in task %s: %v\n%s", tc.task.Info.DescriptionId, r, debug.Stack())
			result, fault = nil, systemError(fmt.Sprint(r))
		}
	}()
	if tc.failTask != nil {
		return nil, tc.failTask
	}
	result, err := body(tc)
	if err != nil {
		return nil, asFault(err)
	}
	return result, nil
}

// finish writes the outcome and marks what the task may have changed.
func (tc *TaskContext) finish(result any, fault *Fault) {
	t, info := tc.Twin, &tc.task.Info
	done := t.now()
	info.CompleteTime = &done
	delete(t.tasks.live, tc.Task)
	if fault != nil {
		info.State = types.TaskInfoStateError
		info.Error = fault.Localized()
	} else {
		info.State = types.TaskInfoStateSuccess
		info.Progress = 100
		info.Result = result
	}
	t.Touch(*info.Entity)
	t.Touch(morefs(result)...)
	if strings.HasPrefix(tc.Method, "Move") {
		t.watchers.moved()
	}
}

// trimRecentTasks keeps the recentTask list to what a vCenter shows. Documented
// (TaskManager.recentTask): what is queued or runs, and the last 200 that completed.
func (t *Twin) trimRecentTasks() {
	manager := t.registry().Get(*t.content().TaskManager).(*simulator.TaskManager)
	if len(manager.RecentTask) <= recentTaskLimit {
		return
	}
	completed := 0
	kept := make([]types.ManagedObjectReference, 0, len(manager.RecentTask))
	for _, ref := range slices.Backward(manager.RecentTask) {
		if _, open := t.tasks.live[ref]; !open {
			if completed++; completed > recentTaskLimit {
				continue
			}
		}
		kept = append(kept, ref)
	}
	slices.Reverse(kept)
	manager.RecentTask = kept
}

// purgeTasks removes tasks that ended longer ago than the retention.
func (t *Twin) purgeTasks(retention time.Duration) {
	t.world.Lock()
	defer t.world.Unlock()
	ctx := t.newContext(nil)
	t.tasks.purge(t.now())
	limit := t.now().Add(-retention)
	for _, obj := range t.registry().AllReference("Task") {
		task, ok := obj.(*simulator.Task)
		if !ok || task.Info.CompleteTime == nil || task.Info.CompleteTime.After(limit) {
			continue
		}
		manager := t.registry().Get(*t.content().TaskManager).(*simulator.TaskManager)
		simulator.RemoveReference(&manager.RecentTask, task.Self)
		t.Touch(manager.Self)
		if e, ok := t.registry().Get(*task.Info.Entity).(mo.Entity); ok {
			simulator.RemoveReference(&e.Entity().RecentTask, task.Self)
			t.Touch(e.Reference())
		}
		t.registry().Remove(ctx, task.Self)
	}
}

// cancelable lists the methods whose tasks may be cancelled. Documented: those of
// maintenance mode. Inferred: those that copy data.
var cancelable = map[string]bool{
	"EnterMaintenanceMode_Task": true, "ExitMaintenanceMode_Task": true,
	"CloneVM_Task": true, "RelocateVM_Task": true, "MigrateVM_Task": true, "CloneVApp_Task": true,
}

// cancelTask models Task.CancelTask.
//
// Documented: NotSupported when the task is not cancelable; InvalidState when it is
// over; several requests count as one; the call may return before the task ends, which
// ends in state error with RequestCanceled. What it has begun is undone: a body of the
// twin either has not started, or runs to its end in one go.
func cancelTask(c *Call, _ any) (any, error) {
	task := c.Ctx.Map.Get(c.This).(*simulator.Task)
	tc := c.Twin.tasks.live[c.This]
	switch {
	case task.Info.CompleteTime != nil || tc == nil:
		return nil, NewFault(&types.InvalidState{})
	case !task.Info.Cancelable:
		return nil, NewFault(&types.NotSupported{})
	}
	if !task.Info.Cancelled {
		task.Info.Cancelled = true
		close(tc.cancelled)
	}
	return &types.CancelTaskResponse{}, nil
}

func registerTasks(t *Twin) {
	registerTaskHistory(t)
	t.Handle("CancelTask", "Task", cancelTask)
}
