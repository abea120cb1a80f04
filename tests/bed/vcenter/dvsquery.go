package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Queries of the DistributedVirtualSwitchManager.

// versionOf reads the version that a query speaks of. Documented: without a spec
// it is the default for new switches. Inferred: InvalidArgument for one that is not
// offered.
func versionOf(spec *types.DistributedVirtualSwitchProductSpec) (string, error) {
	if spec == nil || spec.Version == "" {
		return switchVersion, nil
	}
	if !slices.Contains(switchVersions, spec.Version) {
		return "", NewFault(&types.InvalidArgument{InvalidProperty: "switchProductSpec"})
	}
	return spec.Version, nil
}

// queryFeatureCapability models QueryDvsFeatureCapability.
// Documented: without a spec it speaks of the default for new switches.
func queryFeatureCapability(_ *Call, req any) (any, error) {
	version, err := versionOf(req.(*types.QueryDvsFeatureCapability).SwitchProductSpec)
	if err != nil {
		return nil, err
	}
	probe := &simulator.DistributedVirtualSwitch{}
	probe.Summary.ProductInfo = switchProduct(version)
	probe.Config = &types.VMwareDVSConfigInfo{}
	setSwitchVersion(probe, version, atLeast(version, macLearningSince))
	return &types.QueryDvsFeatureCapabilityResponse{Returnval: probe.Capability.FeaturesSupported}, nil
}

// queryAvailableSpecs models QueryAvailableDvsSpec. Observed: all versions that new
// switches may have are recommended; community.vmware's vmware_dvswitch asks for the
// recommended ones, refuses others, and makes switches of older versions with it.
func queryAvailableSpecs(_ *Call, req any) (any, error) {
	recommended := req.(*types.QueryAvailableDvsSpec).Recommended
	res := &types.QueryAvailableDvsSpecResponse{}
	for _, version := range switchVersions {
		if recommended == nil || *recommended {
			res.Returnval = append(res.Returnval, *switchProduct(version))
		}
	}
	return res, nil
}

// queryByUUID models QueryDvsByUuid. Documented: NotFound for an unknown UUID.
func queryByUUID(c *Call, req any) (any, error) {
	uuid := req.(*types.QueryDvsByUuid).Uuid
	if dvs := c.Twin.switchByUUID(c.Ctx.Map, uuid); dvs != nil {
		return &types.QueryDvsByUuidResponse{Returnval: &dvs.Self}, nil
	}
	return nil, objectNotFound()
}

// switchByUUID finds a switch. The index is only a hint: an entry is checked, and
// a miss looks at all switches.
func (t *Twin) switchByUUID(r *simulator.Registry, uuid string) *simulator.DistributedVirtualSwitch {
	if dvs, ok := r.Get(t.inventory.byUUID[uuid]).(*simulator.DistributedVirtualSwitch); ok && dvs.Uuid == uuid {
		return dvs
	}
	for _, obj := range r.AllReference("VmwareDistributedVirtualSwitch") {
		if dvs, ok := obj.(*simulator.DistributedVirtualSwitch); ok && dvs.Uuid == uuid {
			return dvs
		}
	}
	return nil
}

// lookupPortgroup models LookupDvPortGroup. Documented: NotFound for a key that the
// switch does not have.
func lookupPortgroup(c *Call, req any) (any, error) {
	dvs, err := switchOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	ref, err := groupByKey(dvs, req.(*types.LookupDvPortGroup).PortgroupKey)
	return &types.LookupDvPortGroupResponse{Returnval: ref}, err
}

// lookupPortgroupOfSwitch models DVSManagerLookupDvPortGroup. Documented: NotFound
// when switch or key is unknown.
func lookupPortgroupOfSwitch(c *Call, req any) (any, error) {
	asked := req.(*types.DVSManagerLookupDvPortGroup)
	dvs := c.Twin.switchByUUID(c.Ctx.Map, asked.SwitchUuid)
	if dvs == nil {
		return nil, objectNotFound()
	}
	ref, err := groupByKey(dvs, asked.PortgroupKey)
	return &types.DVSManagerLookupDvPortGroupResponse{Returnval: ref}, err
}

func groupByKey(dvs *simulator.DistributedVirtualSwitch, key string) (*types.ManagedObjectReference, error) {
	ref := simulator.FindReference(dvs.Portgroup, types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: key})
	if ref == nil {
		return nil, objectNotFound()
	}
	return ref, nil
}
