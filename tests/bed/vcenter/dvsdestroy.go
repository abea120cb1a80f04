package main

import "github.com/vmware/govmomi/vim25/types"

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
		tc.post(&types.DvsDestroyedEvent{DvsEvent: tc.switchEvent(dvs)})
		for _, ref := range append([]types.ManagedObjectReference(nil), dvs.Portgroup...) {
			tc.Twin.removePortgroup(tc.Ctx, dvs, portgroupOf(tc.Ctx.Map, ref))
		}
		for _, ref := range dvs.Summary.HostMember {
			tc.Twin.hideProxy(tc.Ctx.Map, ref, dvs)
		}
		delete(tc.Twin.inventory.switches, dvs.Self)
		delete(tc.Twin.inventory.byUUID, dvs.Uuid)
		tc.Twin.removeChild(tc.Ctx, dvs)
		return nil, nil
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}
