package main

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Distributed switches: reconfigure, membership, deletion.

func registerSwitches(t *Twin) {
	t.Handle("CreateDVS_Task", "Folder", createSwitch)
	for _, kind := range []string{"DistributedVirtualSwitch", "VmwareDistributedVirtualSwitch"} {
		t.Handle("ReconfigureDvs_Task", kind, reconfigureSwitch)
		t.Handle("Destroy_Task", kind, destroySwitch)
		t.Handle("Rename_Task", kind, renameSwitch)
		t.HandleMode("FetchDVPorts", kind, Reader, fetchPorts)
	}
	t.HandleMode("QueryDvsFeatureCapability", "", Reader, queryFeatureCapability)
	t.HandleMode("QueryAvailableDvsSpec", "", Reader, queryAvailableSpecs)
	t.HandleMode("QueryDvsByUuid", "", Reader, queryByUUID)
}

// switchOf returns a distributed switch.
func switchOf(r *simulator.Registry, ref types.ManagedObjectReference) (*simulator.DistributedVirtualSwitch, error) {
	if dvs, ok := r.Get(ref).(*simulator.DistributedVirtualSwitch); ok {
		return dvs, nil
	}
	return nil, notFound(ref)
}

// switchConfig is the VMware configuration of a switch.
func switchConfig(dvs *simulator.DistributedVirtualSwitch) *types.VMwareDVSConfigInfo {
	if config, ok := dvs.Config.(*types.VMwareDVSConfigInfo); ok {
		return config
	}
	return &types.VMwareDVSConfigInfo{DVSConfigInfo: *dvs.Config.GetDVSConfigInfo()}
}

// switchSetting is the port setting of a switch, where groups inherit from.
func switchSetting(dvs *simulator.DistributedVirtualSwitch) *types.VMwareDVSPortSetting {
	if setting, ok := dvs.Config.GetDVSConfigInfo().DefaultPortConfig.(*types.VMwareDVSPortSetting); ok {
		return setting
	}
	return defaultSwitchSetting()
}

func pvlanMap(dvs *simulator.DistributedVirtualSwitch) []types.VMwareDVSPvlanMapEntry {
	return switchConfig(dvs).PvlanConfig
}

// defaultSwitchSetting is the port setting of a switch that nobody configured:
// untagged, originating-port teaming, no shaping, all security flags reject.
// Observed: the defaults that the client shows for a new switch.
func defaultSwitchSetting() *types.VMwareDVSPortSetting {
	mac := defaultMacManagement()
	off := func() *types.BoolPolicy { return boolPolicy(false, types.NewBool(false)) }
	on := func() *types.BoolPolicy { return boolPolicy(false, types.NewBool(true)) }
	return &types.VMwareDVSPortSetting{
		DVPortSetting: types.DVPortSetting{
			Blocked:                 off(),
			VmDirectPathGen2Allowed: off(),
			InShapingPolicy:         &types.DVSTrafficShapingPolicy{Enabled: off()},
			OutShapingPolicy:        &types.DVSTrafficShapingPolicy{Enabled: off()},
			NetworkResourcePoolKey:  &types.StringPolicy{Value: "-1"},
		},
		Vlan:   &types.VmwareDistributedVirtualSwitchVlanIdSpec{},
		QosTag: &types.IntPolicy{Value: -1},
		UplinkTeamingPolicy: &types.VmwareUplinkPortTeamingPolicy{
			Policy:         &types.StringPolicy{Value: "loadbalance_srcid"},
			ReversePolicy:  on(),
			NotifySwitches: on(),
			RollingOrder:   off(),
		},
		SecurityPolicy:      securityFromMac(mac),
		MacManagementPolicy: mac,
		IpfixEnabled:        off(),
		TxUplink:            off(),
	}
}

// learningSupported tells whether a switch can learn MAC addresses.
//
// Documented: DVSFeatureCapability.macLearningSupported; unset means no.
func learningSupported(dvs *simulator.DistributedVirtualSwitch) bool {
	features := dvs.Capability.FeaturesSupported
	return features != nil && isTrue(features.GetDVSFeatureCapability().MacLearningSupported)
}

// atLeast compares dotted product versions as numbers.
func atLeast(version, floor string) bool {
	have, want := strings.Split(version, "."), strings.Split(floor, ".")
	for i := range want {
		w, _ := strconv.Atoi(want[i])
		h := 0
		if i < len(have) {
			h, _ = strconv.Atoi(have[i])
		}
		if h != w {
			return h > w
		}
	}
	return true
}

// reconfigureSwitch models ReconfigureDvs_Task. Documented: configVersion is
// required and checked like a port group's, but it is a counter of its own
// (pyvmomi issue 538). A switch-wide policy change shows in every group that
// inherits it.
func reconfigureSwitch(c *Call, req any) (any, error) {
	spec := req.(*types.ReconfigureDvs_Task).Spec
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		return nil, tc.reconfigureSwitch(c.This, spec)
	})
	return &types.ReconfigureDvs_TaskResponse{Returnval: ref}, nil
}

func (c *Call) reconfigureSwitch(ref types.ManagedObjectReference, base types.BaseDVSConfigSpec) error {
	dvs, err := switchOf(c.Ctx.Map, ref)
	if err != nil {
		return err
	}
	spec := base.GetDVSConfigSpec()
	if err := checkConfigVersion(spec.ConfigVersion, dvs.Config.GetDVSConfigInfo().ConfigVersion); err != nil {
		return err
	}
	next := cloneValue(switchConfig(dvs))
	if err := c.applySwitchSpec(dvs, next, base); err != nil {
		return err
	}
	if err := c.checkMembers(dvs, spec.Host); err != nil {
		return err
	}
	next.ConfigVersion = nextConfigVersion(next.ConfigVersion)
	if next.Name != dvs.Name {
		dvs.Name, dvs.Summary.Name = next.Name, next.Name
	}
	dvs.Config = next
	c.changeMembers(dvs, next, spec.Host)
	if spec.DefaultPortConfig != nil {
		c.passInheritance(dvs)
	}
	c.Twin.Touch(dvs.Self)
	return nil
}

// applySwitchSpec merges what a spec sets into a copy of the configuration.
// Documented: InvalidArgument for an MTU outside 1280..9000 (maxMtu, observed
// range of the client); parts that the twin does not model are refused loudly.
func (c *Call) applySwitchSpec(dvs *simulator.DistributedVirtualSwitch, next *types.VMwareDVSConfigInfo, base types.BaseDVSConfigSpec) error {
	spec := base.GetDVSConfigSpec()
	if spec.Name != "" && spec.Name != dvs.Name {
		folder, err := folderOf(c.Ctx.Map, *dvs.Parent)
		if err != nil {
			return err
		}
		if err := c.claimName(folder, escapeName(spec.Name), dvs.Self); err != nil {
			return err
		}
		next.Name = escapeName(spec.Name)
	}
	if vmware, ok := base.(*types.VMwareDVSConfigSpec); ok {
		if vmware.MaxMtu != 0 && (vmware.MaxMtu < 1280 || vmware.MaxMtu > 9000) {
			return NewFault(&types.InvalidArgument{InvalidProperty: "spec.maxMtu"})
		}
		skip := map[string]bool{"DVSConfigSpec": true}
		if unknown := mergeNamed(next, vmware, skip); len(unknown) > 0 {
			return Faultf(&types.NotImplemented{}, "The vCenter twin does not model %s of a switch spec", strings.Join(unknown, ", "))
		}
	}
	if spec.DefaultPortConfig != nil {
		asked, err := portSettingOf(spec.DefaultPortConfig)
		if err != nil {
			return err
		}
		if err := checkPortSetting(asked, learningSupported(dvs), next.PvlanConfig); err != nil {
			return err
		}
		next.DefaultPortConfig = mergePortSetting(switchSetting(dvs), asked, defaultSwitchSetting(), c.Twin.inventory.rules.MacManagementLeaves)
	}
	skip := map[string]bool{"ConfigVersion": true, "Name": true, "Host": true, "DefaultPortConfig": true}
	if unknown := mergeNamed(&next.DVSConfigInfo, spec, skip); len(unknown) > 0 {
		return Faultf(&types.NotImplemented{}, "The vCenter twin does not model %s of a switch spec", strings.Join(unknown, ", "))
	}
	return nil
}

// passInheritance refreshes what the groups of a switch inherit from it.
// Documented: a config info shows effective values. Inferred: a change of
// inherited values counts the group's configVersion up.
func (c *Call) passInheritance(dvs *simulator.DistributedVirtualSwitch) {
	parent := switchSetting(dvs)
	for _, ref := range dvs.Portgroup {
		pg := portgroupOf(c.Ctx.Map, ref)
		current, ok := pg.Config.DefaultPortConfig.(*types.VMwareDVSPortSetting)
		if !ok {
			continue
		}
		next := cloneValue(pg.Config)
		next.DefaultPortConfig = mergePortSetting(current, inheritedOf(current), parent, MergeKeep)
		if !reflect.DeepEqual(next, pg.Config) {
			c.Twin.commitPortgroup(c.Ctx.Map, dvs, pg, next)
		}
	}
}

// destroySwitch models Destroy_Task on a switch. Documented: ResourceInUse while
// a VM or host is on one of its ports; its port groups go with it.
func destroySwitch(c *Call, _ any) (any, error) {
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		dvs, err := switchOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		for _, ref := range dvs.Portgroup {
			if pg := portgroupOf(tc.Ctx.Map, ref); tc.portgroupInUse(dvs, pg) {
				return nil, NewFault(&types.ResourceInUse{Type: dvs.Self.Type, Name: dvs.Name})
			}
		}
		for _, ref := range append([]types.ManagedObjectReference(nil), dvs.Portgroup...) {
			tc.Twin.removePortgroup(tc.Ctx, dvs, portgroupOf(tc.Ctx.Map, ref))
		}
		tc.Twin.hideNetworks(tc.Ctx.Map, dvs.Summary.HostMember, dvs.Self)
		delete(tc.Twin.inventory.switches, dvs.Self)
		tc.Twin.removeChild(tc.Ctx, dvs)
		return nil, nil
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}

// renameSwitch models Rename_Task on a switch. Documented: DuplicateName and
// InvalidName. Inferred: it counts configVersion up like a rename in a spec.
func renameSwitch(c *Call, req any) (any, error) {
	name := escapeName(req.(*types.Rename_Task).NewName)
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		dvs, err := switchOf(tc.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if err := checkName(name); err != nil {
			return nil, err
		}
		return nil, tc.reconfigureSwitch(c.This, &types.DVSConfigSpec{
			ConfigVersion: dvs.Config.GetDVSConfigInfo().ConfigVersion, Name: name,
		})
	})
	return &types.Rename_TaskResponse{Returnval: ref}, nil
}

// computeOf returns the compute resource of a host.
func computeOf(r *simulator.Registry, ref *types.ManagedObjectReference) *mo.ComputeResource {
	if ref == nil {
		return nil
	}
	switch compute := r.Get(*ref).(type) {
	case *simulator.ClusterComputeResource:
		return &compute.ComputeResource
	case *mo.ComputeResource:
		return compute
	}
	return nil
}
