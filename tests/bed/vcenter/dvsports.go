package main

import (
	"slices"
	"strconv"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// FetchDVPorts: the ports of a switch and who is connected to them.

// fetchPorts models FetchDVPorts.
//
// Documented: criteria are combined; `inside` unset means the whole switch and
// makes portgroupKey meaningless; a setting shows effective values.
func fetchPorts(c *Call, req any) (any, error) {
	dvs, err := switchOf(c.Ctx.Map, c.This)
	if err != nil {
		return nil, err
	}
	criteria := req.(*types.FetchDVPorts).Criteria
	if criteria == nil {
		criteria = &types.DistributedVirtualSwitchPortCriteria{}
	}
	res := &types.FetchDVPortsResponse{}
	table := c.Twin.inventory.portsOf(dvs.Self)
	for _, ref := range dvs.Portgroup {
		pg := portgroupOf(c.Ctx.Map, ref)
		if pg == nil || !groupQualifies(pg, criteria) {
			continue
		}
		for _, key := range pg.PortKeys {
			connection, connected := table.connected[key]
			if portQualifies(key, connected, criteria) {
				res.Returnval = append(res.Returnval, c.describePort(dvs, pg, key, connection, connected))
			}
		}
	}
	return res, nil
}

func groupQualifies(pg *simulator.DistributedVirtualPortgroup, criteria *types.DistributedVirtualSwitchPortCriteria) bool {
	if criteria.UplinkPort != nil && *criteria.UplinkPort != isTrue(pg.Config.Uplink) {
		return false
	}
	if criteria.Inside == nil {
		return true
	}
	inside := len(criteria.PortgroupKey) == 0 || slices.Contains(criteria.PortgroupKey, pg.Key)
	return inside == *criteria.Inside
}

func portQualifies(key string, connected bool, criteria *types.DistributedVirtualSwitchPortCriteria) bool {
	if criteria.Connected != nil && *criteria.Connected != connected {
		return false
	}
	if criteria.Active != nil && *criteria.Active != connected {
		return false
	}
	return len(criteria.PortKey) == 0 || slices.Contains(criteria.PortKey, key)
}

func (c *Call) describePort(dvs *simulator.DistributedVirtualSwitch, pg *simulator.DistributedVirtualPortgroup, key string, on portConnection, connected bool) types.DistributedVirtualPort {
	port := types.DistributedVirtualPort{
		Key:              key,
		DvsUuid:          dvs.Uuid,
		PortgroupKey:     pg.Key,
		LastStatusChange: c.Twin.now(),
		// Documented: a port's configVersion is a counter of its own; no port has
		// been reconfigured here, since ReconfigureDVPort_Task is not modelled.
		Config: types.DVPortConfigInfo{Setting: pg.Config.DefaultPortConfig, ConfigVersion: "0"},
	}
	if !connected {
		return port
	}
	port.ConnectionCookie = on.cookie
	port.Connectee = &types.DistributedVirtualSwitchPortConnectee{
		ConnectedEntity: &on.vm,
		NicKey:          strconv.Itoa(int(on.nicKey)),
		Type:            string(types.DistributedVirtualSwitchPortConnecteeConnecteeTypeVmVnic),
	}
	vm, ok := c.Ctx.Map.Get(on.vm).(*simulator.VirtualMachine)
	if !ok {
		return port
	}
	port.ProxyHost = vm.Runtime.Host
	port.State = &types.DVPortState{RuntimeInfo: &types.DVPortStatus{
		LinkUp:     vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn,
		MacAddress: on.mac,
	}}
	return port
}
