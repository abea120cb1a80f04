package main

import "strings"

// taskDescriptions are the TaskInfo.descriptionId values of tasks whose id is not
// just the method's name. Observed: TaskManager.description of a real vCenter, as
// govmomi records it in simulator/vpx/task_manager.go.
var taskDescriptions = map[methodKey]string{
	{"CreateVM_Task", "Folder"}:                                    "Folder.createVm",
	{"CreateDVS_Task", "Folder"}:                                   "Folder.createDistributedVirtualSwitch",
	{"CloneVM_Task", "VirtualMachine"}:                             "VirtualMachine.clone",
	{"ReconfigVM_Task", "VirtualMachine"}:                          "VirtualMachine.reconfigure",
	{"PowerOnVM_Task", "VirtualMachine"}:                           "VirtualMachine.powerOn",
	{"PowerOffVM_Task", "VirtualMachine"}:                          "VirtualMachine.powerOff",
	{"SuspendVM_Task", "VirtualMachine"}:                           "VirtualMachine.suspend",
	{"ResetVM_Task", "VirtualMachine"}:                             "VirtualMachine.reset",
	{"ConsolidateVMDisks_Task", "VirtualMachine"}:                  "VirtualMachine.consolidateDisks",
	{"RelocateVM_Task", "VirtualMachine"}:                          "VirtualMachine.relocate",
	{"MigrateVM_Task", "VirtualMachine"}:                           "VirtualMachine.migrate",
	{"RegisterVM_Task", "Folder"}:                                  "Folder.registerVm",
	{"RevertToSnapshot_Task", "VirtualMachineSnapshot"}:            "vm.Snapshot.revert",
	{"RemoveSnapshot_Task", "VirtualMachineSnapshot"}:              "vm.Snapshot.remove",
	{"UpgradeVM_Task", "VirtualMachine"}:                           "VirtualMachine.upgradeVirtualHardware",
	{"AddDVPortgroup_Task", "VmwareDistributedVirtualSwitch"}:      "DistributedVirtualSwitch.addPortgroups",
	{"CreateDVPortgroup_Task", "VmwareDistributedVirtualSwitch"}:   "DistributedVirtualSwitch.addPortgroup",
	{"ReconfigureDvs_Task", "VmwareDistributedVirtualSwitch"}:      "DistributedVirtualSwitch.reconfigure",
	{"Destroy_Task", "VmwareDistributedVirtualSwitch"}:             "DistributedVirtualSwitch.destroy",
	{"Rename_Task", "VmwareDistributedVirtualSwitch"}:              "DistributedVirtualSwitch.rename",
	{"ReconfigureDVPortgroup_Task", "DistributedVirtualPortgroup"}: "dvs.DistributedVirtualPortgroup.reconfigure",
	{"Destroy_Task", "DistributedVirtualPortgroup"}:                "dvs.DistributedVirtualPortgroup.destroy",
	{"Rename_Task", "DistributedVirtualPortgroup"}:                 "dvs.DistributedVirtualPortgroup.rename",
}

// descriptionID is the TaskInfo.descriptionId of a method on a type: the recorded
// one, else type plus method in lower camel case without its suffix.
func descriptionID(kind, method string) string {
	if id, ok := taskDescriptions[methodKey{method, kind}]; ok {
		return id
	}
	name := strings.TrimSuffix(method, "_Task")
	return kind + "." + strings.ToLower(name[:1]) + name[1:]
}
