package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Queries of the DistributedVirtualSwitchManager: which hosts fit which switch.

// queryCompatibleHostSpec models QueryDvsCompatibleHostSpec. Documented: the host
// products that are compatible with a switch product.
func queryCompatibleHostSpec(_ *Call, req any) (any, error) {
	version, err := versionOf(req.(*types.QueryDvsCompatibleHostSpec).SwitchProductSpec)
	if err != nil {
		return nil, err
	}
	return &types.QueryDvsCompatibleHostSpecResponse{Returnval: compatibleHosts(version)}, nil
}

// queryHostsForNewSwitch models QueryCompatibleHostForNewDvs. Documented: the hosts
// of a container that are compatible with a switch product.
func queryHostsForNewSwitch(c *Call, req any) (any, error) {
	asked := req.(*types.QueryCompatibleHostForNewDvs)
	version, err := versionOf(asked.SwitchProductSpec)
	if err != nil {
		return nil, err
	}
	hosts, err := c.hostsThatFit(asked.Container, asked.Recursive, version)
	return &types.QueryCompatibleHostForNewDvsResponse{Returnval: hosts}, err
}

// queryHostsForSwitch models QueryCompatibleHostForExistingDvs. Documented: the
// hosts of a container that are compatible with the switch. Inferred: its members
// are among them.
func queryHostsForSwitch(c *Call, req any) (any, error) {
	asked := req.(*types.QueryCompatibleHostForExistingDvs)
	dvs, err := switchOf(c.Ctx.Map, asked.Dvs)
	if err != nil {
		return nil, err
	}
	hosts, err := c.hostsThatFit(asked.Container, asked.Recursive, dvs.Summary.ProductInfo.Version)
	return &types.QueryCompatibleHostForExistingDvsResponse{Returnval: hosts}, err
}

func (c *Call) hostsThatFit(container types.ManagedObjectReference, recursive bool, version string) ([]types.ManagedObjectReference, error) {
	hosts, err := c.hostsIn(container, recursive, "container")
	if err != nil {
		return nil, err
	}
	var out []types.ManagedObjectReference
	for _, host := range hosts {
		if tooOldFor(version, host) == nil {
			out = append(out, host.Self)
		}
	}
	return out, nil
}

// queryCompatibility models QueryDvsCheckCompatibility.
//
// Documented: an entry per host, with errors where it does not fit; a filter keeps
// the hosts that meet it, or with inclusive=false the others; naming both a product
// and a switch is an InvalidArgument. Inferred: several filters are combined.
func queryCompatibility(c *Call, req any) (any, error) {
	asked := req.(*types.QueryDvsCheckCompatibility)
	version := switchVersion
	if product := asked.DvsProductSpec; product != nil {
		if product.NewSwitchProductSpec != nil && product.DistributedVirtualSwitch != nil {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "dvsProductSpec"})
		}
		named, err := versionOf(product.NewSwitchProductSpec)
		if err != nil {
			return nil, err
		}
		version = named
		if product.DistributedVirtualSwitch != nil {
			dvs, err := switchOf(c.Ctx.Map, *product.DistributedVirtualSwitch)
			if err != nil {
				return nil, err
			}
			version = dvs.Summary.ProductInfo.Version
		}
	}
	hosts, err := c.hostsIn(asked.HostContainer.Container, asked.HostContainer.Recursive, "hostContainer.container")
	if err != nil {
		return nil, err
	}
	res := &types.QueryDvsCheckCompatibilityResponse{}
	for _, host := range hosts {
		passes, err := c.passesFilters(host, asked.HostFilterSpec)
		if err != nil {
			return nil, err
		}
		if !passes {
			continue
		}
		result := types.DistributedVirtualSwitchManagerCompatibilityResult{Host: host.Self}
		if err := tooOldFor(version, host); err != nil {
			result.Error = append(result.Error, *asFault(err).Localized())
		}
		res.Returnval = append(res.Returnval, result)
	}
	return res, nil
}

func (c *Call) passesFilters(host *simulator.HostSystem, filters []types.BaseDistributedVirtualSwitchManagerHostDvsFilterSpec) (bool, error) {
	for _, base := range filters {
		meets := true
		switch filter := base.(type) {
		case *types.DistributedVirtualSwitchManagerHostArrayFilter:
			meets = slices.Contains(filter.Host, host.Self)
		case *types.DistributedVirtualSwitchManagerHostDvsMembershipFilter:
			dvs, err := switchOf(c.Ctx.Map, filter.DistributedVirtualSwitch)
			if err != nil {
				return false, err
			}
			meets = slices.Contains(dvs.Summary.HostMember, host.Self)
		case *types.DistributedVirtualSwitchManagerHostContainerFilter:
			inside, err := c.hostsIn(filter.HostContainer.Container, filter.HostContainer.Recursive, "hostFilterSpec.hostContainer")
			if err != nil {
				return false, err
			}
			meets = slices.Contains(inside, host)
		}
		if meets != base.GetDistributedVirtualSwitchManagerHostDvsFilterSpec().Inclusive {
			return false, nil
		}
	}
	return true, nil
}

// hostsIn lists the hosts of a container, in the order of the inventory.
//
// Documented: a datacenter, a folder or a compute resource; recursive looks into
// subfolders, of a datacenter into those of its host folder. Inferred: another
// type is an InvalidArgument.
func (c *Call) hostsIn(container types.ManagedObjectReference, recursive bool, path string) ([]*simulator.HostSystem, error) {
	r := c.Ctx.Map
	var children []types.ManagedObjectReference
	switch e := r.Get(container).(type) {
	case nil:
		return nil, notFound(container)
	case *simulator.Datacenter:
		return c.hostsIn(e.HostFolder, recursive, path)
	case *simulator.Folder:
		children = e.ChildEntity
	case *simulator.ClusterComputeResource:
		children = e.Host
	case *mo.ComputeResource:
		children = e.Host
	default:
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: path})
	}
	var out []*simulator.HostSystem
	for _, ref := range children {
		switch e := r.Get(ref).(type) {
		case *simulator.HostSystem:
			out = append(out, e)
		case *simulator.Folder, *simulator.Datacenter:
			if !recursive {
				continue
			}
			hosts, err := c.hostsIn(ref, true, path)
			if err != nil {
				return nil, err
			}
			out = append(out, hosts...)
		case *simulator.ClusterComputeResource, *mo.ComputeResource:
			hosts, err := c.hostsIn(ref, recursive, path)
			if err != nil {
				return nil, err
			}
			out = append(out, hosts...)
		}
	}
	return out, nil
}
