package main

import (
	"reflect"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Moving a machine to another host, pool, datastore or folder.
//
// The idea: a move is planned whole, on a draft of the configuration, before
// anything changes. So a refused move changes nothing, and where the server chooses
// the host it takes the first one for which the plan holds.

func registerRelocation(t *Twin) {
	t.Handle("RelocateVM_Task", "VirtualMachine", relocateMachine)
	t.Handle("MigrateVM_Task", "VirtualMachine", migrateMachine)
}

// relocation is a planned move.
type relocation struct {
	*draft
	spec      *types.VirtualMachineRelocateSpec
	pool      *types.ManagedObjectReference // nil for a template
	target    *mo.Folder                    // nil: it stays in its folder
	files     map[string]movedFile          // by the old name
	snapshots map[*simulator.VirtualMachineSnapshot]types.VirtualMachineConfigInfo
}

// relocateMachine models RelocateVM_Task.
//
// Documented: InvalidArgument where host and pool do not belong together or a host
// has to be named, InvalidState for a host in maintenance mode or a machine without
// configuration, InvalidDatastore, NotSupported for a template whose datastore
// changes, MigrationFault and VmConfigFault for a host that cannot run it.
func relocateMachine(c *Call, req any) (any, error) {
	spec := &req.(*types.RelocateVM_Task).Spec
	if spec.Service != nil {
		return nil, Faultf(&types.NotImplemented{}, "The vCenter twin does not model relocation to another vCenter")
	}
	for _, ref := range []*types.ManagedObjectReference{spec.Folder, spec.Datastore, spec.Pool, spec.Host} {
		if ref != nil && c.Ctx.Map.Get(*ref) == nil {
			return nil, notFound(*ref)
		}
	}
	ref := c.machineTask(func(tc *TaskContext) (any, error) {
		vm, err := machineOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		return nil, tc.relocate(vm, spec)
	})
	return &types.RelocateVM_TaskResponse{Returnval: ref}, nil
}

// migrateMachine models MigrateVM_Task.
//
// Documented: NotSupported for a template; InvalidPowerState when state is given and
// is another one; InvalidArgument without a host in a cluster without DRS;
// NoActiveHostInCluster when no host could take it; else as RelocateVM_Task.
func migrateMachine(c *Call, req any) (any, error) {
	r := req.(*types.MigrateVM_Task)
	for _, ref := range []*types.ManagedObjectReference{r.Pool, r.Host} {
		if ref != nil && c.Ctx.Map.Get(*ref) == nil {
			return nil, notFound(*ref)
		}
	}
	ref := c.availableMachineTask(func(tc *TaskContext, vm *simulator.VirtualMachine) error {
		spec := &types.VirtualMachineRelocateSpec{Pool: r.Pool, Host: r.Host}
		if spec.Pool == nil {
			spec.Pool = vm.ResourcePool
		}
		switch {
		case vm.Config.Template:
			return NewFault(&types.NotSupported{})
		case r.State != "" && r.State != vm.Runtime.PowerState:
			return invalidPowerState(r.State, vm.Runtime.PowerState)
		case r.Host == nil && !choosesHosts(tc.Ctx.Map, spec.Pool):
			return NewFault(&types.InvalidArgument{InvalidProperty: "host"})
		}
		return tc.relocate(vm, spec)
	})
	return &types.MigrateVM_TaskResponse{Returnval: ref}, nil
}

// relocate plans a move for each host that comes into question and makes the first
// that can be made.
//
// Documented: a template can be relocated to a new host when its own is inactive.
func (c *Call) relocate(vm *simulator.VirtualMachine, spec *types.VirtualMachineRelocateSpec) error {
	stranded := vm.Runtime.ConnectionState == machineDisconnected && vm.Config != nil && vm.Config.Template
	if err := available(vm); err != nil && !stranded {
		return err
	}
	pool := vm.ResourcePool
	if spec.Pool != nil && !vm.Config.Template {
		pool = spec.Pool
	}
	hosts, err := c.destinations(vm, spec, pool)
	if err != nil {
		return err
	}
	var refusal error
	for _, host := range hosts {
		d, err := c.draftOf(vm)
		if err != nil {
			return err
		}
		d.host = host
		m := &relocation{draft: d, spec: spec, pool: pool}
		if refusal = m.plan(); refusal == nil {
			m.carryOut()
			return nil
		}
	}
	return refusal
}

// destinations lists the hosts that a move may go to, the best first.
//
// Documented (RelocateSpec.host): with a host it is that one, and it must belong to
// the pool's compute resource; without host and pool the machine stays; with a pool
// alone it is the stand-alone host, the one that DRS selects, or for a machine that
// is off any compatible host; for one that is on a cluster without DRS is an
// InvalidArgument. Inferred: the property that is named, and that a machine stays on
// its host where that is one of the pool's.
func (c *Call) destinations(vm *simulator.VirtualMachine, spec *types.VirtualMachineRelocateSpec, pool *types.ManagedObjectReference) ([]*simulator.HostSystem, error) {
	r, current := c.Ctx.Map, *vm.Runtime.Host
	if spec.Host == nil && spec.Pool == nil {
		host, ok := r.Get(current).(*simulator.HostSystem)
		if !ok {
			return nil, notFound(current)
		}
		return []*simulator.HostSystem{host}, nil
	}
	owner := poolOf(r, pool)
	if spec.Host != nil {
		host, ok := r.Get(*spec.Host).(*simulator.HostSystem)
		switch {
		case !ok:
			return nil, notFound(*spec.Host)
		case owner != nil && *host.Parent != owner.Owner:
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.host"})
		}
		return []*simulator.HostSystem{host}, nil
	}
	if owner = poolOf(r, spec.Pool); owner == nil {
		return nil, notFound(*spec.Pool)
	}
	if vm.Runtime.PowerState == poweredOn && !choosesHosts(r, spec.Pool) {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "spec.host"})
	}
	var hosts []*simulator.HostSystem
	for _, ref := range computeOf(r, &owner.Owner).Host {
		if host, ok := r.Get(ref).(*simulator.HostSystem); ok && c.Twin.inService(host) {
			hosts = append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return nil, NewFault(&types.NoActiveHostInCluster{ComputeResource: owner.Owner})
	}
	slices.SortStableFunc(hosts, func(a, b *simulator.HostSystem) int { return len(a.Vm) - len(b.Vm) })
	if at := slices.IndexFunc(hosts, func(h *simulator.HostSystem) bool { return h.Self == current }); at >= 0 {
		stays := hosts[at]
		hosts = slices.Insert(slices.Delete(hosts, at, at+1), 0, stays)
	}
	return hosts, nil
}

// plan checks everything that a move to the draft's host changes.
func (m *relocation) plan() error {
	moves := m.host.Self != *m.vm.Runtime.Host
	if moves && !m.call.Twin.inService(m.host) {
		return NewFault(&types.InvalidState{})
	}
	if moves && m.vm.Runtime.PowerState == poweredOn {
		if err := m.checkFeatures(); err != nil {
			return err
		}
	}
	if err := m.planFolder(); err != nil {
		return err
	}
	if err := m.planFiles(); err != nil {
		return err
	}
	if err := m.planNetworks(); err != nil {
		return err
	}
	return m.checkPorts()
}

// checkFeatures refuses to move a running machine with nested HV to a host without it.
//
// Documented: FeatureRequirementsNotMet, a VmConfigFault, "the host does not meet
// feature requirements of the virtual machine"; for a machine that is off a problem
// that would only occur at power-on is a warning (MigrationFault). Inferred: that
// nested HV is such a requirement, and its key.
func (m *relocation) checkFeatures() error {
	if !isTrue(m.config.NestedHVEnabled) || m.host.Capability != nil && m.host.Capability.NestedHVSupported {
		return nil
	}
	return Faultf(&types.FeatureRequirementsNotMet{
		Vm: &m.vm.Self, Host: &m.host.Self,
		FeatureRequirement: []types.VirtualMachineFeatureRequirement{{
			Key: "hv.capable", FeatureName: "hv.capable", Value: "Bool:Min:1",
		}},
	}, "The target host does not support the virtual machine's current hardware state.")
}

// planFolder finds the folder. Documented (RelocateSpec.folder): unset means the
// root folder of the destination datacenter. Inferred: within one datacenter the
// machine stays where it is, and a pool must be named for another one.
func (m *relocation) planFolder() error {
	r := m.call.Ctx.Map
	here, there := datacenterOf(r, m.vm.Self), datacenterOf(r, m.host.Self)
	var target types.ManagedObjectReference
	switch {
	case m.spec.Folder != nil:
		target = *m.spec.Folder
	case here != nil && there != nil && here.Self != there.Self:
		if m.spec.Pool == nil {
			return NewFault(&types.InvalidArgument{InvalidProperty: "spec.pool"})
		}
		target = there.VmFolder
	default:
		return nil
	}
	folder, err := folderOf(r, target)
	if err != nil {
		return err
	}
	if *m.vm.Parent == folder.Self {
		return nil
	}
	m.target = folder
	return m.call.claimName(folder, m.vm.Name, m.vm.Self)
}

// carryOut makes a planned move visible, in every list that names the machine.
func (m *relocation) carryOut() {
	t, r, vm := m.call.Twin, m.call.Ctx.Map, m.vm
	before := m.call.sourceOf(vm)
	pool := vm.ResourcePool
	if m.host.Self != *vm.Runtime.Host {
		t.moveToHost(vm, m.host.Self)
	}
	if m.pool != nil && (vm.ResourcePool == nil || *vm.ResourcePool != *m.pool) {
		t.changePool(r, vm, m.pool)
	}
	if m.target != nil {
		t.changeFolder(r, vm, m.target)
	}
	for s, config := range m.snapshots {
		s.Config = config
		t.Touch(s.Self)
	}
	if !reflect.DeepEqual(vm.Config, m.config) {
		m.commit()
	}
	t.settleMachine(vm)
	t.refresh(vm)
	m.call.postMoved(before, vm, len(m.files) > 0, pool)
}

func (t *Twin) changePool(r *simulator.Registry, vm *simulator.VirtualMachine, ref *types.ManagedObjectReference) {
	if old := poolOf(r, vm.ResourcePool); old != nil {
		simulator.RemoveReference(&old.Vm, vm.Self)
		t.Touch(old.Self)
	}
	pool := poolOf(r, ref)
	addReference(&pool.Vm, vm.Self)
	vm.ResourcePool = &pool.Self
	t.Touch(pool.Self, vm.Self)
}

func (t *Twin) changeFolder(r *simulator.Registry, vm *simulator.VirtualMachine, target *mo.Folder) {
	if old, err := folderOf(r, *vm.Parent); err == nil {
		simulator.RemoveReference(&old.ChildEntity, vm.Self)
		t.Touch(old.Self)
	}
	addReference(&target.ChildEntity, vm.Self)
	vm.Parent = &target.Self
	t.Touch(target.Self, vm.Self)
	t.watchers.moved()
}
