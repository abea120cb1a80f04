package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// One machine, one operation at a time.

// turn orders the tasks on one machine: a task waits for the one before it.
type turn struct {
	task   types.ManagedObjectReference
	before <-chan struct{}
	done   chan struct{}
}

// await blocks until the task before has ended. A nil turn never waits.
func (w *turn) await() {
	if w != nil && w.before != nil {
		<-w.before
	}
}

// awaitOr waits for the turn, or for the other channel.
func (w *turn) awaitOr(other <-chan struct{}) {
	if w != nil && w.before != nil {
		select {
		case <-w.before:
		case <-other:
		}
	}
}

// pass lets the next task go.
func (w *turn) pass() {
	if w != nil {
		close(w.done)
	}
}

func (w *turn) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// machineTask starts a task that changes the machine it is called on.
//
// Observed, and contradictory: vCenter lets a second operation wait in state
// queued (terraform-provider-vsphere issue 493), ESXi refuses it at once with
// TaskInProgress (govmomi issue 953). The rule switch busyVM chooses. Cloning from
// a machine is no change of it.
func (c *Call) machineTask(body TaskBody) types.ManagedObjectReference {
	return c.taskOnMachine(c.This, body)
}

// availableMachineTask is machineTask for work that needs the configuration of the
// machine: InvalidState, in the task, while it is out of reach.
func (c *Call) availableMachineTask(body func(*TaskContext, *simulator.VirtualMachine) error) types.ManagedObjectReference {
	return c.machineTask(func(tc *TaskContext) (any, error) {
		vm, err := machineOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if err := available(vm); err != nil {
			return nil, err
		}
		return nil, body(tc, vm)
	})
}

// taskOnMachine is machineTask for a call on something else that changes a machine.
func (c *Call) taskOnMachine(vm types.ManagedObjectReference, body TaskBody) types.ManagedObjectReference {
	inv, id := c.Twin.inventory, descriptionID(c.This.Type, c.Method)
	mine := &turn{done: make(chan struct{})}
	if last := inv.busy[vm]; last != nil && !last.ended() {
		if inv.rules.BusyVM == ConflictReject {
			return c.failedTask(vm, id, NewFault(&types.TaskInProgress{Task: last.task}))
		}
		mine.before = last.done
	}
	c.turn = mine
	mine.task = c.StartTask(vm, id, body)
	inv.busy[vm] = mine
	return mine.task
}
