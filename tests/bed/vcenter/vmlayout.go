package main

import (
	"path"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// VirtualMachine.layoutEx: which files a machine consists of. It is derived whole
// from the configuration and the snapshots, so it cannot disagree with them. Sizes
// are not known: the twin keeps no bytes.

type layout struct {
	info types.VirtualMachineFileLayoutEx
	keys map[string]int32
}

// relayout derives layoutEx anew; what has not changed keeps its time stamp.
//
// Documented: VirtualMachineFileLayoutEx lists each file once, a disk as its chain
// from the base to the written file, a snapshot by its data and memory files, -1
// where it has no memory file.
func (t *Twin) relayout(r *simulator.Registry, vm *simulator.VirtualMachine) {
	l := &layout{keys: map[string]int32{}}
	l.info.Timestamp = t.now()
	l.file(vm.Config.Files.VmPathName, types.VirtualMachineFileLayoutExFileTypeConfig)
	l.info.Disk = l.disks(vm.Config)
	if vm.Snapshot != nil {
		l.file(beside(vm.Config, ".vmsd"), types.VirtualMachineFileLayoutExFileTypeSnapshotList)
		for _, node := range listSnapshots(vm.Snapshot.RootSnapshotList) {
			s, ok := r.Get(node.Snapshot).(*simulator.VirtualMachineSnapshot)
			if !ok {
				continue
			}
			name := snapshotFile(vm, node)
			shown := types.VirtualMachineFileLayoutExSnapshotLayout{
				Key:       node.Snapshot,
				DataKey:   l.file(name+".vmsn", types.VirtualMachineFileLayoutExFileTypeSnapshotData),
				MemoryKey: -1,
				Disk:      l.disks(&s.Config),
			}
			if node.State != poweredOff {
				shown.MemoryKey = l.file(name+".vmem", types.VirtualMachineFileLayoutExFileTypeSnapshotMemory)
			}
			l.info.Snapshot = append(l.info.Snapshot, shown)
		}
	}
	if was := vm.LayoutEx; was != nil {
		before := *was
		before.Timestamp = l.info.Timestamp
		if reflect.DeepEqual(before, l.info) {
			return
		}
	}
	vm.LayoutEx = &l.info
	t.Touch(vm.Self)
}

// file gives a file its key, the same one each time.
func (l *layout) file(name string, kind types.VirtualMachineFileLayoutExFileType) int32 {
	if key, known := l.keys[name]; known {
		return key
	}
	key := int32(len(l.info.File))
	l.keys[name] = key
	l.info.File = append(l.info.File, types.VirtualMachineFileLayoutExFileInfo{
		Key: key, Name: name, Type: string(kind), Accessible: types.NewBool(true),
	})
	return key
}

func (l *layout) disks(config *types.VirtualMachineConfigInfo) []types.VirtualMachineFileLayoutExDiskLayout {
	var out []types.VirtualMachineFileLayoutExDiskLayout
	for _, disk := range disksOf(config) {
		shown := types.VirtualMachineFileLayoutExDiskLayout{Key: disk.Key}
		units := chain(backingOf(disk))
		for i := len(units) - 1; i >= 0; i-- {
			extent := "-flat.vmdk"
			if units[i].Parent != nil {
				extent = "-delta.vmdk"
			}
			name := units[i].FileName
			shown.Chain = append(shown.Chain, types.VirtualMachineFileLayoutExDiskUnit{FileKey: []int32{
				l.file(name, types.VirtualMachineFileLayoutExFileTypeDiskDescriptor),
				l.file(strings.TrimSuffix(name, ".vmdk")+extent, types.VirtualMachineFileLayoutExFileTypeDiskExtent),
			}})
		}
		out = append(out, shown)
	}
	return out
}

// beside is a file of the machine's name and another extension in its directory.
func beside(config *types.VirtualMachineConfigInfo, extension string) string {
	file := config.Files.VmPathName
	return file[:len(file)-len(path.Ext(file))] + extension
}
