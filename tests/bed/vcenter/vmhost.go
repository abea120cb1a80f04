package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Which host a machine is on, and how DRS moves it to another one.

// moveToHost registers a machine on another host; nothing else about it changes.
func (t *Twin) moveToHost(vm *simulator.VirtualMachine, ref types.ManagedObjectReference) {
	if old, ok := t.registry().Get(*vm.Runtime.Host).(*simulator.HostSystem); ok {
		simulator.RemoveReference(&old.Vm, vm.Self)
		t.Touch(old.Self)
	}
	host := t.registry().Get(ref).(*simulator.HostSystem)
	addReference(&host.Vm, vm.Self)
	vm.Runtime.Host = &ref
	t.Touch(ref)
	t.settleMachine(vm)
	t.refresh(vm)
}

// migrate models a migration that DRS makes by itself.
//
// Documented (DrsVmMigratedEvent): DRS migrates a machine between two hosts of its
// cluster; it stays powered on, keeps its folder, pool and ports, and the event
// names the host it came from. No task of a user is behind it.
func (t *Twin) migrate(vm *simulator.VirtualMachine, to types.ManagedObjectReference) {
	c := t.system()
	event := types.VmMigratedEvent{VmEvent: c.machineEvent(vm)}
	if host := event.Host; host != nil {
		event.SourceHost = *host
	}
	t.moveToHost(vm, to)
	event.VmEvent = c.machineEvent(vm)
	c.post(&types.DrsVmMigratedEvent{VmMigratedEvent: event})
}

// canRun tells whether a host can take a machine over: it is in service, and it
// has the machine's networks and datastores.
//
// Documented (section "Migration" of the vCenter administration guide): source and
// target need the same port groups and access to the machine's datastores.
func (t *Twin) canRun(host *simulator.HostSystem, vm *simulator.VirtualMachine) bool {
	if !t.inService(host) || host.Self == *vm.Runtime.Host {
		return false
	}
	config := t.configOf(vm)
	if config != nil && (isTrue(config.NestedHVEnabled) && !host.Capability.NestedHVSupported || t.checkHostCPUs(host, config) != nil) {
		return false
	}
	missing := func(have []types.ManagedObjectReference) func(types.ManagedObjectReference) bool {
		return func(ref types.ManagedObjectReference) bool { return !slices.Contains(have, ref) }
	}
	return !slices.ContainsFunc(vm.Network, missing(host.Network)) && !slices.ContainsFunc(vm.Datastore, missing(host.Datastore))
}

// setHostCPUs gives a host so many CPUs, without hyperthreading, and makes them count.
func (t *Twin) setHostCPUs(host *simulator.HostSystem, cpus int16) {
	summary := cloneValue(host.Summary.Hardware)
	summary.NumCpuCores, summary.NumCpuThreads = cpus, cpus
	host.Summary.Hardware = summary
	if host.Hardware != nil {
		hardware := cloneValue(host.Hardware)
		hardware.CpuInfo.NumCpuCores, hardware.CpuInfo.NumCpuThreads = cpus, cpus
		host.Hardware = hardware
	}
	t.inventory.counted[host.Self] = true
}

// checkHostCPUs refuses a machine that has more CPUs than its host.
//
// Documented: NotEnoughCpus, "the host hardware does not have enough CPU cores to
// support the number of virtual CPUs". The words: observed (VMware's
// ansible-vsphere-gos-validation issue 12). The stock hosts have two CPUs and always
// ran any machine, so only those count that a test has set.
func (t *Twin) checkHostCPUs(host *simulator.HostSystem, config *types.VirtualMachineConfigInfo) error {
	have, want := int32(host.Summary.Hardware.NumCpuThreads), config.Hardware.NumCPU
	if !t.inventory.counted[host.Self] || want <= have {
		return nil
	}
	return Faultf(&types.NotEnoughCpus{NumCpuDest: have, NumCpuVm: want},
		"Virtual machine requires %d CPUs to operate, but the host hardware only provides %d.", want, have)
}

// refuge finds the least loaded host of the cluster that can take a machine over.
func (t *Twin) refuge(hosts []types.ManagedObjectReference, vm *simulator.VirtualMachine) *simulator.HostSystem {
	var best *simulator.HostSystem
	for _, ref := range hosts {
		host, ok := t.registry().Get(ref).(*simulator.HostSystem)
		if ok && t.canRun(host, vm) && (best == nil || len(host.Vm) < len(best.Vm)) {
			best = host
		}
	}
	return best
}
