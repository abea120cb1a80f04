package main

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Who changed a host's network. No event of a standard port group is documented; the
// trace of such a change is a task of the host.

// leavesTask makes a method of a host's network system leave a finished task behind,
// with its user, its fault if it had one, and the TaskEvent that comes with a task.
//
// Observed: TaskManager.description of a real vCenter has descriptions for these
// methods (host.NetworkSystem.addPortGroup and so on), vCenter's statistics count
// addPortGroup among the tasks, and ESXi logs "Task Created" for methods of this
// object. That a call that fails leaves one too is inferred, and it is a switch
// whether any does: the methods themselves return no task.
func leavesTask(handler Handler) Handler {
	return func(c *Call, req any) (any, error) {
		system, ok := c.Ctx.Map.Get(c.This).(*simulator.HostNetworkSystem)
		res, err := handler(c, req)
		if ok && c.Twin.inventory.rules.HostNetworkLeavesTasks {
			c.leaveTask(system.Host.Self, hostNetworkTask(c.Method), err)
		}
		return res, err
	}
}

// hostNetworkTask is the TaskInfo.descriptionId of a method of HostNetworkSystem.
func hostNetworkTask(method string) string {
	if method == "RefreshNetworkSystem" {
		return "host.NetworkSystem.refresh"
	}
	return "host.NetworkSystem." + strings.ToLower(method[:1]) + method[1:]
}

// leaveTask records work that is done already as a task that is over.
func (c *Call) leaveTask(entity types.ManagedObjectReference, descriptionID string, err error) {
	t := c.Twin
	task := c.newTask(entity, descriptionID)
	info := &task.Info
	done := info.QueueTime
	info.StartTime, info.CompleteTime = &done, &done
	info.State, info.Progress = types.TaskInfoStateSuccess, 100
	if err != nil {
		info.State, info.Progress = types.TaskInfoStateError, 0
		info.Error = asFault(err).Localized()
	}
	c.putTask(task)
	t.trimRecentTasks()
	t.addTaskRecord(task)
	t.announceTask()
	t.Touch(task.Self, entity, *t.content().TaskManager)
}
