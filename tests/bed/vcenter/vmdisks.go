package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Files of a machine. The twin keeps no bytes: a path and a size are all that a
// client of the API can see of a disk here.

// completeDisk gives a new disk its file, identity and defaults.
//
// Documented: with fileOperation create the server names a file that the spec
// leaves open; without it the backing must name an existing file.
func (d *draft) completeDisk(index int, disk *types.VirtualDisk, spec *types.VirtualDeviceConfigSpec) error {
	if disk.CapacityInBytes == 0 {
		disk.CapacityInBytes = disk.CapacityInKB * 1024
	}
	disk.CapacityInKB = disk.CapacityInBytes / 1024
	backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok || !isDiskMode(backing.DiskMode) {
		return invalidBacking(index)
	}
	creates := spec.FileOperation == types.VirtualDeviceConfigSpecFileOperationCreate
	var named object.DatastorePath
	named.FromString(backing.FileName)
	switch {
	case creates && disk.CapacityInBytes <= 0:
		return invalidDevice(index)
	case !creates && named.Path == "":
		return invalidBacking(index)
	}
	if named.Datastore == "" {
		named.FromString(d.config.Files.VmPathName)
		named.Path = ""
	}
	ds := datastoreNamed(d.call.Ctx.Map, d.host, named.Datastore)
	if ds == nil {
		return NewFault(&types.InvalidDatastorePath{DatastorePath: backing.FileName, InvalidDatastore: types.InvalidDatastore{Name: named.Datastore}})
	}
	if named.Path == "" || strings.HasSuffix(named.Path, "/") {
		named.Path = path.Join(d.directory(), d.freeDiskName())
	}
	backing.FileName, backing.Datastore = named.String(), &ds.Self
	if backing.DiskMode == "" {
		backing.DiskMode = string(types.VirtualDiskModePersistent)
	}
	for _, flag := range []**bool{&backing.ThinProvisioned, &backing.EagerlyScrub, &backing.WriteThrough, &backing.Split} {
		if *flag == nil {
			*flag = types.NewBool(false)
		}
	}
	if backing.Uuid == "" {
		backing.Uuid = diskUUID()
	}
	return nil
}

// isDiskMode tells whether a backing's mode is one, or left out. Documented:
// VirtualDiskFlatVer2BackingInfo.diskMode, a VirtualDiskMode; the fault is inferred.
func isDiskMode(mode string) bool {
	return mode == "" || slices.Contains(types.VirtualDiskMode("").Strings(), mode)
}

// diskUUID is written like vSphere's: 6000C29 in front, the OUI form of VMware.
func diskUUID() string { return "6000C29" + strings.ToLower(uuid.NewString()[7:]) }

// directory is where a machine's files are, without the datastore.
func (d *draft) directory() string {
	var p object.DatastorePath
	p.FromString(d.config.Files.VmPathName)
	return path.Dir(p.Path)
}

// freeDiskName numbers disk files as the host does: name.vmdk, name_1.vmdk, …
func (d *draft) freeDiskName() string {
	taken := map[string]bool{}
	for _, device := range d.config.Hardware.Device {
		if disk, ok := device.(*types.VirtualDisk); ok {
			taken[path.Base(diskFile(disk))] = true
		}
	}
	name := path.Base(d.directory())
	for i := 0; ; i++ {
		file := name + ".vmdk"
		if i > 0 {
			file = fmt.Sprintf("%s_%d.vmdk", name, i)
		}
		if !taken[file] {
			return file
		}
	}
}

func diskFile(disk *types.VirtualDisk) string {
	if b, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
		return b.GetVirtualDeviceFileBackingInfo().FileName
	}
	return ""
}

// datastoreNamed finds a datastore by name among those of a host.
func datastoreNamed(r *simulator.Registry, host *simulator.HostSystem, name string) *simulator.Datastore {
	for _, ref := range host.Datastore {
		if ds, ok := r.Get(ref).(*simulator.Datastore); ok && ds.Name == name {
			return ds
		}
	}
	return nil
}

// datastoresOf lists the datastores that hold a machine's files, each once.
func datastoresOf(r *simulator.Registry, host *simulator.HostSystem, config *types.VirtualMachineConfigInfo) []types.ManagedObjectReference {
	files := []string{config.Files.VmPathName}
	for _, device := range config.Hardware.Device {
		if disk, ok := device.(*types.VirtualDisk); ok {
			files = append(files, diskFile(disk))
		}
	}
	var out []types.ManagedObjectReference
	for _, file := range files {
		var p object.DatastorePath
		p.FromString(file)
		if ds := datastoreNamed(r, host, p.Datastore); ds != nil {
			addReference(&out, ds.Self)
		}
	}
	return out
}
