package main

import (
	"fmt"
	"log"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/simulator/vpx"
	"github.com/vmware/govmomi/vim25/types"
)

// What events say: EventManager.description and the formatted message of each event.
// A message is made when it is read, from a format with property paths in braces, so
// that the history need not keep it.

// ownEventInfo is what the stock simulator's list lacks, or has in a host's wording.
//
// Observed: VmReconfiguredEvent, with its blanks and empty lines (messages of real
// servers in puppetlabs/vmpooler 629 and in VMware's event broker). Inferred: that the
// other reconfigure events look like it, and the wording of the rest.
var ownEventInfo = []types.EventDescriptionEventDetail{
	{Key: "VmReconfiguredEvent", Description: "VM reconfigured", Category: "info", FullFormat: "Reconfigured {vm.name} on {host.name} in {datacenter.name}." + changesFormat},
	{Key: "DVPortgroupReconfiguredEvent", Description: "dvPort group reconfigured", Category: "info", FullFormat: "dvPort group {net.name} in {datacenter.name} was reconfigured." + changesFormat},
	{Key: "DvsReconfiguredEvent", Description: "vSphere Distributed Switch reconfigured", Category: "info", FullFormat: "The vSphere Distributed Switch {dvs.name} in {datacenter.name} was reconfigured." + changesFormat},
	{Key: "DVPortgroupRenamedEvent", Description: "dvPort group renamed", Category: "info", FullFormat: "dvPort group {oldName} in {datacenter.name} was renamed to {newName}."},
	{Key: "DvsRenamedEvent", Description: "vSphere Distributed Switch renamed", Category: "info", FullFormat: "The vSphere Distributed Switch {oldName} in {datacenter.name} was renamed to {newName}."},
	{Key: "DvsPortReconfiguredEvent", Description: "dvPort reconfigured", Category: "info", FullFormat: "dvPorts {portKey} in the vSphere Distributed Switch {dvs.name} in {datacenter.name} were reconfigured."},
	{Key: "DvsUpgradedEvent", Description: "vSphere Distributed Switch upgraded", Category: "info", FullFormat: "vSphere Distributed Switch {dvs.name} in datacenter {datacenter.name} was upgraded."},
	{Key: "VmRenamedEvent", Description: "VM renamed", Category: "info", FullFormat: "Renamed {vm.name} from {oldName} to {newName} in {datacenter.name}"},
	{Key: "VmUpgradeCompleteEvent", Description: "VM upgrade complete", Category: "info", FullFormat: "Virtual machine compatibility upgraded to {version}"},
	{Key: "VmResourcePoolMovedEvent", Description: "VM resource pool moved", Category: "info", FullFormat: "Moved {vm.name} from resource pool {oldParent.name} to {newParent.name} in {datacenter.name}"},
	{Key: "VmDisconnectedEvent", Description: "VM disconnected", Category: "info", FullFormat: "{host.name} is disconnected from {vm.name}"},
	{Key: "VmConnectedEvent", Description: "VM connected", Category: "info", FullFormat: "Virtual machine {vm.name} is connected"},
	{Key: "VmOrphanedEvent", Description: "VM orphaned", Category: "warning", FullFormat: "{vm.name} does not exist on {host.name} in {datacenter.name}"},
	{Key: "HostConnectedEvent", Description: "Host connected", Category: "info", FullFormat: "Connected to {host.name} in {datacenter.name}"},
	{Key: "HostDisconnectedEvent", Description: "Host disconnected", Category: "info", FullFormat: "Disconnected from {host.name} in {datacenter.name}. Reason: {reason}"},
	{Key: "HostConnectionLostEvent", Description: "Host connection lost", Category: "error", FullFormat: "Host {host.name} in {datacenter.name} is not responding"},
	{Key: "HostAddedEvent", Description: "Host added", Category: "info", FullFormat: "Added host {host.name} to datacenter {datacenter.name}"},
	{Key: "DatastoreRenamedEvent", Description: "Datastore renamed", Category: "info", FullFormat: "Renamed datastore from {oldName} to {newName} in {datacenter.name}"},
	{Key: "VmGuestStandbyEvent", Description: "Guest standby", Category: "info", FullFormat: "Guest OS standby for {vm.name} on {host.name} in {datacenter.name}"},
	{Key: "VmMessageEvent", Description: "VM information message", Category: "info", FullFormat: "Message on {vm.name} on {host.name} in {datacenter.name}: {message}"},
	{Key: "VmStaticMacConflictEvent", Description: "VM static MAC conflict", Category: "error", FullFormat: "The static MAC address ({mac}) of {vm.name} conflicts with MAC assigned to {conflictedVm.name}"},
	{Key: "VmInstanceUuidChangedEvent", Description: "Instance UUID changed", Category: "warning", FullFormat: "The instance UUID of {vm.name} has been changed from ({oldInstanceUuid}) to ({newInstanceUuid})"},
	{Key: "VmInstanceUuidConflictEvent", Description: "Instance UUIDs conflict", Category: "error", FullFormat: "The instance UUID ({instanceUuid}) of {vm.name} conflicts with the instance UUID assigned to {conflictedVm.name}"},
	{Key: "PermissionAddedEvent", Description: "Permission added", Category: "info", FullFormat: "Permission created for {principal} on {entity.name}, role is {role.name}, propagation is {propagate}"},
	{Key: "PermissionUpdatedEvent", Description: "Permission updated", Category: "info", FullFormat: "Permission changed for {principal} on {entity.name}, role is {role.name}, propagation is {propagate}"},
	{Key: "PermissionRemovedEvent", Description: "Permission removed", Category: "info", FullFormat: "Permission rule removed for {principal} on {entity.name}"},
	{Key: "RoleAddedEvent", Description: "Role added", Category: "info", FullFormat: "Created role {role.name}"},
	{Key: "RoleUpdatedEvent", Description: "Role updated", Category: "info", FullFormat: "Modified role {role.name}"},
	{Key: "RoleRemovedEvent", Description: "Role removed", Category: "info", FullFormat: "Removed role {role.name}"},
	{Key: "AlreadyAuthenticatedSessionEvent", Description: "Already authenticated", Category: "info", FullFormat: "User cannot logon since the user is already logged on"},
	{Key: "BadUsernameSessionEvent", Description: "Invalid user name", Category: "error", FullFormat: "Cannot login {userName}@{ipAddress}"},
	{Key: "NoAccessUserEvent", Description: "No access for user", Category: "error", FullFormat: "Cannot login user {userName}@{ipAddress}: no permission"},
	{Key: "SessionTerminatedEvent", Description: "Session stopped", Category: "info", FullFormat: "A session for user '{terminatedUsername}' has stopped"},
	{Key: "GlobalMessageChangedEvent", Description: "Message changed", Category: "info", FullFormat: "The message changed: {message}"},
	{Key: "TaskEvent", Description: "Task event", Category: "info", FullFormat: "Task: {info.descriptionId}"},
	{Key: "GeneralEvent", Description: "General event", Category: "info", FullFormat: "General event: {message}"},
	{Key: "GeneralUserEvent", Description: "General user event", Category: "user", FullFormat: "User logged event: {message}"},
}

const changesFormat = "  \n \nModified:  \n \n{configChanges.modified} Added:  \n \n{configChanges.added} Deleted:  \n \n{configChanges.deleted}"

// eventInfo is EventManager.description.eventInfo. The stock list was captured from a
// server and rewritten as Go templates (observed); here it gets its braces back.
var eventInfo = sync.OnceValue(func() []types.EventDescriptionEventDetail {
	list := slices.Clone(ownEventInfo)
	known := map[string]bool{}
	for _, info := range list {
		known[info.Key] = true
	}
	for _, info := range esx.EventInfo {
		if known[info.Key] {
			continue
		}
		info.FullFormat = goField.ReplaceAllStringFunc(info.FullFormat, func(field string) string {
			names := strings.Split(strings.Trim(field, "{.}"), ".")
			for i, name := range names {
				names[i] = strings.ToLower(name[:1]) + name[1:]
			}
			return "{" + strings.Join(names, ".") + "}"
		})
		list = append(list, info)
	}
	slices.SortFunc(list, func(a, b types.EventDescriptionEventDetail) int { return strings.Compare(a.Key, b.Key) })
	return list
})

var (
	goField   = regexp.MustCompile(`\{\{\.[A-Za-z.]+\}?\}`)
	eventPath = regexp.MustCompile(`\{[a-zA-Z.]+\}`)
)

var eventInfoByKey = sync.OnceValue(func() map[string]types.EventDescriptionEventDetail {
	out := map[string]types.EventDescriptionEventDetail{}
	for _, info := range eventInfo() {
		out[info.Key] = info
	}
	return out
})

// taskLabels are the words for tasks. Observed: TaskManager.description of a real server.
var taskLabels = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, info := range vpx.Description.MethodInfo {
		e := info.GetElementDescription()
		out[e.Key] = e.Label
	}
	return out
})

// category is an event's severity. Documented: EventEx tells it, null is info; of the
// others the description does.
func category(event types.BaseEvent) string {
	if x, ok := event.(*types.EventEx); ok && x.Severity != "" {
		return x.Severity
	}
	if info, ok := eventInfoByKey()[typeIDOf(event)]; ok {
		return info.Category
	}
	return string(types.EventEventSeverityInfo)
}

// rendered is the event as a client gets it: with its message, unless it said that it
// wants none. What is recorded is not changed.
//
// Observed: unset disableFullMessage gives the message (govc events depends on it); the
// reference's "does not include" for unset contradicts it.
func rendered(event types.BaseEvent, message bool) types.BaseEvent {
	v := reflect.ValueOf(event).Elem()
	shown := reflect.New(v.Type())
	shown.Elem().Set(v)
	out := shown.Interface().(types.BaseEvent)
	e := out.GetEvent()
	switch {
	case !message:
		e.FullFormattedMessage = ""
	case e.FullFormattedMessage == "":
		e.FullFormattedMessage = messageOf(event)
	}
	return out
}

// messageOf formats an event.
func messageOf(event types.BaseEvent) string {
	if x, ok := event.(*types.EventEx); ok {
		return x.Message
	}
	if x, ok := event.(*types.TaskEvent); ok {
		label := taskLabels()[x.Info.DescriptionId]
		if label == "" {
			label = x.Info.DescriptionId
		}
		return "Task: " + label
	}
	info, ok := eventInfoByKey()[typeIDOf(event)]
	if !ok {
		return ""
	}
	v := reflect.ValueOf(event).Elem()
	return eventPath.ReplaceAllStringFunc(info.FullFormat, func(field string) string {
		path, ok := parsePath(strings.Trim(field, "{}"))
		if !ok {
			log.Printf("twin: the format of %s has no path in %s", info.Key, field)
			return field
		}
		value, state := path.read(v)
		if state != valueFound {
			return ""
		}
		return fmt.Sprint(settled(value).Interface())
	})
}
