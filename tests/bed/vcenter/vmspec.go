package main

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// draft is a virtual machine being planned: a copy of its configuration that a
// spec is applied to. Nothing of a draft is visible until commit, which is what
// makes a create, clone or reconfigure all or nothing.
//
// Documented: ReconfigVM_Task, "the operation is atomic: either all of the
// changes are applied or none".
type draft struct {
	call     *Call
	vm       *simulator.VirtualMachine // nil while it does not exist yet
	config   *types.VirtualMachineConfigInfo
	host     *simulator.HostSystem
	folder   *mo.Folder
	creating bool
}

// ownSpecFields are the members of a config spec that have a rule of their own;
// all others are merged by name, or refused if the twin does not know them.
var ownSpecFields = map[string]bool{
	"ChangeVersion": true, "Name": true, "Version": true, "Files": true, "Uuid": true, "InstanceUuid": true, "GuestId": true,
	"NumCPUs": true, "NumCoresPerSocket": true, "MemoryMB": true, "DeviceChange": true, "ExtraConfig": true,
	"PowerOpInfo": true, "ManagedBy": true, "VAppConfigRemoved": true, "CreateDate": true,
}

// apply validates a spec and applies it to the draft. The spec is the draft's
// own copy.
func (d *draft) apply(spec *types.VirtualMachineConfigSpec) error {
	if err := checkHardware(d.config, spec); err != nil {
		return err
	}
	if !d.creating && spec.Files != nil && spec.Files.VmPathName != "" && spec.Files.VmPathName != d.config.Files.VmPathName {
		return Faultf(&types.NotImplemented{}, "The vCenter twin does not move the files of a virtual machine")
	}
	if err := d.applyName(spec.Name); err != nil {
		return err
	}
	if err := d.applyVersion(spec.Version); err != nil {
		return err
	}
	dropUnsupported(d.config.Version, spec) // first: what is ignored brings no companions
	if d.creating || d.call.Twin.inventory.rules.ReconfigureFillsVBS {
		if err := fillVBS(spec); err != nil {
			return err
		}
	}
	if unknown := mergeNamed(d.config, spec, ownSpecFields); len(unknown) > 0 {
		return Faultf(&types.NotImplemented{}, "The vCenter twin does not model %s of a virtual machine spec", strings.Join(unknown, ", "))
	}
	if err := checkSecureBoot(d.config); err != nil {
		return err
	}
	if err := d.applyGuestID(spec.GuestId); err != nil {
		return err
	}
	d.applyHardware(spec)
	d.applyManagedBy(spec.ManagedBy)
	if spec.PowerOpInfo != nil {
		mergeSet(&d.config.DefaultPowerOps, spec.PowerOpInfo)
	}
	if err := d.applyIdentity(spec); err != nil {
		return err
	}
	d.config.ExtraConfig = mergeExtraConfig(d.config.ExtraConfig, spec.ExtraConfig)
	if err := d.changeDevices(spec.DeviceChange); err != nil {
		return err
	}
	if spec.Annotation == "" && sentEmpty(d.call.body, "spec", "annotation") {
		d.config.Annotation = ""
	}
	if err := d.settleReservation(spec.MemoryAllocation); err != nil {
		return err
	}
	settleShares(d.config)
	d.settleConnections()
	return nil
}

// settleConnections makes connectable.connected tell the truth. Documented: it is
// meaningful only while the machine runs; a machine that is off has nothing connected.
func (d *draft) settleConnections() {
	if d.vm == nil || d.vm.Runtime.PowerState != poweredOn {
		disconnectDevices(d.config)
	}
}

// applyName renames. Documented: DuplicateName and InvalidName; the entity's name
// and config.name are one name.
func (d *draft) applyName(name string) error {
	escaped := escapeName(name)
	if name == "" || escaped == d.config.Name {
		return nil
	}
	var self types.ManagedObjectReference
	if d.vm != nil {
		self = d.vm.Self
	}
	if d.folder != nil && !d.creating { // a create or clone claimed its name already
		if err := d.call.claimName(d.folder, escaped, self); err != nil {
			return err
		}
	}
	d.config.Name = escaped
	return nil
}

// applyGuestID sets the guest and its full name. Documented: InvalidArgument for
// an unknown id; its property is observed as configSpec.guestId, also for an id that
// the host does not offer at the machine's hardware version (terraform issues 1332
// and 1682).
func (d *draft) applyGuestID(id string) error {
	if id == "" {
		return nil
	}
	full, known := guestFullName(id)
	_, offered := describeGuest(id, hardwareNumber(d.config.Version))
	if !known || !offered && id != d.config.GuestId {
		return NewFault(&types.InvalidArgument{InvalidProperty: "configSpec.guestId"})
	}
	d.config.GuestId, d.config.GuestFullName = id, full
	return nil
}

// applyHardware sets CPU and memory.
//
// Observed (vm-operator): numCoresPerSocket 0 means "automatic" from vmx-20 on;
// below it is refused, see checkHardware.
func (d *draft) applyHardware(spec *types.VirtualMachineConfigSpec) {
	hw := &d.config.Hardware
	if spec.NumCPUs != 0 {
		hw.NumCPU = spec.NumCPUs
	}
	if spec.MemoryMB != 0 {
		hw.MemoryMB = int32(spec.MemoryMB)
	}
	switch cores := spec.NumCoresPerSocket; {
	case cores == nil:
	case *cores == 0:
		hw.AutoCoresPerSocket, hw.NumCoresPerSocket = types.NewBool(true), types.NewInt32(1)
	default:
		hw.AutoCoresPerSocket, hw.NumCoresPerSocket = types.NewBool(false), types.NewInt32(*cores)
	}
}

// applyManagedBy sets or clears the managing extension. Documented: an
// unregistered key is accepted; an empty extensionKey clears.
func (d *draft) applyManagedBy(by *types.ManagedByInfo) {
	switch {
	case by == nil:
	case by.ExtensionKey == "":
		d.config.ManagedBy = nil
	default:
		d.config.ManagedBy = cloneValue(by)
	}
}

// firstClassKeys are extraConfig keys that belong to members of a config spec.
//
// Documented: "the values are ignored if a key conflicts with a configuration
// property". vhv.enable is among them: observed not to work through extraConfig
// (hashicorp/packer issue 10215).
var firstClassKeys = map[string]bool{
	"displayname": true, "annotation": true, "guestos": true, "numvcpus": true, "memsize": true, "firmware": true,
	"cpuid.corespersocket": true, "vhv.enable": true, "vvtd.enable": true, "vpmc.enable": true,
	"uefi.secureboot.enabled": true, "uuid.bios": true, "vc.uuid": true, "virtualhw.version": true,
	"vcpu.hotadd": true, "mem.hotadd": true,
}

// mergeExtraConfig applies options by key. Documented: an empty value removes the
// key; other keys stay.
func mergeExtraConfig(cur, changes []types.BaseOptionValue) []types.BaseOptionValue {
	out := cloneValue(cur)
	for _, change := range changes {
		option := change.GetOptionValue()
		if firstClassKeys[strings.ToLower(option.Key)] {
			continue
		}
		at := -1
		for i := range out {
			if out[i].GetOptionValue().Key == option.Key {
				at = i
			}
		}
		empty := option.Value == nil || option.Value == ""
		switch {
		case empty && at >= 0:
			out = append(out[:at], out[at+1:]...)
		case empty:
		case at >= 0:
			out[at] = &types.OptionValue{Key: option.Key, Value: option.Value}
		default:
			out = append(out, &types.OptionValue{Key: option.Key, Value: option.Value})
		}
	}
	return out
}
