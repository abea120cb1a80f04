package main

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Maintenance mode, and how a cluster with DRS empties a host for it.

// maintenancePoll is how often a task that waits for a host to become empty looks.
const maintenancePoll = 20 * time.Millisecond

// enterMaintenance models EnterMaintenanceMode_Task.
//
// Documented: InvalidState if the host is in maintenance mode already; from the
// start of the task no machine is powered on there; the task ends when no
// powered-on machine is left, which DRS brings about by itself in a fully automated
// cluster and nobody elsewhere; Timedout after a timeout above zero;
// evacuatePoweredOffVms waits for the others too; a task that is cancelled ends with
// RequestCanceled. Inferred: HostNotConnected for a host that vCenter cannot talk to.
func enterMaintenance(c *Call, req any) (any, error) {
	r := req.(*types.EnterMaintenanceMode_Task)
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		host, err := hostOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if host.Runtime.InMaintenanceMode || c.Twin.inventory.entering[c.This] {
			return nil, NewFault(&types.InvalidState{})
		}
		if err := hostAnswers(host); err != nil {
			return nil, err
		}
		return nil, tc.emptyHost(r.Timeout, isTrue(r.EvacuatePoweredOffVms))
	})
	return &types.EnterMaintenanceMode_TaskResponse{Returnval: ref}, nil
}

// emptyHost waits until a host is empty enough and puts it into maintenance mode.
func (tc *TaskContext) emptyHost(seconds int32, all bool) error {
	t, inv, epoch := tc.Twin, tc.Twin.inventory, tc.Twin.epoch.Load()
	inv.entering[tc.This] = true
	defer delete(inv.entering, tc.This)
	if host, err := hostOf(tc.Ctx.Map, tc.This); err == nil {
		tc.post(&types.EnteringMaintenanceModeEvent{HostEvent: tc.hostEvent(host)})
	}
	start := time.Now()
	for {
		host, err := hostOf(tc.Ctx.Map, tc.This)
		if err != nil {
			return err
		}
		if tc.evacuate(host, all) == 0 {
			host.Runtime.InMaintenanceMode = true
			t.countHosts(host.Parent)
			t.Touch(host.Self)
			tc.post(&types.EnteredMaintenanceModeEvent{HostEvent: tc.hostEvent(host)})
			return nil
		}
		if tc.Cancelled() {
			return NewFault(&types.RequestCanceled{})
		}
		if seconds > 0 && time.Since(start) >= time.Duration(seconds)*time.Second {
			return Faultf(&types.Timedout{}, "Operation timed out.")
		}
		tc.Unlocked(func() { time.Sleep(maintenancePoll) })
		if t.epoch.Load() != epoch {
			return NewFault(&types.RequestCanceled{}) // another world: nobody reads this
		}
	}
}

// evacuate moves machines off a host where DRS does that, and counts those that
// keep it from maintenance mode.
func (tc *TaskContext) evacuate(host *simulator.HostSystem, all bool) int {
	t, left := tc.Twin, 0
	automatic := drsIsAutomatic(tc.Ctx.Map, host.Parent)
	for _, ref := range append([]types.ManagedObjectReference(nil), host.Vm...) {
		vm, ok := tc.Ctx.Map.Get(ref).(*simulator.VirtualMachine)
		if !ok || !all && vm.Runtime.PowerState != poweredOn {
			continue
		}
		if automatic {
			if refuge := t.refuge(computeOf(tc.Ctx.Map, host.Parent).Host, vm); refuge != nil {
				t.migrate(vm, refuge.Self)
				continue
			}
		}
		left++
	}
	return left
}

// drsIsAutomatic tells whether a cluster moves machines by itself. Documented
// (ClusterDrsConfigInfo): enabled, and the default behaviour fullyAutomated.
// Inferred: an unset behaviour is the product's default, fullyAutomated.
func drsIsAutomatic(r *simulator.Registry, parent *types.ManagedObjectReference) bool {
	cluster, ok := r.Get(*parent).(*simulator.ClusterComputeResource)
	if !ok {
		return false
	}
	config, ok := cluster.ConfigurationEx.(*types.ClusterConfigInfoEx)
	if !ok || !isTrue(config.DrsConfig.Enabled) {
		return false
	}
	behavior := config.DrsConfig.DefaultVmBehavior
	return behavior == "" || behavior == types.DrsBehaviorFullyAutomated
}

// exitMaintenance models ExitMaintenanceMode_Task. Documented: InvalidState if the
// host is not in maintenance mode.
func exitMaintenance(c *Call, _ any) (any, error) {
	ref := c.hostTask(func(tc *TaskContext, host *simulator.HostSystem) error {
		if !host.Runtime.InMaintenanceMode {
			return NewFault(&types.InvalidState{})
		}
		if err := hostAnswers(host); err != nil {
			return err
		}
		host.Runtime.InMaintenanceMode = false
		c.Twin.countHosts(host.Parent)
		c.Twin.Touch(host.Self)
		tc.post(&types.ExitMaintenanceModeEvent{HostEvent: tc.hostEvent(host)})
		return nil
	})
	return &types.ExitMaintenanceMode_TaskResponse{Returnval: ref}, nil
}
