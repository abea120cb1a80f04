package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

func registerMachines(t *Twin) {
	t.Handle("CreateVM_Task", "Folder", createMachine)
	t.Handle("CloneVM_Task", "VirtualMachine", cloneMachine)
	t.Handle("ReconfigVM_Task", "VirtualMachine", reconfigureMachine)
	t.Handle("Rename_Task", "VirtualMachine", renameMachine)
	t.Handle("Destroy_Task", "VirtualMachine", destroyMachine)
	t.Handle("UnregisterVM", "VirtualMachine", unregisterMachine)
	t.Handle("RegisterVM_Task", "Folder", registerMachine)
	t.Handle("MarkAsTemplate", "VirtualMachine", markAsTemplate)
	t.Handle("MarkAsVirtualMachine", "VirtualMachine", markAsMachine)
	t.Handle("PowerOnVM_Task", "VirtualMachine", powerOnMachine)
	t.Handle("PowerOffVM_Task", "VirtualMachine", powerOffMachine)
	t.Handle("SuspendVM_Task", "VirtualMachine", suspendMachine)
	t.Handle("ResetVM_Task", "VirtualMachine", resetMachine)
	t.Handle("ShutdownGuest", "VirtualMachine", shutdownGuest)
	t.Handle("RebootGuest", "VirtualMachine", rebootGuest)
	t.Handle("StandbyGuest", "VirtualMachine", standbyGuest)
	t.Handle("AnswerVM", "VirtualMachine", answerMachine)
}

// createMachine models CreateVM_Task.
//
// Documented faults, all in the task: DuplicateName, InvalidName,
// InvalidDatastore, VmConfigFault and others. Inferred: the name is taken from
// the moment of the call, as for a clone.
func createMachine(c *Call, req any) (any, error) {
	r := req.(*types.CreateVM_Task)
	folder, err := folderOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	pool := poolOf(c.Ctx.Map, &r.Pool)
	if pool == nil {
		return nil, notFound(r.Pool)
	}
	if r.Host != nil {
		if _, ok := c.Ctx.Map.Get(*r.Host).(*simulator.HostSystem); !ok {
			return nil, notFound(*r.Host)
		}
	}
	id := descriptionID(c.This.Type, c.Method)
	key := keyOf(folder.Self, escapeName(r.Config.Name))
	if err := c.claimName(folder, escapeName(r.Config.Name), types.ManagedObjectReference{}); err != nil {
		return &types.CreateVM_TaskResponse{Returnval: c.failedTask(c.This, id, err)}, nil
	}
	ref := c.StartTask(c.This, id, func(tc *TaskContext) (any, error) {
		tc.Twin.inventory.release(key)
		vm, err := tc.createMachine(c.This, &r.Config, &r.Pool, r.Host)
		if err != nil {
			return nil, err
		}
		return vm.Self, nil
	})
	c.Twin.inventory.reserve(key, ref)
	return &types.CreateVM_TaskResponse{Returnval: ref}, nil
}

func (c *Call) createMachine(folderRef types.ManagedObjectReference, spec *types.VirtualMachineConfigSpec, pool, host *types.ManagedObjectReference) (*simulator.VirtualMachine, error) {
	folder, err := folderOf(c.Ctx.Map, folderRef)
	if err != nil {
		return nil, err
	}
	location, err := machinePath(spec)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(spec.Files.VmPathName, ".vmx") {
		location = c.freeHome(location)
	}
	hosts, err := c.candidateHosts(pool, host, location.Datastore)
	if err != nil {
		return nil, err
	}
	var refusal error
	for _, candidate := range hosts {
		d := &draft{call: c, config: c.Twin.freshConfig(hardwareKey(newestHardware(candidate))), host: candidate, folder: folder, creating: true}
		d.config.Files = machineFiles(location)
		asked := cloneValue(spec)
		if refusal = d.apply(asked); refusal == nil {
			refusal = d.checkPorts()
		}
		if refusal == nil {
			vm := d.enter(pool)
			c.postMachineCreated(vm, spec)
			c.reportConflicts(vm, nil, spec.InstanceUuid)
			return vm, nil
		}
	}
	return nil, refusal
}

// machinePath is where a new machine's .vmx goes. Documented: files.vmPathName
// is required on create and may name only the datastore.
func machinePath(spec *types.VirtualMachineConfigSpec) (object.DatastorePath, error) {
	var p object.DatastorePath
	if spec.Files == nil || spec.Files.VmPathName == "" {
		return p, NewFault(&types.InvalidVmConfig{Property: "configSpec.files.vmPathName"})
	}
	if !p.FromString(spec.Files.VmPathName) {
		return p, NewFault(&types.InvalidDatastorePath{DatastorePath: spec.Files.VmPathName})
	}
	if name := escapeName(spec.Name); p.Path == "" {
		p.Path = name + "/" + name + ".vmx"
	}
	return p, nil
}

// freeHome finds a directory for a new machine's files. Observed on real datastores:
// where the machine's name is taken by another one's directory, _1 and so on is added.
func (c *Call) freeHome(p object.DatastorePath) object.DatastorePath {
	taken := func(directory string) bool {
		for _, obj := range c.Ctx.Map.AllReference("VirtualMachine") {
			if vm, ok := obj.(*simulator.VirtualMachine); ok && strings.HasPrefix(vm.Summary.Config.VmPathName, directory) {
				return true
			}
		}
		for file := range c.Twin.inventory.stored {
			if strings.HasPrefix(file, directory) {
				return true
			}
		}
		return false
	}
	name := path.Dir(p.Path)
	for i := 1; taken(path.Dir(p.String()) + "/"); i++ {
		unique := fmt.Sprintf("%s_%d", name, i)
		p.Path = unique + "/" + unique + ".vmx"
	}
	return p
}

func machineFiles(p object.DatastorePath) types.VirtualMachineFileInfo {
	dir := object.DatastorePath{Datastore: p.Datastore, Path: path.Dir(p.Path) + "/"}
	return types.VirtualMachineFileInfo{
		VmPathName: p.String(), SnapshotDirectory: dir.String(), SuspendDirectory: dir.String(), LogDirectory: dir.String(),
	}
}

// candidateHosts lists the hosts of a pool that can take a new machine, the least
// loaded first, or the one that was asked for.
//
// Documented: InvalidState for a host in maintenance mode, HostNotConnected for one
// that is disconnected, InvalidDatastore and its InaccessibleDatastore. Inferred: a
// host outside the pool's compute resource is an InvalidArgument.
func (c *Call) candidateHosts(pool, asked *types.ManagedObjectReference, datastore string) ([]*simulator.HostSystem, error) {
	owner := poolOf(c.Ctx.Map, pool)
	if owner == nil {
		return nil, notFound(*pool)
	}
	compute := computeOf(c.Ctx.Map, &owner.Owner)
	if compute == nil {
		return nil, notFound(owner.Owner)
	}
	refs := compute.Host
	if asked != nil {
		if simulator.FindReference(compute.Host, *asked) == nil {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "host"})
		}
		refs = []types.ManagedObjectReference{*asked}
	}
	var able []*simulator.HostSystem
	var silent, closed, lost bool
	for _, ref := range refs {
		host, ok := c.Ctx.Map.Get(ref).(*simulator.HostSystem)
		if !ok {
			continue
		}
		ds := datastoreNamed(c.Ctx.Map, host, datastore)
		switch {
		case !hostConnected(host):
			silent = true
		case !c.Twin.inService(host):
			closed = true
		case ds != nil && !ds.Summary.Accessible:
			lost = true
		case ds != nil:
			able = append(able, host)
		}
	}
	switch {
	case len(able) > 0:
	case lost:
		return nil, NewFault(&types.InaccessibleDatastore{InvalidDatastore: types.InvalidDatastore{Name: datastore}})
	case closed:
		return nil, NewFault(&types.InvalidState{})
	case silent:
		return nil, NewFault(&types.HostNotConnected{})
	default:
		return nil, NewFault(&types.InvalidDatastore{Name: datastore})
	}
	slices.SortStableFunc(able, func(a, b *simulator.HostSystem) int { return len(a.Vm) - len(b.Vm) })
	return able, nil
}
