package main

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// SearchIndex by UUID.

func registerSearch(t *Twin) {
	t.HandleMode("FindByUuid", "SearchIndex", Reader, findByUUID)
	t.HandleMode("FindAllByUuid", "SearchIndex", Reader, findAllByUUID)
}

// findByUUID models FindByUuid. Documented: one of several matches, null if none.
func findByUUID(c *Call, req any) (any, error) {
	r := req.(*types.FindByUuid)
	res := &types.FindByUuidResponse{}
	if found := c.withUUID(r.Uuid, r.VmSearch, isTrue(r.InstanceUuid), r.Datacenter); len(found) > 0 {
		res.Returnval = &found[0]
	}
	return res, nil
}

// findAllByUUID models FindAllByUuid. Documented: all matches.
func findAllByUUID(c *Call, req any) (any, error) {
	r := req.(*types.FindAllByUuid)
	return &types.FindAllByUuidResponse{
		Returnval: c.withUUID(r.Uuid, r.VmSearch, isTrue(r.InstanceUuid), r.Datacenter),
	}, nil
}

// withUUID searches machines or hosts.
//
// Observed (cloud-provider-vsphere pull 650): an inaccessible machine is not
// found; the same for an invalid or orphaned one is inferred, none of them has a
// configuration. Documented: a datacenter narrows the search.
func (c *Call) withUUID(uuid string, machines, instance bool, datacenter *types.ManagedObjectReference) []types.ManagedObjectReference {
	kind := "HostSystem"
	if machines {
		kind = "VirtualMachine"
	}
	var found []types.ManagedObjectReference
	for _, obj := range c.Ctx.Map.AllReference(kind) {
		var has string
		switch e := obj.(type) {
		case *simulator.VirtualMachine:
			if !c.searchable(e) {
				continue
			}
			config := c.Twin.configOf(e)
			if has = config.Uuid; instance {
				has = config.InstanceUuid
			}
		case *simulator.HostSystem:
			if e.Summary.Hardware != nil {
				has = e.Summary.Hardware.Uuid
			}
		}
		if has == "" || !strings.EqualFold(has, uuid) {
			continue
		}
		if !c.Twin.viewer(c.Session).has(obj.Reference(), privilegeRead) {
			continue // documented: as if it were not there
		}
		if datacenter != nil {
			if dc := datacenterOf(c.Ctx.Map, obj.Reference()); dc == nil || dc.Self != *datacenter {
				continue
			}
		}
		found = append(found, obj.Reference())
	}
	return found
}

func (c *Call) searchable(vm *simulator.VirtualMachine) bool {
	if c.Twin.configOf(vm) == nil {
		return false
	}
	return vm.Config != nil || !c.Twin.inventory.rules.FindByUuidSkipsInaccessible
}
