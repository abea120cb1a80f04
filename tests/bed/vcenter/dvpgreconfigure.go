package main

import (
	"reflect"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Reconfigure and rename of a port group.

// reconfigurePortgroup models ReconfigureDVPortgroup_Task.
//
// Observed: a stale configVersion is reported by the task, not by the call; the
// rule switch turns it into a SOAP fault, since the reference declares the fault
// on the method.
func reconfigurePortgroup(c *Call, req any) (any, error) {
	spec := req.(*types.ReconfigureDVPortgroup_Task).Spec
	if !c.Twin.inventory.rules.ConcurrentAccessInTask {
		if err := checkConfigVersion(spec.ConfigVersion, portgroupOf(c.Ctx.Map, c.This).Config.ConfigVersion); err != nil {
			return nil, err
		}
	}
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		return nil, tc.reconfigurePortgroup(c.This, &spec)
	})
	return &types.ReconfigureDVPortgroup_TaskResponse{Returnval: ref}, nil
}

func (c *Call) reconfigurePortgroup(ref types.ManagedObjectReference, spec *types.DVPortgroupConfigSpec) error {
	pg := portgroupOf(c.Ctx.Map, ref)
	if pg == nil {
		return notFound(ref)
	}
	if err := checkConfigVersion(spec.ConfigVersion, pg.Config.ConfigVersion); err != nil {
		return err
	}
	dvs, err := switchOf(c.Ctx.Map, *pg.Config.DistributedVirtualSwitch)
	if err != nil {
		return err
	}
	next, err := c.reconfiguredPortgroup(dvs, pg, spec)
	if err != nil {
		return err
	}
	before, wasEphemeral := pg.Config, isEphemeral(pg)
	c.Twin.commitPortgroup(c.Ctx.Map, dvs, pg, next)
	if wasEphemeral && !isEphemeral(pg) {
		c.Twin.bindIdle(c.Ctx.Map, pg)
	}
	c.postPortgroupReconfigured(dvs, pg, spec, &before)
	return nil
}

// reconfiguredPortgroup computes the new configuration and changes nothing.
//
// Documented: unset top-level members stay (MacLearn.ps1 and govc's
// dvs.portgroup.change depend on it); DuplicateName, InvalidName; numPorts is
// ignored for ephemeral groups; a group that NSX owns is not changed here
// (inferred: NotSupported).
func (c *Call) reconfiguredPortgroup(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, spec *types.DVPortgroupConfigSpec) (types.DVPortgroupConfigInfo, error) {
	next := cloneValue(pg.Config)
	if ownedByNsx(pg) {
		return next, NewFault(&types.NotSupported{})
	}
	if spec.Name != "" && escapeName(spec.Name) != next.Name {
		folder, err := folderOf(c.Ctx.Map, *pg.Parent)
		if err != nil {
			return next, err
		}
		if err := c.claimName(folder, escapeName(spec.Name), pg.Self); err != nil {
			return next, err
		}
	}
	if spec.Type != "" {
		if err := checkPortgroupType(spec.Type); err != nil {
			return next, err
		}
	}
	if spec.DefaultPortConfig != nil {
		asked, err := portSettingOf(spec.DefaultPortConfig, "spec.defaultPortConfig")
		if err != nil {
			return next, err
		}
		if err := rulesOf(dvs, switchConfig(dvs)).check(asked, "spec.defaultPortConfig."); err != nil {
			return next, err
		}
		current, _ := next.DefaultPortConfig.(*types.VMwareDVSPortSetting)
		next.DefaultPortConfig = mergePortSetting(current, asked, switchSetting(dvs), c.Twin.inventory.rules.MacManagementLeaves)
	}
	if policy, ok := next.Policy.(*types.VMwareDVSPortgroupPolicy); ok && spec.Policy != nil {
		next.Policy = mergePolicyFlags(policy, spec.Policy)
	}
	mergeNamed(&next, spec, map[string]bool{
		"ConfigVersion": true, "Name": true, "NumPorts": true, "DefaultPortConfig": true, "Policy": true, "VendorSpecificConfig": true,
	})
	next.VendorSpecificConfig = c.changedVendorConfig(next.VendorSpecificConfig, spec.VendorSpecificConfig)
	if sentEmpty(c.body, "spec", "description") {
		next.Description = ""
	}
	next.VmVnicNetworkResourcePoolKey = resourcePoolKey(spec, pg.Config.VmVnicNetworkResourcePoolKey)
	if spec.Name != "" {
		next.Name = escapeName(spec.Name)
	}
	ephemeral := next.Type == string(types.DistributedVirtualPortgroupPortgroupTypeEphemeral)
	if isEphemeral(pg) && !ephemeral {
		next.NumPorts = int32(len(pg.PortKeys)) // those in use stay, see bindIdle
	}
	if (spec.NumPorts != 0 || sentZero(c.body, "spec", "numPorts")) && !ephemeral {
		if err := c.checkNumPorts(dvs, pg, spec.NumPorts); err != nil {
			return next, err
		}
		next.NumPorts = spec.NumPorts
	}
	if ephemeral {
		next.NumPorts = 0
	}
	return next, nil
}

// changedVendorConfig applies the opaque data of a spec.
//
// Undecided: whether a list replaces the old one or its entries do so by key. Inferred:
// it replaces it, as lists of data objects do; the rule switch vendorConfigMerges takes
// the other reading.
func (c *Call) changedVendorConfig(current, asked []types.DistributedVirtualSwitchKeyedOpaqueBlob) []types.DistributedVirtualSwitchKeyedOpaqueBlob {
	if len(asked) == 0 {
		return current
	}
	if !c.Twin.inventory.rules.VendorConfigMerges {
		return slices.Clone(asked)
	}
	merged := slices.Clone(current)
	for _, blob := range asked {
		same := func(b types.DistributedVirtualSwitchKeyedOpaqueBlob) bool { return b.Key == blob.Key }
		if i := slices.IndexFunc(merged, same); i >= 0 {
			merged[i] = blob
		} else {
			merged = append(merged, blob)
		}
	}
	return merged
}

// checkNumPorts refuses to take ports away that are in use.
//
// Documented: a lower number deletes free ports, and a fault is raised when that
// is not enough. Observed: its text (apache/cloudstack issue 2631). The fault
// type is inferred: the method declares DvsFault for an invalid spec.
func (c *Call) checkNumPorts(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, want int32) error {
	used := 0
	table := c.Twin.inventory.portsOf(dvs.Self)
	for _, key := range pg.PortKeys {
		if table.busy(key) {
			used++
		}
	}
	if want < 0 || int(want) < used {
		return Faultf(&types.DvsFault{},
			"Cannot set number of ports to %d because at least %d out of %d ports are still in use", want, used, len(pg.PortKeys))
	}
	return nil
}

// commitPortgroup puts a computed configuration in force: name, ports, version.
func (t *Twin) commitPortgroup(r *simulator.Registry, dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, next types.DVPortgroupConfigInfo) {
	if next.Name != pg.Config.Name {
		t.renameOnSwitch(r, dvs, pg, next.Name)
	}
	t.resizePortgroup(dvs, pg, int(next.NumPorts))
	if t.inventory.rules.NoOpBumpsConfigVersion || !reflect.DeepEqual(next, pg.Config) {
		next.ConfigVersion = nextConfigVersion(pg.Config.ConfigVersion)
	}
	pg.Config = next
	t.Touch(pg.Self)
}

// resizePortgroup adds ports, or deletes free ones, until the group has n.
func (t *Twin) resizePortgroup(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, n int) {
	table := t.inventory.portsOf(dvs.Self)
	delete(table.taken, pg.Key)
	if extra := n - len(pg.PortKeys); extra > 0 {
		t.addPorts(dvs, pg, extra)
		return
	}
	surplus := make([]string, 0, len(pg.PortKeys))
	for _, key := range slices.Backward(pg.PortKeys) {
		if len(pg.PortKeys)-len(surplus) > n && !table.busy(key) {
			surplus = append(surplus, key)
		}
	}
	if len(surplus) > 0 {
		t.dropPorts(dvs, pg, surplus...)
	}
}

// renameOnSwitch changes a group's name everywhere it is shown.
// Documented: the entity's name and config.name are one name.
func (t *Twin) renameOnSwitch(_ *simulator.Registry, dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, name string) {
	names := append([]string(nil), dvs.Summary.PortgroupName...)
	for i := range names {
		if names[i] == pg.Name {
			names[i] = name
		}
	}
	dvs.Summary.PortgroupName = names
	pg.Name = name
	pg.Entity().Name = name
	pg.Summary = &types.NetworkSummary{Network: &pg.Self, Name: name, Accessible: true}
	t.Touch(pg.Self, dvs.Self)
}

// renamePortgroup models Rename_Task on a port group. Documented: DuplicateName,
// InvalidName. Inferred: it counts configVersion up like a rename in a spec.
func renamePortgroup(c *Call, req any) (any, error) {
	name := escapeName(req.(*types.Rename_Task).NewName)
	ref := c.StartTask(c.This, descriptionID(c.This.Type, c.Method), func(tc *TaskContext) (any, error) {
		pg := portgroupOf(tc.Ctx.Map, c.This)
		if pg == nil {
			return nil, notFound(c.This)
		}
		spec := &types.DVPortgroupConfigSpec{ConfigVersion: pg.Config.ConfigVersion, Name: name}
		if err := checkName(name); err != nil {
			return nil, err
		}
		return nil, tc.reconfigurePortgroup(c.This, spec)
	})
	return &types.Rename_TaskResponse{Returnval: ref}, nil
}

// portgroupOf returns a port group or nil.
func portgroupOf(r *simulator.Registry, ref types.ManagedObjectReference) *simulator.DistributedVirtualPortgroup {
	pg, _ := r.Get(ref).(*simulator.DistributedVirtualPortgroup)
	return pg
}
