package main

import (
	"github.com/vmware/govmomi/vim25/types"
)

// What a machine is promised of its host's CPUs and memory.

// settleReservation keeps the memory reservation in line with the memory.
//
// Documented (memoryReservationLockedToMax): while it is set, the reservation is
// always equal to the memory size. Observed (vm-operator compute_overwrite.go): a spec
// with another one is rejected then. Inferred: so is a reservation above the memory,
// and both are an InvalidArgument. Whether the host has that much left is not modelled.
func (d *draft) settleReservation(asked *types.ResourceAllocationInfo) error {
	memory := int64(d.config.Hardware.MemoryMB)
	if d.config.MemoryAllocation == nil {
		return nil
	}
	bad := NewFault(&types.InvalidArgument{InvalidProperty: "configSpec.memoryAllocation.reservation"})
	if isTrue(d.config.MemoryReservationLockedToMax) {
		if asked != nil && asked.Reservation != nil && *asked.Reservation != memory {
			return bad
		}
		d.config.MemoryAllocation.Reservation = types.NewInt64(memory)
	}
	if r := d.config.MemoryAllocation.Reservation; r != nil && (*r < 0 || *r > memory) {
		return bad
	}
	return nil
}

// sharesOf is what a level of shares is worth, for one virtual CPU and for one MB.
// Documented: SharesLevel.
var sharesOf = map[types.SharesLevel]struct{ cpu, memory int32 }{
	types.SharesLevelLow: {500, 5}, types.SharesLevelNormal: {1000, 10}, types.SharesLevelHigh: {2000, 20},
}

// settleShares keeps the shares of a machine in line with its size, unless they are
// custom. Observed: the change text of a resize has them beside what was asked for,
// "config.cpuAllocation.shares.shares: 2000 -> 32000" (the comment of a public client).
func settleShares(config *types.VirtualMachineConfigInfo) {
	for _, of := range []struct {
		allocation *types.ResourceAllocationInfo
		shares     func(types.SharesLevel) int32
	}{
		{config.CpuAllocation, func(level types.SharesLevel) int32 { return sharesOf[level].cpu * config.Hardware.NumCPU }},
		{config.MemoryAllocation, func(level types.SharesLevel) int32 { return sharesOf[level].memory * config.Hardware.MemoryMB }},
	} {
		if of.allocation == nil || of.allocation.Shares == nil {
			continue
		}
		if _, level := sharesOf[of.allocation.Shares.Level]; level {
			of.allocation.Shares.Shares = of.shares(of.allocation.Shares.Level)
		}
	}
}
