package main

import (
	"reflect"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What creating, cloning and reconfiguring a machine requires: by field of the spec, and on every object that the
// machine is going to use.

const machinePrefix = "VirtualMachine."

// fieldPrivileges is what a field of VirtualMachineConfigSpec requires, without the prefix. A field that is not listed
// requires Config.Settings. Source: the "Reconfigure privilege" comments of VirtualMachineConfigSpec in types.go
// (documented); firmware has none and is taken for a setting, numCoresPerSocket for a matter of CPUs (inferred).
var fieldPrivileges = map[string]string{
	"ChangeVersion": "", "DeviceChange": "", // the version is a condition; devices are looked at one by one
	"NumCPUs": "Config.CPUCount", "NumCoresPerSocket": "Config.CPUCount",
	"CpuHotAddEnabled": "Config.CPUCount", "CpuHotRemoveEnabled": "Config.CPUCount",
	"MemoryMB": "Config.Memory", "MemoryHotAddEnabled": "Config.Memory",
	"CpuAllocation": "Config.Resource", "MemoryAllocation": "Config.Resource", "LatencySensitivity": "Config.Resource",
	"CpuAffinity": "Config.Resource", "MemoryAffinity": "Config.Resource", "NetworkShaper": "Config.Resource",
	"MemoryReservationLockedToMax": "Config.Resource",
	"ExtraConfig":                  "Config.AdvancedConfig",
	"ChangeTrackingEnabled":        "Config.ChangeTracking",
	"ManagedBy":                    "Config.ManagedBy",
	"Name":                         "Config.Rename",
	"Annotation":                   "Config.Annotation",
	"SwapPlacement":                "Config.SwapPlacement",
	"SwapDirectory":                "Config.SwapPlacement",
	"ScheduledHardwareUpgradeInfo": "Config.UpgradeVirtualHardware",
	"Version":                      "Config.UpgradeVirtualHardware",
	"VAppConfig":                   "VApp.ApplicationConfig",
	"VAppConfigRemoved":            "VApp.ApplicationConfig",
	"VmProfile":                    "StorageProfile.View",
}

// emptiable are the fields whose empty value says something, which govmomi's types
// cannot tell from one that is absent: no note, and another instance UUID.
var emptiable = map[string]string{"Annotation": "annotation", "InstanceUuid": "instanceUuid"}

// createFields is what a create checks of those: only these. Source: Folder.CreateVM_Task (documented).
var createFields = map[string]bool{"ExtraConfig": true, "SwapPlacement": true, "ChangeTrackingEnabled": true}

// specNeeds requires on an entity what the fields of a spec require.
func specNeeds(n *needs, on types.ManagedObjectReference, spec *types.VirtualMachineConfigSpec, wanted map[string]bool) {
	v := reflect.ValueOf(spec).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous || v.Field(i).IsZero() || (wanted != nil && !wanted[field.Name]) {
			continue
		}
		privilege, listed := fieldPrivileges[field.Name]
		switch {
		case !listed:
			privilege = machinePrefix + "Config.Settings"
		case privilege == "":
			continue
		case !strings.HasPrefix(privilege, "VApp.") && !strings.HasPrefix(privilege, "StorageProfile."):
			privilege = machinePrefix + privilege
		}
		n.add(on, privilege)
	}
}

// reconfigureNeeds is by field and device. Source: VirtualMachine.ReconfigVM_Task (documented).
func reconfigureNeeds(n *needs, req any) {
	r, ok := req.(*types.ReconfigVM_Task)
	if !ok {
		return
	}
	specNeeds(n, n.c.This, &r.Spec, nil)
	for field, element := range emptiable {
		if sentEmpty(n.c.body, "spec", element) {
			n.add(n.c.This, machinePrefix+orDefault(fieldPrivileges[field], "Config.Settings"))
		}
	}
	vm, ok := n.c.Ctx.Map.Get(n.c.This).(*simulator.VirtualMachine)
	if !ok {
		return
	}
	var devices object.VirtualDeviceList
	if vm.Config != nil {
		devices = vm.Config.Hardware.Device
	}
	for _, change := range r.Spec.DeviceChange {
		d := change.GetVirtualDeviceConfigSpec()
		if d.Device == nil {
			continue
		}
		switch d.Operation {
		case types.VirtualDeviceConfigSpecOperationAdd:
			addDeviceNeeds(n, n.c.This, d)
			backingNeeds(n, d.Device, &vm.Self)
		case types.VirtualDeviceConfigSpecOperationRemove:
			removeDeviceNeeds(n, n.c.This, d.Device)
		default:
			editDeviceNeeds(n, vm, d.Device, devices.FindByKey(d.Device.GetVirtualDevice().Key))
		}
	}
}

func addDeviceNeeds(n *needs, on types.ManagedObjectReference, d *types.VirtualDeviceConfigSpec) {
	switch device := d.Device.(type) {
	case *types.VirtualDisk:
		switch {
		case isRaw(device.Backing):
			n.add(on, machinePrefix+"Config.RawDevice")
		case d.FileOperation != "":
			n.add(on, machinePrefix+"Config.AddNewDisk")
		default:
			n.add(on, machinePrefix+"Config.AddExistingDisk")
		}
	case *types.VirtualUSB:
		n.add(on, machinePrefix+"Config.HostUSBDevice")
	default:
		n.add(on, machinePrefix+"Config.AddRemoveDevice")
	}
}

func removeDeviceNeeds(n *needs, on types.ManagedObjectReference, device types.BaseVirtualDevice) {
	switch device.(type) {
	case *types.VirtualDisk:
		n.add(on, machinePrefix+"Config.RemoveDisk")
	case *types.VirtualUSB:
		n.add(on, machinePrefix+"Config.HostUSBDevice")
	default:
		n.add(on, machinePrefix+"Config.AddRemoveDevice")
	}
}

func isRaw(backing types.BaseVirtualDeviceBackingInfo) bool {
	switch backing.(type) {
	case *types.VirtualDiskRawDiskMappingVer1BackingInfo, *types.VirtualDiskRawDiskVer2BackingInfo:
		return true
	}
	return false
}

// editDeviceNeeds is by what changes: connecting, media, growth, shares and the rest are privileges of their own.
func editDeviceNeeds(n *needs, vm *simulator.VirtualMachine, device, old types.BaseVirtualDevice) {
	if old == nil {
		n.add(vm.Self, machinePrefix+"Config.EditDevice")
		return
	}
	now, was := device.GetVirtualDevice(), old.GetVirtualDevice()
	connection := now.Connectable != nil && (was.Connectable == nil || !sameConnection(now.Connectable, was.Connectable))
	backing := now.Backing != nil && !sameNetwork(now.Backing, was.Backing)
	if connection {
		n.add(vm.Self, machinePrefix+"Interact.DeviceConnection")
	}
	if disk, isDisk := device.(*types.VirtualDisk); isDisk {
		diskEditNeeds(n, vm.Self, disk, old, backing, connection)
		return
	}
	if backing {
		backingNeeds(n, device, &vm.Self)
	}
	switch device.(type) {
	case *types.VirtualCdrom:
		if backing {
			n.add(vm.Self, machinePrefix+"Interact.SetCDMedia")
		}
	case *types.VirtualFloppy:
		if backing {
			n.add(vm.Self, machinePrefix+"Interact.SetFloppyMedia")
		}
	default:
		if backing || !connection || readdressed(device, old) {
			n.add(vm.Self, machinePrefix+"Config.EditDevice")
		}
	}
}

// readdressed tells whether an edit gives a NIC another MAC address.
func readdressed(device, old types.BaseVirtualDevice) bool {
	now, ok := device.(types.BaseVirtualEthernetCard)
	was, also := old.(types.BaseVirtualEthernetCard)
	if !ok || !also {
		return false
	}
	address := now.GetVirtualEthernetCard().MacAddress
	return address != "" && !strings.EqualFold(address, was.GetVirtualEthernetCard().MacAddress)
}

// diskEditNeeds is what an edit of a disk requires. Documented (ReconfigVM_Task): DiskExtend and space for growth,
// Config.Resource for shares, EditDevice for other settings; space is needed for another file only, not for a mode.
func diskEditNeeds(n *needs, on types.ManagedObjectReference, disk *types.VirtualDisk, old types.BaseVirtualDevice, backing, connection bool) {
	was, ok := old.(*types.VirtualDisk)
	if !ok {
		n.add(on, machinePrefix+"Config.EditDevice")
		return
	}
	grows := disk.CapacityInKB > was.CapacityInKB || disk.CapacityInBytes > was.CapacityInBytes
	shares := disk.Shares != nil && !reflect.DeepEqual(disk.Shares, was.Shares) ||
		disk.StorageIOAllocation != nil && !reflect.DeepEqual(disk.StorageIOAllocation, was.StorageIOAllocation)
	if grows {
		n.add(on, machinePrefix+"Config.DiskExtend")
		backingNeeds(n, old, nil)
	}
	if shares {
		n.add(on, machinePrefix+"Config.Resource")
	}
	if backing && diskFile(disk) != "" && diskFile(disk) != diskFile(was) {
		backingNeeds(n, disk, nil)
	}
	if backing || !grows && !shares && !connection {
		n.add(on, machinePrefix+"Config.EditDevice")
	}
}

// sameConnection compares what a client sets; status is the server's.
func sameConnection(a, b *types.VirtualDeviceConnectInfo) bool {
	return a.Connected == b.Connected && a.StartConnected == b.StartConnected && a.AllowGuestControl == b.AllowGuestControl
}

// sameNetwork compares backings; a port is the same if its group is, as clients leave key and cookie out.
func sameNetwork(a, b types.BaseVirtualDeviceBackingInfo) bool {
	if b == nil {
		return false
	}
	x, ok := a.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo)
	y, also := b.(*types.VirtualEthernetCardDistributedVirtualPortBackingInfo)
	if ok && also {
		return x.Port.PortgroupKey == y.Port.PortgroupKey && x.Port.SwitchUuid == y.Port.SwitchUuid
	}
	p, ok := a.(*types.VirtualEthernetCardNetworkBackingInfo)
	q, also := b.(*types.VirtualEthernetCardNetworkBackingInfo)
	if ok && also {
		return p.DeviceName == q.DeviceName
	}
	return reflect.DeepEqual(a, b)
}

// backingNeeds: Network.Assign on the network of a NIC, Datastore.AllocateSpace on the datastore of a new disk.
func backingNeeds(n *needs, device types.BaseVirtualDevice, inside *types.ManagedObjectReference) {
	switch backing := device.GetVirtualDevice().Backing.(type) {
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		n.add(types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: backing.Port.PortgroupKey}, "Network.Assign")
	case *types.VirtualEthernetCardNetworkBackingInfo:
		if backing.Network != nil {
			n.add(*backing.Network, "Network.Assign")
		} else if inside != nil {
			n.addTo(n.networkNamed(backing.DeviceName, *inside), "Network.Assign")
		}
	}
	if _, isDisk := device.(*types.VirtualDisk); !isDisk {
		return
	}
	if file, ok := device.GetVirtualDevice().Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
		info := file.GetVirtualDeviceFileBackingInfo()
		if info.Datastore != nil {
			n.add(*info.Datastore, "Datastore.AllocateSpace")
		} else {
			n.datastoreOf(info.FileName, n.c.This)
		}
	}
}

// networkNamed finds a network of the datacenter that an entity lies in.
func (n *needs) networkNamed(name string, inside types.ManagedObjectReference) *types.ManagedObjectReference {
	dc := datacenterOf(n.c.Ctx.Map, inside)
	if dc == nil {
		return nil
	}
	for _, ref := range dc.Network {
		if ref.Type == "Network" && n.c.Twin.nameOf(ref) == name {
			return &ref
		}
	}
	return nil
}

// datastoreOf requires space on the datastore that a path such as "[ds] dir/file" names.
func (n *needs) datastoreOf(path string, inside types.ManagedObjectReference) {
	var p object.DatastorePath
	dc := datacenterOf(n.c.Ctx.Map, inside)
	if dc == nil || !p.FromString(path) || p.Datastore == "" {
		return
	}
	for _, ref := range dc.Datastore {
		if n.c.Twin.nameOf(ref) == p.Datastore {
			n.add(ref, "Datastore.AllocateSpace")
		}
	}
}

// createNeeds: the table has the folder and the pool; the spec adds datastores, networks, disks and a few settings, on
// the folder because there is no machine yet. Source: Folder.CreateVM_Task (documented).
func createNeeds(n *needs, req any) {
	v := reflect.ValueOf(req).Elem().FieldByName("Config")
	spec, ok := v.Interface().(types.VirtualMachineConfigSpec)
	if !ok {
		return
	}
	specNeeds(n, n.c.This, &spec, createFields)
	if spec.Files != nil {
		n.datastoreOf(spec.Files.VmPathName, n.c.This)
	}
	for _, change := range spec.DeviceChange {
		d := change.GetVirtualDeviceConfigSpec()
		if d.Device == nil {
			continue
		}
		if _, isDisk := d.Device.(*types.VirtualDisk); isDisk {
			addDeviceNeeds(n, n.c.This, d)
		}
		backingNeeds(n, d.Device, &n.c.This)
	}
}

// cloneNeeds depends on what is cloned into what. Source: VirtualMachine.CloneVM_Task; Network.Assign and AddNewDisk:
// vSphere Security, "Required Privileges for Common Tasks" (documented); the fields of spec.config: inferred.
func cloneNeeds(n *needs, req any) {
	r, ok := req.(*types.CloneVM_Task)
	if !ok {
		return
	}
	vm, ok := n.c.Ctx.Map.Get(n.c.This).(*simulator.VirtualMachine)
	if !ok {
		return
	}
	template := vm.Config != nil && vm.Config.Template
	privilege := "Provisioning.Clone"
	switch {
	case template && r.Spec.Template:
		privilege = "Provisioning.CloneTemplate"
	case template:
		privilege = "Provisioning.DeployTemplate"
	case r.Spec.Template:
		privilege = "Provisioning.CreateTemplateFromVM"
	}
	n.add(n.c.This, machinePrefix+privilege)
	if r.Spec.Customization != nil {
		n.add(n.c.This, machinePrefix+"Provisioning.Customize")
	}
	folder := r.Folder
	if r.Spec.Location.Folder != nil {
		folder = *r.Spec.Location.Folder
	}
	n.add(folder, machinePrefix+"Inventory.CreateFromExisting")
	n.addTo(r.Spec.Location.Pool, "Resource.AssignVMToPool")
	if r.Spec.Location.Datastore != nil {
		n.add(*r.Spec.Location.Datastore, "Datastore.AllocateSpace")
	} else {
		for _, ref := range vm.Datastore {
			n.add(ref, "Datastore.AllocateSpace")
		}
	}
	changes := r.Spec.Location.DeviceChange
	if r.Spec.Config != nil {
		specNeeds(n, folder, r.Spec.Config, nil)
		changes = append(append([]types.BaseVirtualDeviceConfigSpec(nil), changes...), r.Spec.Config.DeviceChange...)
	}
	replaced := map[int32]bool{}
	for _, change := range changes {
		if d := change.GetVirtualDeviceConfigSpec(); d.Device != nil {
			replaced[d.Device.GetVirtualDevice().Key] = true
			backingNeeds(n, d.Device, &folder)
		}
	}
	copiesDisks := false
	if vm.Config != nil {
		for _, device := range vm.Config.Hardware.Device {
			if _, isDisk := device.(*types.VirtualDisk); isDisk {
				copiesDisks = true
			} else if !replaced[device.GetVirtualDevice().Key] {
				backingNeeds(n, device, &n.c.This)
			}
		}
	}
	if copiesDisks {
		n.add(folder, machinePrefix+"Config.AddNewDisk")
	}
}

// relocateNeeds: the table has ColdMigrate; a running machine that changes its host needs HotMigrate.
// Source: VirtualMachine.RelocateVM_Task; vSphere Security, "Resource Privileges" (documented).
func relocateNeeds(n *needs, req any) {
	r, ok := req.(*types.RelocateVM_Task)
	if !ok {
		return
	}
	if vm, ok := n.c.Ctx.Map.Get(n.c.This).(*simulator.VirtualMachine); ok {
		if r.Spec.Host != nil && vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
			n.add(n.c.This, "Resource.HotMigrate")
		}
	}
	n.addTo(r.Spec.Pool, "Resource.AssignVMToPool")
	n.addTo(r.Spec.Datastore, "Datastore.AllocateSpace")
	n.addTo(r.Spec.Folder, machinePrefix+"Inventory.Move")
	for _, change := range r.Spec.DeviceChange {
		if d := change.GetVirtualDeviceConfigSpec(); d.Device != nil {
			backingNeeds(n, d.Device, &n.c.This)
		}
	}
}
