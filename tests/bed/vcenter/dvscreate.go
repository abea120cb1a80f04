package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// createSwitch models Folder.CreateDVS_Task.
//
// Documented: DuplicateName, InvalidName, NotSupported in a folder whose childType has
// no switches; the result is the switch, which is born with an uplink port group.
// Inferred: DvsFault for a version that is not offered.
func createSwitch(c *Call, req any) (any, error) {
	spec := req.(*types.CreateDVS_Task).Spec
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		dvs, err := tc.createSwitch(c.This, &spec)
		if err != nil {
			return nil, err
		}
		return dvs.Self, nil
	})
	return &types.CreateDVS_TaskResponse{Returnval: ref}, nil
}

func (c *Call) createSwitch(parent types.ManagedObjectReference, spec *types.DVSCreateSpec) (*simulator.DistributedVirtualSwitch, error) {
	folder, err := folderOf(c.Ctx.Map, parent)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(folder.ChildType, "DistributedVirtualSwitch") {
		return nil, NewFault(&types.NotSupported{})
	}
	asked := spec.ConfigSpec.GetDVSConfigSpec()
	name := escapeName(asked.Name)
	if err := c.claimName(folder, name, types.ManagedObjectReference{}); err != nil {
		return nil, err
	}
	version := switchVersion
	if spec.ProductInfo != nil && spec.ProductInfo.Version != "" {
		version = spec.ProductInfo.Version
	}
	if !slices.Contains(switchVersions, version) {
		return nil, unknownVersion(version)
	}
	dvs := newSwitch(c.Twin, name, version, asked.UplinkPortPolicy)
	next := switchConfig(dvs)
	if err := c.applySwitchSpec(dvs, next, withoutName(spec.ConfigSpec)); err != nil {
		return nil, err
	}
	if err := c.checkUplinks(dvs, uplinkNames(next)); err != nil {
		return nil, err
	}
	if err := c.checkMembers(dvs, asked.Host); err != nil {
		return nil, err
	}
	dvs.Summary.Description = next.Description
	c.enterSwitch(folder, dvs)
	c.Twin.putPortgroup(c.Ctx, dvs, folder, uplinkSpec(dvs))
	uplinks := portgroupOf(c.Ctx.Map, dvs.Portgroup[0])
	uplinks.Config.Uplink = types.NewBool(true)
	next.UplinkPortgroup = []types.ManagedObjectReference{uplinks.Self}
	c.post(&types.DvsCreatedEvent{DvsEvent: c.switchEvent(dvs), Parent: types.FolderEventArgument{
		EntityEventArgument: types.EntityEventArgument{Name: folder.Name}, Folder: folder.Self,
	}})
	c.changeMembers(dvs, next, asked.Host)
	return dvs, nil
}

// newSwitch is a switch that nobody configured but for its uplinks, which its
// failover order names.
func newSwitch(t *Twin, name, version string, uplinks types.BaseDVSUplinkPortPolicy) *simulator.DistributedVirtualSwitch {
	if uplinks == nil {
		uplinks = defaultUplinks()
	}
	id := strings.ReplaceAll(uuid.NewString(), "-", "")
	pairs := make([]string, 0, len(id)/2)
	for i := 0; i < len(id); i += 2 {
		pairs = append(pairs, id[i:i+2])
	}
	dvs := &simulator.DistributedVirtualSwitch{}
	dvs.Name = name
	// Observed: a switch's UUID is written in pairs, "50 2a … -0e 7c …".
	dvs.Uuid = strings.Join(pairs[:8], " ") + "-" + strings.Join(pairs[8:], " ")
	dvs.Summary = types.DVSSummary{Name: name, Uuid: dvs.Uuid, ProductInfo: switchProduct(version)}
	dvs.Config = &types.VMwareDVSConfigInfo{
		DVSConfigInfo: types.DVSConfigInfo{
			Uuid: dvs.Uuid, Name: name, ConfigVersion: "1", CreateTime: t.now(), ProductInfo: *switchProduct(version),
			UplinkPortPolicy: uplinks, MaxPorts: math.MaxInt32,
		},
		MaxMtu: 1500,
	}
	config := switchConfig(dvs)
	config.DefaultPortConfig = defaultSwitchSetting(uplinkNames(config)...)
	fillSwitchDefaults(config)
	setSwitchVersion(dvs, version, atLeast(version, macLearningSince))
	return dvs
}

// withoutName is a creation spec without what creation handles itself.
func withoutName(spec types.BaseDVSConfigSpec) types.BaseDVSConfigSpec {
	out := cloneValue(spec)
	out.GetDVSConfigSpec().Name = ""
	return out
}

// enterSwitch puts a switch into the inventory under the type that vCenter gives it.
func (c *Call) enterSwitch(folder *mo.Folder, dvs *simulator.DistributedVirtualSwitch) {
	c.Ctx.Map.NewEntity(dvs)
	dvs.Self.Type = "VmwareDistributedVirtualSwitch"
	folder.ChildEntity = append(folder.ChildEntity, dvs.Self)
	c.Ctx.Map.PutEntity(folder, dvs)
	c.Twin.inventory.byUUID[dvs.Uuid] = dvs.Self
	c.Twin.Touch(folder.Self, dvs.Self)
}

// defaultUplinks is the uplink policy of a switch that was asked for without one.
// Inferred: one uplink.
func defaultUplinks() *types.DVSNameArrayUplinkPortPolicy {
	return &types.DVSNameArrayUplinkPortPolicy{UplinkPortName: []string{"Uplink 1"}}
}

// uplinkSpec is the uplink port group of a new switch: a trunk of all VLANs.
func uplinkSpec(dvs *simulator.DistributedVirtualSwitch) *types.DVPortgroupConfigSpec {
	return &types.DVPortgroupConfigSpec{
		Name: fmt.Sprintf("%s-DVUplinks-%s", dvs.Name, strings.TrimPrefix(dvs.Self.Value, "dvs-")),
		DefaultPortConfig: &types.VMwareDVSPortSetting{
			Vlan: &types.VmwareDistributedVirtualSwitchTrunkVlanSpec{VlanId: []types.NumericRange{{Start: 0, End: vlanIDMax}}},
		},
	}
}
