package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Calls that answer at once and still leave a task behind, with the events of what they
// did in its chain.

// recordedCalls are methods that are no *_Task and show up as tasks.
//
// Observed: their names are in TaskManager.description of a real server; of a host's
// network vCenter's statistics count addPortGroup among the tasks, and ESXi logs "Task
// Created" for them. Inferred: a call of them is a task, failed ones too.
var recordedCalls = map[methodKey]string{
	{"UnregisterVM", "VirtualMachine"}:            "VirtualMachine.unregister",
	{"MarkAsTemplate", "VirtualMachine"}:          "VirtualMachine.markAsTemplate",
	{"MarkAsVirtualMachine", "VirtualMachine"}:    "VirtualMachine.markAsVirtualMachine",
	{"ShutdownGuest", "VirtualMachine"}:           "VirtualMachine.shutdownGuest",
	{"RebootGuest", "VirtualMachine"}:             "VirtualMachine.rebootGuest",
	{"CreateFolder", "Folder"}:                    "Folder.createFolder",
	{"AddVirtualSwitch", "HostNetworkSystem"}:     "host.NetworkSystem.addVirtualSwitch",
	{"UpdateVirtualSwitch", "HostNetworkSystem"}:  "host.NetworkSystem.updateVirtualSwitch",
	{"RemoveVirtualSwitch", "HostNetworkSystem"}:  "host.NetworkSystem.removeVirtualSwitch",
	{"AddPortGroup", "HostNetworkSystem"}:         "host.NetworkSystem.addPortGroup",
	{"UpdatePortGroup", "HostNetworkSystem"}:      "host.NetworkSystem.updatePortGroup",
	{"RemovePortGroup", "HostNetworkSystem"}:      "host.NetworkSystem.removePortGroup",
	{"RefreshNetworkSystem", "HostNetworkSystem"}: "host.NetworkSystem.refresh",
}

// recordedAs tells whether a call leaves a task, under which descriptionId, and on
// which object: who changed a host's network stands in a task of the host, since no
// event of a standard port group is documented. A rule switch says whether it does.
func (t *Twin) recordedAs(c *Call) (entity types.ManagedObjectReference, descriptionID string, recorded bool) {
	descriptionID, recorded = recordedCalls[methodKey{c.Method, c.This.Type}]
	if system, ok := c.Ctx.Map.Get(c.This).(*simulator.HostNetworkSystem); ok {
		return system.Host.Self, descriptionID, recorded && t.inventory.rules.HostNetworkLeavesTasks
	}
	return c.This, descriptionID, recorded
}

// runRecorded runs a handler, with its task if the method has one. The world is held.
func (t *Twin) runRecorded(c *Call, req any, handler Handler) (res any, err error) {
	entity, id, recorded := t.recordedAs(c)
	if !recorded {
		return handler(c, req)
	}
	task := c.newTask(entity, id)
	task.Info.StartTime = &task.Info.QueueTime
	task.Info.State = types.TaskInfoStateRunning
	err = systemError(c.Method + " panicked") // unless the handler returns
	defer func() {
		done := t.now()
		task.Info.CompleteTime, task.Info.State = &done, types.TaskInfoStateSuccess
		task.Info.Progress = 100
		if err != nil {
			task.Info.State, task.Info.Error = types.TaskInfoStateError, asFault(err).Localized()
			task.Info.Progress = 0
		}
		if c.Ctx.Map.Get(entity) != nil { // an unregistered machine has no recent tasks
			c.putTask(task)
		}
		t.trimRecentTasks()
		t.addTaskRecord(task)
		t.announceTask()
		t.Touch(task.Self, entity, *t.content().TaskManager)
	}()
	return handler(c, req)
}
