package main

import (
	"fmt"
	"log"
	"runtime"
	"runtime/debug"
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

// recentTaskLimit bounds TaskManager.recentTask. Source: simulator/task_manager.go, "the VC limit".
const recentTaskLimit = 200

// TaskBody is the work of a task. It runs in its own goroutine with the world
// held for writing, so it may read and change anything without further locks.
type TaskBody func(tc *TaskContext) (result any, err error)

// TaskContext is what a running task body works with.
type TaskContext struct {
	*Call
	Task  types.ManagedObjectReference
	task  *simulator.Task
	epoch int64 // the world it was started in
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
	t := c.Twin
	task := &simulator.Task{}
	task.Self = types.ManagedObjectReference{Type: "Task", Value: "task-" + strconv.FormatInt(t.taskCounter.Add(1), 10)}
	chain := int32(t.chainCounter.Add(1))
	task.Info = types.TaskInfo{
		Key:           task.Self.Value,
		Task:          task.Self,
		Name:          c.Method,
		DescriptionId: descriptionID,
		Entity:        &entity,
		EntityName:    t.nameOf(entity),
		State:         types.TaskInfoStateQueued,
		Cancelable:    false,
		Reason:        &types.TaskReasonUser{UserName: c.User},
		QueueTime:     t.now(),
		EventChainId:  chain,
	}
	c.chain = chain
	c.putTask(task)
	t.trimRecentTasks()
	t.Touch(task.Self, entity, *t.content().TaskManager)

	tc := &TaskContext{Call: c, Task: task.Self, task: task, epoch: t.epoch.Load()}
	turn := c.turn
	t.running.Add(1)
	go func() {
		defer t.running.Done()
		turn.await()
		defer turn.pass()
		tc.run(body)
	}()
	return task.Self
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
		result, fault := tc.execute(body)
		tc.finish(result, fault)
	})
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

// trimRecentTasks keeps the recentTask lists to what a vCenter shows.
func (t *Twin) trimRecentTasks() {
	manager := t.registry().Get(*t.content().TaskManager).(*simulator.TaskManager)
	if n := len(manager.RecentTask); n > recentTaskLimit {
		manager.RecentTask = append([]types.ManagedObjectReference(nil), manager.RecentTask[n-recentTaskLimit:]...)
	}
}

// purgeTasks removes tasks that ended longer ago than the retention.
func (t *Twin) purgeTasks(retention time.Duration) {
	t.world.Lock()
	defer t.world.Unlock()
	ctx := t.newContext(nil)
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

// cancelTask models Task.CancelTask: a task of the twin is not cancelable.
// Source: TaskInfo.cancelable; CancelTask on such a task is NotSupported (documented).
func cancelTask(c *Call, _ any) (any, error) {
	task := c.Ctx.Map.Get(c.This).(*simulator.Task)
	if task.Info.CompleteTime != nil {
		return nil, NewFault(&types.InvalidState{})
	}
	return nil, NewFault(&types.NotSupported{})
}

func registerTasks(t *Twin) {
	t.Handle("CancelTask", "Task", cancelTask)
}
