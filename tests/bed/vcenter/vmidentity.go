package main

import (
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What identifies a machine: its instance UUID, which vCenter keeps unique, and the
// UUID of its BIOS, which it does not.

// newIdentity gives a copied configuration an identity of its own.
func (t *Twin) newIdentity(config *types.VirtualMachineConfigInfo) {
	now := t.now()
	config.Uuid, config.InstanceUuid, config.CreateDate = uuid.NewString(), uuid.NewString(), &now
}

// applyIdentity sets the UUIDs that a spec asks for.
//
// Documented (VirtualMachineConfigSpec.uuid, .instanceUuid): 128 bits in hexadecimal;
// an empty instance UUID asks for a new one. Inferred: what is no UUID is an
// InvalidArgument, and however one is spelled, it reads back in small letters.
func (d *draft) applyIdentity(spec *types.VirtualMachineConfigSpec) error {
	if spec.Uuid != "" {
		id, err := uuid.Parse(spec.Uuid)
		if err != nil {
			return NewFault(&types.InvalidArgument{InvalidProperty: "configSpec.uuid"})
		}
		d.config.Uuid = id.String()
	}
	if spec.InstanceUuid != "" {
		id, err := uuid.Parse(spec.InstanceUuid)
		if err != nil {
			return NewFault(&types.InvalidArgument{InvalidProperty: "configSpec.instanceUuid"})
		}
		d.config.InstanceUuid = d.call.freeInstanceUUID(id.String(), d.vm)
	} else if sentEmpty(d.call.body, "spec", "instanceUuid") {
		d.config.InstanceUuid = uuid.NewString()
	}
	return nil
}

// askedUUID is the instance UUID that a clone was to have, if its spec counts.
func (d *draft) askedUUID(spec *types.VirtualMachineConfigSpec) string {
	if spec == nil || d.call.Twin.inventory.rules.CloneIgnoresConfig {
		return ""
	}
	return spec.InstanceUuid
}

// freeInstanceUUID is the instance UUID that a machine gets when it asks for one.
// Documented: vCenter changes an instance UUID that another machine has.
func (c *Call) freeInstanceUUID(asked string, self *simulator.VirtualMachine) string {
	if c.holderOfUUID(asked, self) != nil {
		return uuid.NewString()
	}
	return asked
}

// holderOfUUID finds another machine that has an instance UUID.
func (c *Call) holderOfUUID(uuid string, self *simulator.VirtualMachine) *simulator.VirtualMachine {
	for _, obj := range c.Ctx.Map.AllReference("VirtualMachine") {
		vm, ok := obj.(*simulator.VirtualMachine)
		if !ok || vm == self {
			continue
		}
		if config := c.Twin.configOf(vm); config != nil && strings.EqualFold(config.InstanceUuid, uuid) {
			return vm
		}
	}
	return nil
}

// postUUIDConflict tells of an instance UUID that was taken. Documented:
// VmInstanceUuidConflictEvent and VmInstanceUuidChangedEvent.
func (c *Call) postUUIDConflict(vm, holder *simulator.VirtualMachine, uuid string) {
	c.post(&types.VmInstanceUuidConflictEvent{
		VmEvent: c.machineEvent(vm), InstanceUuid: uuid,
		ConflictedVm: types.VmEventArgument{EntityEventArgument: types.EntityEventArgument{Name: holder.Name}, Vm: holder.Self},
	})
	c.post(&types.VmInstanceUuidChangedEvent{
		VmEvent: c.machineEvent(vm), OldInstanceUuid: uuid, NewInstanceUuid: vm.Config.InstanceUuid,
	})
}
