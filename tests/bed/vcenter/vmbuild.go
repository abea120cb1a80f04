package main

import (
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Entering a finished draft into the inventory, and keeping the parts of a
// VirtualMachine object consistent with its configuration.

// freshConfig is the configuration of a machine whose spec sets nothing.
// Observed defaults of CreateVM_Task: one CPU, BIOS, the newest hardware version
// of the host, the mainboard devices.
func (t *Twin) freshConfig(hardware string) *types.VirtualMachineConfigInfo {
	allocation := types.DefaultResourceConfigSpec()
	now := t.now()
	full, _ := guestFullName(defaultGuestID)
	return &types.VirtualMachineConfigInfo{
		Version:       hardware,
		Uuid:          uuid.NewString(),
		InstanceUuid:  uuid.NewString(),
		CreateDate:    &now,
		GuestId:       defaultGuestID,
		GuestFullName: full,
		Firmware:      string(types.GuestOsDescriptorFirmwareTypeBios),
		Hardware:      types.VirtualHardware{NumCPU: 1, NumCoresPerSocket: types.NewInt32(1), MemoryMB: 4, Device: mainboard()},
		Flags: types.VirtualMachineFlagInfo{
			DiskUuidEnabled: types.NewBool(false), EnableLogging: types.NewBool(true),
			VvtdEnabled: types.NewBool(false), VbsEnabled: types.NewBool(false),
			MonitorType: "release", VirtualMmuUsage: "automatic", VirtualExecUsage: "hvAuto",
		},
		BootOptions: &types.VirtualMachineBootOptions{
			EnterBIOSSetup: types.NewBool(false), EfiSecureBootEnabled: types.NewBool(false), BootRetryEnabled: types.NewBool(false),
			BootRetryDelay: 10000, NetworkBootProtocol: "ipv4",
		},
		DefaultPowerOps: types.VirtualMachineDefaultPowerOpInfo{
			PowerOffType: "soft", SuspendType: "hard", ResetType: "soft",
			DefaultPowerOffType: "soft", DefaultSuspendType: "hard", DefaultResetType: "soft", StandbyAction: "checkpoint",
		},
		Tools:                        &types.ToolsConfigInfo{},
		CpuAllocation:                &allocation.CpuAllocation,
		MemoryAllocation:             &allocation.MemoryAllocation,
		LatencySensitivity:           &types.LatencySensitivity{Level: types.LatencySensitivitySensitivityLevelNormal},
		NestedHVEnabled:              types.NewBool(false),
		VPMCEnabled:                  types.NewBool(false),
		CpuHotAddEnabled:             types.NewBool(false),
		CpuHotRemoveEnabled:          types.NewBool(false),
		MemoryHotAddEnabled:          types.NewBool(false),
		ChangeTrackingEnabled:        types.NewBool(false),
		MemoryReservationLockedToMax: types.NewBool(false),
	}
}

// nextChangeVersion is a new config.changeVersion. Observed: a time stamp such as
// 2017-11-21T13:16:07.743507Z; never the same twice.
func (t *Twin) nextChangeVersion() (string, time.Time) {
	now := t.now()
	micros := max(now.UnixMicro(), t.inventory.versions+1)
	t.inventory.versions = micros
	stamp := time.UnixMicro(micros).UTC()
	return stamp.Format("2006-01-02T15:04:05.000000Z"), stamp
}

// stampConfig counts a configuration's version up.
func (t *Twin) stampConfig(config *types.VirtualMachineConfigInfo) {
	config.ChangeVersion, config.Modified = t.nextChangeVersion()
}

// enter puts a new machine into the inventory, complete at the first sight of it.
func (d *draft) enter(pool *types.ManagedObjectReference) *simulator.VirtualMachine {
	t, r := d.call.Twin, d.call.Ctx.Map
	vm := &simulator.VirtualMachine{}
	r.NewEntity(vm)
	vm.Name = d.config.Name
	vm.ResourcePool = pool
	vm.Runtime = types.VirtualMachineRuntimeInfo{
		Host:                &d.host.Self,
		ConnectionState:     types.VirtualMachineConnectionStateConnected,
		PowerState:          types.VirtualMachinePowerStatePoweredOff,
		FaultToleranceState: types.VirtualMachineFaultToleranceStateNotConfigured,
		RecordReplayState:   types.VirtualMachineRecordReplayStateInactive,
		MaxCpuUsage:         2294,
	}
	now := t.now()
	vm.Layout = &types.VirtualMachineFileLayout{}
	vm.Storage = &types.VirtualMachineStorageInfo{Timestamp: now}
	vm.Summary.Vm = &vm.Self
	vm.Summary.Storage = &types.VirtualMachineStorageSummary{Timestamp: now}
	vm.Summary.OverallStatus = types.ManagedEntityStatusGreen
	vm.Summary.QuickStats.GuestHeartbeatStatus = types.ManagedEntityStatusGray
	vm.DataSets = map[string]*simulator.DataSet{}
	vm.Guest = guestWithoutTools()
	t.stampConfig(d.config)
	t.bindPorts(r, vm.Self, nil, d.config, false)
	vm.Config = d.config
	d.folder.ChildEntity = append(d.folder.ChildEntity, vm.Self)
	r.PutEntity(d.folder, vm)
	d.vm = vm
	t.linkMachine(r, vm)
	t.relayout(r, vm)
	t.refresh(vm)
	return vm
}

// linkMachine enters a machine in the lists of its host, pool, datastores and networks.
func (t *Twin) linkMachine(r *simulator.Registry, vm *simulator.VirtualMachine) {
	t.giveBrowser(vm)
	host := r.Get(*vm.Runtime.Host).(*simulator.HostSystem)
	host.Vm = append(host.Vm, vm.Self)
	vm.Datastore = datastoresOf(r, host, vm.Config)
	for _, ref := range vm.Datastore {
		if ds, ok := r.Get(ref).(*simulator.Datastore); ok {
			ds.Vm = append(ds.Vm, vm.Self)
			t.Touch(ref)
		}
	}
	if pool := poolOf(r, vm.ResourcePool); pool != nil {
		pool.Vm = append(pool.Vm, vm.Self)
		t.Touch(pool.Self)
	}
	t.relinkNetworks(r, vm, networksOf(vm.Config))
	t.Touch(host.Self, vm.Self, *vm.Parent)
}

// unlinkMachine is the reverse of linkMachine; the machine leaves the inventory.
func (t *Twin) unlinkMachine(ctx *simulator.Context, vm *simulator.VirtualMachine) {
	r := ctx.Map
	if host, ok := r.Get(*vm.Runtime.Host).(*simulator.HostSystem); ok {
		simulator.RemoveReference(&host.Vm, vm.Self)
		t.Touch(host.Self)
	}
	for _, ref := range vm.Datastore {
		if ds, ok := r.Get(ref).(*simulator.Datastore); ok {
			simulator.RemoveReference(&ds.Vm, vm.Self)
			t.Touch(ref)
		}
	}
	if pool := poolOf(r, vm.ResourcePool); pool != nil {
		simulator.RemoveReference(&pool.Vm, vm.Self)
		t.Touch(pool.Self)
	}
	for _, use := range portUses(t.configOf(vm)) {
		t.freePort(r, vm.Self, use.port)
	}
	t.unplugAll(vm.Self)
	t.relinkNetworks(r, vm, nil)
	read := parentFiles(t.configsOf(r, vm))
	defer t.releaseParents(r, read)
	t.forgetSnapshots(ctx, vm)
	t.inventory.forget(vm.Self)
	delete(t.inventory.browsers, vm.EnvironmentBrowser)
	r.Remove(ctx, vm.EnvironmentBrowser)
	t.removeChild(ctx, vm)
}

// commit puts a draft of an existing machine in force.
func (d *draft) commit() {
	t, r, vm := d.call.Twin, d.call.Ctx.Map, d.vm
	t.bindPorts(r, vm.Self, vm.Config, d.config, vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn)
	t.stampConfig(d.config)
	vm.Config = d.config
	vm.Name = d.config.Name
	t.relinkNetworks(r, vm, networksOf(d.config))
	t.relinkDatastores(r, vm)
	t.relayout(r, vm)
	t.refresh(vm)
}

// refresh derives what a machine shows twice: summary, guest NICs.
func (t *Twin) refresh(vm *simulator.VirtualMachine) {
	if vm.Config == nil { // out of reach, see vmstate.go
		vm.Summary.Runtime = vm.Runtime
		t.Touch(vm.Self)
		return
	}
	config, summary := vm.Config, &vm.Summary.Config
	summary.Name, summary.Template = config.Name, config.Template
	summary.VmPathName = config.Files.VmPathName
	summary.MemorySizeMB, summary.NumCpu = config.Hardware.MemoryMB, config.Hardware.NumCPU
	summary.Uuid, summary.InstanceUuid = config.Uuid, config.InstanceUuid
	summary.GuestId, summary.GuestFullName = config.GuestId, config.GuestFullName
	summary.Annotation, summary.ManagedBy = config.Annotation, config.ManagedBy
	summary.HwVersion = config.Version
	vm.Capability = machineCapability(config.Version)
	summary.NumEthernetCards, summary.NumVirtualDisks = 0, 0
	for _, device := range config.Hardware.Device {
		switch device.(type) {
		case types.BaseVirtualEthernetCard:
			summary.NumEthernetCards++
		case *types.VirtualDisk:
			summary.NumVirtualDisks++
		}
	}
	vm.Summary.Runtime = vm.Runtime
	if vm.Guest != nil {
		vm.Summary.Guest = &types.VirtualMachineGuestSummary{
			GuestId: config.GuestId, GuestFullName: config.GuestFullName,
			ToolsStatus: vm.Guest.ToolsStatus, ToolsRunningStatus: vm.Guest.ToolsRunningStatus,
			ToolsVersionStatus2: vm.Guest.ToolsVersionStatus2,
			HostName:            vm.Guest.HostName, IpAddress: vm.Guest.IpAddress,
		}
	}
	t.replug(vm)
	t.Touch(vm.Self)
}

// machineCapability is VirtualMachine.capability on ESXi 8: what a machine of this
// hardware version can do. Documented: it is the machine's, not the host's; that it goes
// by what its version ignores (versionGates) is inferred.
func machineCapability(hardware string) types.VirtualMachineCapability {
	version := hardwareNumber(hardware)
	return types.VirtualMachineCapability{
		SnapshotOperationsSupported: true, MultipleSnapshotsSupported: true, SnapshotConfigSupported: true,
		PoweredOffSnapshotsSupported: true, MemorySnapshotsSupported: true, RevertToSnapshotSupported: true,
		QuiescedSnapshotsSupported: true, ConsolePreferencesSupported: true, CpuFeatureMaskSupported: true,
		ToolsAutoUpdateSupported: true, SwapPlacementSupported: true, ToolsSyncTimeSupported: true,
		VirtualMmuUsageSupported: true, DiskSharesSupported: true, BootOptionsSupported: true, BootRetryOptionsSupported: true,
		ChangeTrackingSupported: true, MultipleCoresPerSocketSupported: true, MemoryReservationLockSupported: true,
		FeatureRequirementSupported: true, NestedHVSupported: version >= 9, VPMCSupported: version >= 9,
		SecureBootSupported: types.NewBool(version >= 13), VirtualMmuUsageIgnored: types.NewBool(true), VirtualExecUsageIgnored: types.NewBool(true),
	}
}

// poolOf returns the resource pool behind a reference, a vApp's included.
func poolOf(r *simulator.Registry, ref *types.ManagedObjectReference) *mo.ResourcePool {
	if ref == nil {
		return nil
	}
	switch pool := r.Get(*ref).(type) {
	case *simulator.ResourcePool:
		return &pool.ResourcePool
	case *simulator.VirtualApp:
		return &pool.ResourcePool
	}
	return nil
}

func machineOf(r *simulator.Registry, ref types.ManagedObjectReference) (*simulator.VirtualMachine, error) {
	if vm, ok := r.Get(ref).(*simulator.VirtualMachine); ok {
		return vm, nil
	}
	return nil, notFound(ref)
}
