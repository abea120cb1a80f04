package main

// MergeMode says what an unset leaf means inside macManagementPolicy and
// macLearningPolicy of a reconfigure spec.
type MergeMode string

// ConflictMode says what a second operation on a busy virtual machine gets.
type ConflictMode string

const (
	MergeKeep  MergeMode = "keep"  // an unset leaf keeps the current effective value
	MergeReset MergeMode = "reset" // an unset leaf goes back to the product default

	ConflictQueue  ConflictMode = "queue"  // the second task waits until the first has ended
	ConflictReject ConflictMode = "reject" // the second task fails with TaskInProgress
)

// Rules holds the switches for behaviour that neither the API reference nor a
// trace of a real vCenter settles. Each is changed through the control API, so
// that a test can be run against both readings. The defaults are the readings
// that most evidence points to.
type Rules struct {
	// OneRetrievalPerCollector: whether a new RetrievePropertiesEx ends an earlier
	// paged one on the same collector. The reference speaks of the token of "the
	// previous" result; nothing found on clients that page in parallel.
	OneRetrievalPerCollector bool `json:"oneRetrievalPerCollector"`
	// MacManagementLeaves: undecided. lamw's MacLearn.ps1 turns learning off
	// with enabled=false alone and nobody reports a lost limit.
	MacManagementLeaves MergeMode `json:"macManagementLeaves"`
	// BusyVM: undecided. ESXi answers TaskInProgress, vCenter was seen to queue
	// (terraform-provider-vsphere issue 493) as well as to fail.
	BusyVM ConflictMode `json:"busyVM"`
	// ConcurrentAccessInTask: the fault is declared on the method, traces of
	// reconfigures show it as the error of a task that had started.
	ConcurrentAccessInTask bool `json:"concurrentAccessInTask"`
	// CloneIgnoresConfig: one report (virtrigaud issue 17) of spec.config being
	// ignored by a clone; CAPV depends on the opposite.
	CloneIgnoresConfig bool `json:"cloneIgnoresConfig"`
	// CloneCopiesManagedBy: nothing found either way.
	CloneCopiesManagedBy bool `json:"cloneCopiesManagedBy"`
	// FindByUuidSkipsInaccessible: observed by cloud-provider-vsphere.
	FindByUuidSkipsInaccessible bool `json:"findByUuidSkipsInaccessible"`
	// EphemeralOffBlocksDestroy: whether a powered-off VM on an ephemeral port
	// group keeps that group from being deleted. Nothing found.
	EphemeralOffBlocksDestroy bool `json:"ephemeralOffBlocksDestroy"`
	// NoOpBumpsConfigVersion: whether a reconfigure that changes nothing counts
	// up configVersion and changeVersion. Nothing found; assumed.
	NoOpBumpsConfigVersion bool `json:"noOpBumpsConfigVersion"`
	// PortNeedsConfigVersion: whether ReconfigureDVPort_Task wants the port's
	// configVersion. The reference calls it required for groups and switches, and
	// says nothing of ports.
	PortNeedsConfigVersion bool `json:"portNeedsConfigVersion"`
	// VendorConfigMerges: whether vendorSpecificConfig of a port group spec is merged
	// by key instead of replacing the list. Nothing found.
	VendorConfigMerges bool `json:"vendorConfigMerges"`
	// ReconfigureFillsVBS: whether vbsEnabled=true in a reconfigure fills in its
	// companions as it does on create. Documented for create only.
	ReconfigureFillsVBS bool `json:"reconfigureFillsVBS"`
	// ReconfigureTakesVersion: whether ReconfigVM_Task honours `version`. The
	// reference sends users to UpgradeVM_Task and says nothing more.
	ReconfigureTakesVersion bool `json:"reconfigureTakesVersion"`
	// RevertWithoutSnapshotFails: RevertToCurrentSnapshot_Task without a snapshot.
	// Its page says "does nothing" in the text and NotFound among the faults.
	RevertWithoutSnapshotFails bool `json:"revertWithoutSnapshotFails"`
	// RevertRestoresName: whether a revert brings the machine's name back. Nothing
	// found; the name is vCenter's, so it stays.
	RevertRestoresName bool `json:"revertRestoresName"`
	// SnapshotDepth: the longest chain of snapshots. The configuration maximums say
	// 32; 31 was observed (williamlam.com 2010/10, Dell's PowerStore guide).
	SnapshotDepth int `json:"snapshotDepth"`
	// StorageMoveNeedsHost: whether RelocateVM_Task of a running machine to another
	// datastore has to name a host. The method's page says InvalidArgument, the text
	// of RelocateSpec.host says that the current host is used.
	StorageMoveNeedsHost bool `json:"storageMoveNeedsHost"`
	// AncestorsVisible: whether somebody who has a role on an object has the
	// system's role View on what lies above it. The role exists and cannot be
	// granted; that this is its use is inferred.
	AncestorsVisible bool `json:"ancestorsVisible"`
	// HiddenReferencesListed: whether a list of references (childEntity,
	// network, vm) names objects that the reader may not see. Nothing found.
	HiddenReferencesListed bool `json:"hiddenReferencesListed"`
	// HostNetworkLeavesTasks: whether a method of HostNetworkSystem, which returns no
	// task, leaves a finished one on the host. Descriptions and logs say so.
	HostNetworkLeavesTasks bool `json:"hostNetworkLeavesTasks"`
	// OffMachinesKeepPortGroup: whether a machine of the host that is off, a template
	// among them, keeps a standard port group from being removed. The reference
	// speaks of virtual network adapters that are associated with the group.
	OffMachinesKeepPortGroup bool `json:"offMachinesKeepPortGroup"`
	// PortGroupsKeepSwitch: whether RemoveVirtualSwitch refuses a switch with port
	// groups that nobody uses. The reference names virtual network adapters only, and
	// VMware's own test of an ESXi network system removes a switch with its group;
	// libvirt and others remove the groups first.
	PortGroupsKeepSwitch bool `json:"portGroupsKeepSwitch"`
	// DuplicatePortGroupIsInvalid: AddPortGroup with a name that is taken gave
	// InvalidArgument to an Ansible user (ansible issue 36773); AlreadyExists is
	// documented.
	DuplicatePortGroupIsInvalid bool `json:"duplicatePortGroupIsInvalid"`
	// PortGroupRenameMovesMachines: whether UpdatePortGroup with a new name makes
	// the host's machines name it. Nothing found.
	PortGroupRenameMovesMachines bool `json:"portGroupRenameMovesMachines"`
}

// DefaultRules is what a fresh twin starts with and what a reset restores.
func DefaultRules() Rules {
	return Rules{
		MacManagementLeaves:         MergeKeep,
		BusyVM:                      ConflictQueue,
		ConcurrentAccessInTask:      true,
		CloneCopiesManagedBy:        true,
		FindByUuidSkipsInaccessible: true,
		EphemeralOffBlocksDestroy:   true,
		NoOpBumpsConfigVersion:      true,
		SnapshotDepth:               maxSnapshotDepth,
		AncestorsVisible:            true,
		HostNetworkLeavesTasks:      true,
		OffMachinesKeepPortGroup:    true,
	}
}
