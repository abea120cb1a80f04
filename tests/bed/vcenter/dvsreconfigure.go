package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Reconfigure and rename of a switch, and what its groups inherit afterwards.

// reconfigureSwitch models ReconfigureDvs_Task. Documented: configVersion is
// required and checked like a port group's, but it is a counter of its own
// (pyvmomi issue 538). A switch-wide policy change shows in every group that
// inherits it.
func reconfigureSwitch(c *Call, req any) (any, error) {
	spec := req.(*types.ReconfigureDvs_Task).Spec
	if !c.Twin.inventory.rules.ConcurrentAccessInTask {
		dvs, err := switchOf(c.Ctx.Map, c.This)
		if err != nil {
			return nil, err
		}
		if err := checkConfigVersion(spec.GetDVSConfigSpec().ConfigVersion, dvs.Config.GetDVSConfigInfo().ConfigVersion); err != nil {
			return nil, err
		}
	}
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
	before := switchConfig(dvs)
	next := cloneValue(before)
	if err := c.applySwitchSpec(dvs, next, base); err != nil {
		return err
	}
	if err := c.checkMembers(dvs, spec.Host); err != nil {
		return err
	}
	if err := c.checkUplinks(dvs, uplinkNames(next)); err != nil {
		return err
	}
	c.commitSwitch(dvs, next, spec.Host)
	if c.Method == "Rename_Task" {
		return nil // the new name has an event of its own
	}
	c.post(&types.DvsReconfiguredEvent{
		DvsEvent: c.switchEvent(dvs), ConfigSpec: base, ConfigChanges: configChanges(before, switchConfig(dvs)),
	})
	return nil
}

// commitSwitch puts a computed configuration in force, in the summary, in the
// groups and on the hosts.
func (c *Call) commitSwitch(dvs *simulator.DistributedVirtualSwitch, next *types.VMwareDVSConfigInfo, hosts []types.DistributedVirtualSwitchHostMemberConfigSpec) {
	before := switchConfig(dvs)
	c.Twin.renameUplinks(c.Ctx.Map, dvs, next)
	changed := len(hosts) > 0 || !reflect.DeepEqual(before, next)
	if changed || c.Twin.inventory.rules.NoOpBumpsConfigVersion {
		next.ConfigVersion = nextConfigVersion(next.ConfigVersion)
	}
	dvs.Name, dvs.Config = next.Name, next
	c.Twin.postRenamed(dvs.Self, before.Name, next.Name, c.User, c.chain)
	dvs.Summary.Name, dvs.Summary.Description = next.Name, next.Description
	if next.Contact != (types.DVSContactInfo{}) {
		contact := next.Contact
		dvs.Summary.Contact = &contact
	}
	c.changeMembers(dvs, next, hosts)
	c.markUplinkGroups(dvs, before.UplinkPortgroup)
	if !reflect.DeepEqual(before.DefaultPortConfig, next.DefaultPortConfig) {
		c.passInheritance(dvs)
	}
	c.Twin.Touch(dvs.Self)
}

// applySwitchSpec merges what a spec sets into a copy of the configuration.
//
// Documented: DuplicateName; NotSupported for a feature that the switch lacks;
// unset members stay. What the twin does not model is refused loudly.
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
		if err := c.applyVMwareSpec(dvs, next, vmware); err != nil {
			return err
		}
	}
	if spec.MaxPorts != 0 && spec.MaxPorts < next.NumPorts {
		limit := next.NumPorts // documented: no smaller than the existing ports; inferred: LimitExceeded, which is declared
		return Faultf(&types.LimitExceeded{Property: "maxPorts", Limit: &limit},
			"The switch %s has %d ports; spec.maxPorts is %d.", dvs.Name, limit, spec.MaxPorts)
	}
	if err := c.checkUplinkGroups(dvs, spec.UplinkPortgroup); err != nil {
		return err
	}
	skip := map[string]bool{
		"ConfigVersion": true, "Name": true, "Host": true, "DefaultPortConfig": true,
		"InfrastructureTrafficResourceConfig": true, "NetResourcePoolTrafficResourceConfig": true,
	}
	unknown := mergeNamed(&next.DVSConfigInfo, spec, skip)
	if spec.NumStandalonePorts != 0 {
		unknown = append(unknown, "NumStandalonePorts")
	}
	if len(unknown) > 0 {
		return notInSwitchSpec(unknown)
	}
	mergeTraffic(&next.InfrastructureTrafficResourceConfig, spec.InfrastructureTrafficResourceConfig)
	mergeTraffic(&next.NetResourcePoolTrafficResourceConfig, spec.NetResourcePoolTrafficResourceConfig)
	if sentEmpty(c.body, "spec", "description") {
		next.Description = ""
	}
	if spec.DefaultPortConfig == nil {
		return nil
	}
	asked, err := portSettingOf(spec.DefaultPortConfig, "spec.defaultPortConfig")
	if err != nil {
		return err
	}
	if err := rulesOf(dvs, next).check(asked, "spec.defaultPortConfig."); err != nil {
		return err
	}
	next.DefaultPortConfig = mergePortSetting(switchSetting(dvs), asked, defaultSwitchSetting(uplinkNames(next)...), c.Twin.inventory.rules.MacManagementLeaves)
	return nil
}

// applyVMwareSpec merges the members that only a VMware switch has.
//
// Documented: VMwareDVSFeatureCapability.mtuCapability bounds the MTU. Inferred:
// outside of it is an InvalidArgument.
func (c *Call) applyVMwareSpec(dvs *simulator.DistributedVirtualSwitch, next *types.VMwareDVSConfigInfo, spec *types.VMwareDVSConfigSpec) error {
	if spec.MaxMtu != 0 && (spec.MaxMtu < mtuMin || spec.MaxMtu > mtuMax) {
		return NewFault(&types.InvalidArgument{InvalidProperty: "spec.maxMtu"})
	}
	pvlans, err := c.changedPvlans(dvs, next.PvlanConfig, spec.PvlanConfigSpec)
	if err != nil {
		return err
	}
	next.PvlanConfig = pvlans
	skip := map[string]bool{"DVSConfigSpec": true, "PvlanConfigSpec": true}
	if unknown := mergeNamed(next, spec, skip); len(unknown) > 0 {
		return notInSwitchSpec(unknown)
	}
	return nil
}

func notInSwitchSpec(members []string) error {
	return Faultf(&types.NotImplemented{}, "The vCenter twin does not model %s of a switch spec", strings.Join(members, ", "))
}

// mergeTraffic replaces the entries of a resource allocation by key.
// Documented: classes that the spec does not name stay.
func mergeTraffic(dst *[]types.DvsHostInfrastructureTrafficResource, src []types.DvsHostInfrastructureTrafficResource) {
	merged := slices.Clone(*dst)
	for _, entry := range src {
		same := func(e types.DvsHostInfrastructureTrafficResource) bool { return e.Key == entry.Key }
		if i := slices.IndexFunc(merged, same); i >= 0 {
			merged[i] = entry
		} else {
			merged = append(merged, entry)
		}
	}
	*dst = merged
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
		setting := mergePortSetting(current, inheritedOf(current), parent, MergeKeep)
		if reflect.DeepEqual(setting, current) {
			continue
		}
		next := cloneValue(pg.Config)
		next.DefaultPortConfig = setting
		c.Twin.commitPortgroup(c.Ctx.Map, dvs, pg, next)
	}
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

// enableResourceManagement models EnableNetworkResourceManagement. Documented:
// DVSConfigInfo.networkResourceManagementEnabled tells the outcome. Inferred: it
// counts configVersion up.
func enableResourceManagement(c *Call, req any) (any, error) {
	dvs, err := switchOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	next := cloneValue(switchConfig(dvs))
	next.NetworkResourceManagementEnabled = req.(*types.EnableNetworkResourceManagement).Enable
	c.commitSwitch(dvs, next, nil)
	return &types.EnableNetworkResourceManagementResponse{}, nil
}
