package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Creation of port groups on a distributed switch.

func registerPortgroups(t *Twin) {
	t.Handle("AddDVPortgroup_Task", "", addPortgroups)
	t.Handle("CreateDVPortgroup_Task", "", createPortgroup)
	t.Handle("ReconfigureDVPortgroup_Task", "", reconfigurePortgroup)
	t.Handle("Rename_Task", "DistributedVirtualPortgroup", renamePortgroup)
	t.Handle("Destroy_Task", "DistributedVirtualPortgroup", destroyPortgroup)
}

// addPortgroups models AddDVPortgroup_Task. Documented: several specs, no task
// result. Inferred: all are checked before the first is created.
func addPortgroups(c *Call, req any) (any, error) {
	specs := req.(*types.AddDVPortgroup_Task).Spec
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		_, err := tc.createPortgroups(c.This, specs)
		return nil, err
	})
	return &types.AddDVPortgroup_TaskResponse{Returnval: ref}, nil
}

// createPortgroup models CreateDVPortgroup_Task. Documented: the task's result
// is the new port group.
func createPortgroup(c *Call, req any) (any, error) {
	spec := req.(*types.CreateDVPortgroup_Task).Spec
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		created, err := tc.createPortgroups(c.This, []types.DVPortgroupConfigSpec{spec})
		if err != nil {
			return nil, err
		}
		return created[0], nil
	})
	return &types.CreateDVPortgroup_TaskResponse{Returnval: ref}, nil
}

func (c *Call) createPortgroups(ref types.ManagedObjectReference, specs []types.DVPortgroupConfigSpec) ([]types.ManagedObjectReference, error) {
	dvs, err := switchOf(c.Ctx.Map, ref)
	if err != nil {
		return nil, err
	}
	folder, err := folderOf(c.Ctx.Map, *dvs.Parent)
	if err != nil {
		return nil, err
	}
	seen := map[nameKey]bool{}
	for i := range specs {
		key := keyOf(folder.Self, escapeName(specs[i].Name))
		if seen[key] {
			return nil, NewFault(&types.DuplicateName{Name: specs[i].Name, Object: dvs.Self})
		}
		seen[key] = true
		if err := c.checkNewPortgroup(dvs, folder, &specs[i]); err != nil {
			return nil, err
		}
	}
	created := make([]types.ManagedObjectReference, 0, len(specs))
	for i := range specs {
		pg := c.Twin.putPortgroup(c.Ctx, dvs, folder, &specs[i])
		c.postPortgroupCreated(dvs, pg)
		created = append(created, pg.Self)
	}
	return created, nil
}

// checkNewPortgroup validates a creation spec.
//
// Documented faults: DvsFault, DuplicateName, InvalidName. An NSX backed group
// cannot be made through this API (inferred: NotSupported).
func (c *Call) checkNewPortgroup(dvs *simulator.DistributedVirtualSwitch, folder *mo.Folder, spec *types.DVPortgroupConfigSpec) error {
	if err := c.claimName(folder, escapeName(spec.Name), types.ManagedObjectReference{}); err != nil {
		return err
	}
	if spec.BackingType != "" && spec.BackingType != string(types.DistributedVirtualPortgroupBackingTypeStandard) {
		return NewFault(&types.NotSupported{})
	}
	if spec.Type != "" {
		if err := checkPortgroupType(spec.Type); err != nil {
			return err
		}
	}
	if spec.NumPorts < 0 {
		return NewFault(&types.InvalidArgument{InvalidProperty: "spec.numPorts"})
	}
	setting, err := portSettingOf(spec.DefaultPortConfig, "spec.defaultPortConfig")
	if err != nil {
		return err
	}
	return rulesOf(dvs, switchConfig(dvs)).check(setting, "spec.defaultPortConfig.")
}

// ownedByNsx tells whether NSX made a group.
// Documented: DVPortgroupConfigInfo.backingType "nsx".
func ownedByNsx(pg *simulator.DistributedVirtualPortgroup) bool {
	return pg.Config.BackingType == string(types.DistributedVirtualPortgroupBackingTypeNsx)
}

// putPortgroup builds a port group from a valid spec and puts it into the
// inventory. The seed of the control API uses it directly.
//
// Inferred: configVersion starts at "0" (it is ignored in a creation spec).
// Documented: type defaults to earlyBinding; autoExpand is on by default for
// static groups since 5.1 (observed in the client, stored by the API).
func (t *Twin) putPortgroup(ctx *simulator.Context, dvs *simulator.DistributedVirtualSwitch, folder *mo.Folder, spec *types.DVPortgroupConfigSpec) *simulator.DistributedVirtualPortgroup {
	pg := &simulator.DistributedVirtualPortgroup{}
	ctx.Map.NewEntity(pg)
	name := escapeName(spec.Name)
	pg.Name = name
	pg.Entity().Name = name
	pg.Key = pg.Self.Value
	pg.Summary = &types.NetworkSummary{Network: &pg.Self, Name: name, Accessible: true}
	asked, err := portSettingOf(spec.DefaultPortConfig, "spec.defaultPortConfig")
	if err != nil {
		panic(err) // the caller validated the spec
	}
	parent := switchSetting(dvs)
	pg.Config = types.DVPortgroupConfigInfo{
		Key:                          pg.Key,
		Name:                         name,
		NumPorts:                     spec.NumPorts,
		DistributedVirtualSwitch:     &dvs.Self,
		DefaultPortConfig:            mergePortSetting(inheritedSetting(parent), asked, parent, t.inventory.rules.MacManagementLeaves),
		Description:                  spec.Description,
		Type:                         orDefault(spec.Type, string(types.DistributedVirtualPortgroupPortgroupTypeEarlyBinding)),
		BackingType:                  string(types.DistributedVirtualPortgroupBackingTypeStandard),
		Policy:                       portgroupPolicy(spec.Policy),
		PortNameFormat:               spec.PortNameFormat,
		Scope:                        spec.Scope,
		VendorSpecificConfig:         spec.VendorSpecificConfig,
		ConfigVersion:                "0",
		AutoExpand:                   spec.AutoExpand,
		VmVnicNetworkResourcePoolKey: resourcePoolKey(spec, ""),
		Uplink:                       types.NewBool(false),
	}
	if pg.Config.Type == string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral) {
		pg.Config.NumPorts = 0
	} else if pg.Config.AutoExpand == nil {
		pg.Config.AutoExpand = types.NewBool(true)
	}
	t.addPorts(dvs, pg, int(pg.Config.NumPorts))
	t.linkPortgroup(ctx, dvs, folder, pg)
	return pg
}

// linkPortgroup enters a port group wherever the inventory shows it: folder,
// datacenter, switch, and each member host with its compute resource.
func (t *Twin) linkPortgroup(ctx *simulator.Context, dvs *simulator.DistributedVirtualSwitch, folder *mo.Folder, pg *simulator.DistributedVirtualPortgroup) {
	folder.ChildEntity = append(folder.ChildEntity, pg.Self)
	pg.Host = append(pg.Host, dvs.Summary.HostMember...)
	ctx.Map.PutEntity(folder, pg)
	dvs.Portgroup = append(dvs.Portgroup, pg.Self)
	dvs.Summary.PortgroupName = append(dvs.Summary.PortgroupName, pg.Name)
	t.Touch(folder.Self, dvs.Self, pg.Self)
	if dc := datacenterOf(ctx.Map, dvs.Self); dc != nil {
		dc.Network = append(dc.Network, pg.Self)
		t.Touch(dc.Self)
	}
	t.showNetworks(ctx.Map, dvs.Summary.HostMember, true, pg.Self)
}

// portSettingOf reads a setting as the VMware one. Unset is an empty setting;
// documented: the base class carries no VLAN and no policies of a VMware switch.
func portSettingOf(base types.BaseDVPortSetting, path string) (*types.VMwareDVSPortSetting, error) {
	switch s := base.(type) {
	case nil:
		return &types.VMwareDVSPortSetting{}, nil
	case *types.VMwareDVSPortSetting:
		return s, nil
	case *types.DVPortSetting:
		return &types.VMwareDVSPortSetting{DVPortSetting: *s}, nil
	}
	return nil, NewFault(&types.InvalidArgument{InvalidProperty: path})
}

// noResourcePool takes a group out of its network resource pool.
// Documented: DVPortgroupConfigInfo.vmVnicNetworkResourcePoolKey is unset by default,
// and "-1" in a spec makes it so again. Observed: unset (govmomi issue 1035).
const noResourcePool = "-1"

func resourcePoolKey(spec *types.DVPortgroupConfigSpec, current string) string {
	switch spec.VmVnicNetworkResourcePoolKey {
	case "":
		return current
	case noResourcePool:
		return ""
	}
	return spec.VmVnicNetworkResourcePoolKey
}

// portgroupPolicy completes the override policy of a new group.
// Observed: blocking may be overridden, nothing else, and a port is reset when it is
// left (a port group of a real server in govmomi issue 1035).
func portgroupPolicy(asked types.BaseDVPortgroupPolicy) types.BaseDVPortgroupPolicy {
	policy := &types.VMwareDVSPortgroupPolicy{
		DVPortgroupPolicy: types.DVPortgroupPolicy{
			BlockOverrideAllowed:               true,
			PortConfigResetAtDisconnect:        true,
			NetworkResourcePoolOverrideAllowed: types.NewBool(false),
			TrafficFilterOverrideAllowed:       types.NewBool(false),
		},
		IpfixOverrideAllowed:         types.NewBool(false),
		MacManagementOverrideAllowed: types.NewBool(false),
	}
	return mergePolicyFlags(policy, asked)
}

// mergePolicyFlags applies an override policy. Observed on the wire: its
// required booleans are always present, so they are replaced; only the optional
// ones can be left out.
func mergePolicyFlags(cur *types.VMwareDVSPortgroupPolicy, asked types.BaseDVPortgroupPolicy) types.BaseDVPortgroupPolicy {
	out := cloneValue(cur)
	switch p := asked.(type) {
	case *types.VMwareDVSPortgroupPolicy:
		mergeSet(out, p)
	case *types.DVPortgroupPolicy:
		mergeSet(&out.DVPortgroupPolicy, p)
	}
	return out
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
