package main

import (
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// The privileges of methods whose needs depend on their arguments or on the kind of object. Each comes on top of what
// the generated table names for the method.

// privilegeRules is keyed like the handlers; "" stands for any type.
var privilegeRules = map[methodKey]func(*needs, any){
	{"Fetch", ""}: fetchNeeds,
	{"DestroyPropertyFilter", "PropertyFilter"}:  ownObject,
	{"ResetListViewFromView", "ListView"}:        ownObject,
	{"ReadNextEvents", ""}:                       ownObject,
	{"ReadPreviousEvents", ""}:                   ownObject,
	{"ReadNextTasks", ""}:                        ownObject,
	{"ReadPreviousTasks", ""}:                    ownObject,
	{"RewindCollector", ""}:                      ownObject,
	{"ResetCollector", ""}:                       ownObject,
	{"SetCollectorPageSize", ""}:                 ownObject,
	{"DestroyCollector", ""}:                     ownObject,
	{"Destroy_Task", ""}:                         destroyNeeds,
	{"Rename_Task", ""}:                          renameNeeds,
	{"MoveIntoFolder_Task", "Folder"}:            moveNeeds,
	{"MoveIntoResourcePool", ""}:                 movePoolNeeds,
	{"CancelTask", "Task"}:                       cancelNeeds,
	{"SetTaskState", "Task"}:                     taskUpdateNeeds,
	{"SetTaskDescription", "Task"}:               taskUpdateNeeds,
	{"UpdateProgress", "Task"}:                   taskUpdateNeeds,
	{"setCustomValue", ""}:                       thisNeeds("Global.SetCustomField"),
	{"UpdateOptions", "OptionManager"}:           optionNeeds,
	{"CreateVM_Task", "Folder"}:                  createNeeds,
	{"CreateChildVM_Task", ""}:                   createNeeds,
	{"RegisterVM_Task", "Folder"}:                registerNeeds,
	{"CloneVM_Task", "VirtualMachine"}:           cloneNeeds,
	{"RelocateVM_Task", "VirtualMachine"}:        relocateNeeds,
	{"ReconfigVM_Task", "VirtualMachine"}:        reconfigureNeeds,
	{"CreateDVS_Task", "Folder"}:                 createSwitchNeeds,
	{"ReconfigureDvs_Task", ""}:                  switchNeeds,
	{"DVSRollback_Task", ""}:                     thisNeeds("DVSwitch.Modify"),
	{"ReconfigureDVPortgroup_Task", ""}:          portgroupNeeds,
	{"DVPortgroupRollback_Task", ""}:             thisNeeds("DVPortgroup.Modify"),
	{"UpdateNetworkConfig", "HostNetworkSystem"}: thisNeeds("Host.Config.Network"),
	{"AddVirtualNic", "HostNetworkSystem"}:       thisNeeds("Host.Config.Network"),
	{"UpdateVirtualNic", "HostNetworkSystem"}:    thisNeeds("Host.Config.Network"),
	{"UpdateConfig", "ResourcePool"}:             thisNeeds("Resource.EditPool"),
	{"DestroyChildren", "ResourcePool"}:          thisNeeds("Resource.DeletePool"),
}

// privilegeRule finds the rule of a method, for the very type or for any.
func privilegeRule(method, kind string) (func(*needs, any), bool) {
	if rule, ok := privilegeRules[methodKey{method, kind}]; ok {
		return rule, true
	}
	rule, ok := privilegeRules[methodKey{method, ""}]
	return rule, ok
}

// thisNeeds requires privileges on the object of the call.
func thisNeeds(privileges ...string) func(*needs, any) {
	return func(n *needs, _ any) { n.add(n.c.This, privileges...) }
}

// ownObject requires nothing: a filter, a view or a history collector exists only for the session that made it.
func ownObject(*needs, any) {}

// fetchNeeds requires nothing for the call itself. Documented: RetrievePropertiesEx requires System.Anonymous, and what
// is read decides; retrievecalls.go refuses the property.
func fetchNeeds(*needs, any) {}

// destroyByKind is what it takes to destroy an entity, by type. Source: ManagedEntity.Destroy_Task and the
// privileges of vSphere Security, "Defined Privileges" (documented).
var destroyByKind = map[string]string{
	"Folder": "Folder.Delete", "StoragePod": "Folder.Delete", "Datacenter": "Datacenter.Delete",
	"VirtualMachine": "VirtualMachine.Inventory.Delete", "VirtualApp": "VApp.Delete", "ResourcePool": "Resource.DeletePool",
	"ClusterComputeResource": "Host.Inventory.DeleteCluster", "ComputeResource": "Host.Inventory.RemoveHostFromCluster",
	"HostSystem": "Host.Inventory.RemoveHostFromCluster", "Datastore": "Datastore.Delete", "Network": "Network.Delete",
	"DistributedVirtualPortgroup": "DVPortgroup.Delete", "DistributedVirtualSwitch": "DVSwitch.Delete",
	"VmwareDistributedVirtualSwitch": "DVSwitch.Delete",
}

var destroyPrivileges = func() []string {
	var out []string
	for _, privilege := range destroyByKind {
		out = append(out, privilege)
	}
	return out
}()

// destroyNeeds: on the entity as well as on its parent. Source: ManagedEntity.Destroy_Task (documented).
func destroyNeeds(n *needs, _ any) {
	privilege := destroyByKind[n.c.This.Type]
	n.add(n.c.This, privilege)
	if e, ok := n.c.Ctx.Map.Get(n.c.This).(mo.Entity); ok {
		n.addTo(e.Entity().Parent, privilege)
	}
}

var renameByKind = map[string]string{
	"Folder": "Folder.Rename", "StoragePod": "Folder.Rename", "Datacenter": "Datacenter.Rename",
	"VirtualMachine": "VirtualMachine.Config.Rename", "VirtualApp": "VApp.Rename", "ResourcePool": "Resource.RenamePool",
	"ClusterComputeResource": "Host.Inventory.RenameCluster", "ComputeResource": "Host.Inventory.RenameCluster",
	"Datastore": "Datastore.Rename", "Network": "Network.Config", "DistributedVirtualPortgroup": "DVPortgroup.Modify",
	"DistributedVirtualSwitch": "DVSwitch.Modify", "VmwareDistributedVirtualSwitch": "DVSwitch.Modify",
}

// renameNeeds is by type. Source: vSphere Security, "Defined Privileges"; port groups: Rename_Task (documented).
func renameNeeds(n *needs, _ any) { n.add(n.c.This, renameByKind[n.c.This.Type]) }

var moveByKind = map[string]string{
	"Folder": "Folder.Move", "StoragePod": "Folder.Move", "Datacenter": "Datacenter.Move",
	"VirtualMachine": "VirtualMachine.Inventory.Move", "Datastore": "Datastore.Move", "Network": "Network.Move",
	"DistributedVirtualPortgroup": "Network.Move", "DistributedVirtualSwitch": "DVSwitch.Move",
	"VmwareDistributedVirtualSwitch": "DVSwitch.Move", "ClusterComputeResource": "Host.Inventory.MoveCluster",
	"ComputeResource": "Host.Inventory.MoveCluster", "HostSystem": "Host.Inventory.MoveHost",
}

// moveNeeds: on the object, where it is and where it goes. A host needs EditCluster on the cluster it leaves and
// AddStandaloneHost on the folder. Source: Folder.MoveIntoFolder_Task (documented).
func moveNeeds(n *needs, req any) {
	for _, ref := range parameterRefs(req, "List") {
		privilege := moveByKind[ref.Type]
		n.add(ref, privilege)
		e, ok := n.c.Ctx.Map.Get(ref).(mo.Entity)
		if !ok {
			continue
		}
		if ref.Type == "HostSystem" {
			n.addTo(e.Entity().Parent, "Host.Inventory.EditCluster")
			n.add(n.c.This, "Host.Inventory.AddStandaloneHost")
			continue
		}
		n.addTo(e.Entity().Parent, privilege)
		n.add(n.c.This, privilege)
	}
}

// movePoolNeeds: AssignVMToPool on the target for a machine, MovePool on pool, source and target for a pool.
// Source: ResourcePool.MoveIntoResourcePool, vSphere Security, "Defined Privileges" (documented).
func movePoolNeeds(n *needs, req any) {
	for _, ref := range parameterRefs(req, "List") {
		switch ref.Type {
		case "VirtualMachine":
			n.add(n.c.This, "Resource.AssignVMToPool")
		case "VirtualApp":
			n.add(n.c.This, "Resource.AssignVAppToPool")
		default:
			n.add(ref, "Resource.MovePool")
			if e, ok := n.c.Ctx.Map.Get(ref).(mo.Entity); ok {
				n.addTo(e.Entity().Parent, "Resource.MovePool")
			}
			n.add(n.c.This, "Resource.MovePool")
		}
	}
}

// cancelNeeds: nothing for one's own task, else Global.CancelTask on its object.
// Source: vSphere Security, "Global privileges", Cancel task (documented); the own task: inferred.
func cancelNeeds(n *needs, _ any) {
	if !n.c.Twin.viewer(n.c.Session).ownTask(n.c.This) {
		n.add(n.c.This, "Global.CancelTask")
	}
}

// taskUpdateNeeds is for tasks of extensions. Source: Task.SetTaskState (documented).
func taskUpdateNeeds(n *needs, _ any) { n.add(n.c.This, "Task.Update") }

// optionNeeds: a host's settings need AdvancedConfig on it, vCenter's own Global.Settings.
// Source: OptionManager.UpdateOptions (documented).
func optionNeeds(n *needs, _ any) {
	if n.c.Twin.securable(n.c.This).Type == "HostSystem" {
		n.add(n.c.This, "Host.Config.AdvancedConfig")
		return
	}
	n.add(n.c.This, "Global.Settings")
}

// createSwitchNeeds: creating on the folder, and HostOp with each host's network for those that join at once.
// Source: Folder.CreateDVS_Task (documented).
func createSwitchNeeds(n *needs, req any) {
	n.add(n.c.This, "DVSwitch.Create")
	r, ok := req.(*types.CreateDVS_Task)
	if !ok || r.Spec.ConfigSpec == nil {
		return
	}
	for _, member := range r.Spec.ConfigSpec.GetDVSConfigSpec().Host {
		n.add(n.c.This, "DVSwitch.HostOp")
		n.add(member.Host, "Host.Config.Network")
	}
}

// switchNeeds is by field. Source: DistributedVirtualSwitch.ReconfigureDvs_Task (documented).
func switchNeeds(n *needs, req any) {
	r, ok := req.(*types.ReconfigureDvs_Task)
	if !ok || r.Spec == nil {
		return
	}
	spec := r.Spec.GetDVSConfigSpec()
	n.add(n.c.This, "DVSwitch.Modify")
	if spec.Policy != nil {
		n.add(n.c.This, "DVSwitch.PolicyOp")
	}
	if spec.DefaultPortConfig != nil {
		n.add(n.c.This, "DVSwitch.PortSetting")
	}
	for _, member := range spec.Host {
		n.add(n.c.This, "DVSwitch.HostOp")
		n.add(member.Host, "Host.Config.Network")
	}
	if vmware, ok := r.Spec.(*types.VMwareDVSConfigSpec); ok && len(vmware.VspanConfigSpec) > 0 {
		n.add(n.c.This, "DVSwitch.Vspan")
	}
}

// portgroupNeeds: PolicyOp for `policy`, ScopeOp for `scope`.
// Source: DistributedVirtualPortgroup.ReconfigureDVPortgroup_Task (documented).
func portgroupNeeds(n *needs, req any) {
	n.add(n.c.This, "DVPortgroup.Modify")
	r, ok := req.(*types.ReconfigureDVPortgroup_Task)
	if !ok {
		return
	}
	if r.Spec.Policy != nil {
		n.add(n.c.This, "DVPortgroup.PolicyOp")
	}
	if len(r.Spec.Scope) > 0 {
		n.add(n.c.This, "DVPortgroup.ScopeOp")
	}
}

// registerNeeds: the table has the folder and the pool. Source: Folder.RegisterVM_Task (documented).
func registerNeeds(n *needs, req any) {
	if r, ok := req.(*types.RegisterVM_Task); ok && r.Pool == nil && r.Host == nil && !r.AsTemplate {
		n.add(n.c.This, "VirtualMachine.Inventory.Register")
	}
}
