package main

import (
	"reflect"

	"github.com/vmware/govmomi/vim25/types"
)

// faultText words a fault as vCenter does. Each text was seen on a real server
// (terraform-provider-vsphere, fog-vsphere, vic and saltstack issues) unless it
// says otherwise; clients match on some of them.
func faultText(fault types.BaseMethodFault) string {
	switch f := fault.(type) {
	case *types.InvalidPowerState:
		return "The attempted operation cannot be performed in the current state (" + powerStateText(f.ExistingState) + ")."
	case *types.ConcurrentAccess:
		return "Cannot complete operation due to concurrent modification by another operation."
	case *types.DuplicateName:
		return "The name '" + f.Name + "' already exists."
	case *types.AlreadyExists:
		return "The specified key, name, or identifier '" + f.Name + "' already exists."
	case *types.NotFound:
		return "The object or item referred to could not be found."
	case *types.HostNotConnected:
		return "Unable to communicate with the remote host, since it is disconnected."
	case *types.HostCommunication:
		return "Unable to communicate with the remote host."
	case *types.InvalidName:
		return "The name '" + f.Name + "' is invalid."
	case *types.ResourceInUse:
		return "The resource '" + f.Name + "' is in use."
	case *types.NotSupported:
		return "The operation is not supported on the object."
	case *types.InvalidArgument:
		return "A specified parameter was not correct: " + f.InvalidProperty
	case *types.CpuHotPlugNotSupported:
		return "CPU hot plug is not supported for this virtual machine."
	case *types.MemoryHotPlugNotSupported:
		return "Memory hot plug is not supported for this virtual machine." // by analogy
	case *types.TaskInProgress:
		return "Another task is already in progress."
	case *types.ToolsUnavailable:
		return "Cannot complete operation because VMware Tools is not running in this virtual machine."
	case *types.InvalidLogin:
		return "Cannot complete login due to an incorrect user name or password."
	case *types.NoPermission:
		return "Permission to perform this operation was denied."
	case *types.RequestCanceled:
		return "The task was canceled by a user."
	case *types.InvalidCollectorVersion:
		return "The requested version of data is not available."
	case *types.InvalidProperty:
		return "The property '" + f.Name + "' is not valid for the object."
	case *types.InvalidDatastore:
		return "Invalid datastore path or name."
	case *types.InvalidState:
		return "The operation is not allowed in the current state."
	case *types.SystemError:
		return "A general system error occurred: " + f.Reason
	}
	if t := reflect.TypeOf(fault); t != nil && t.Kind() == reflect.Pointer {
		return t.Elem().Name()
	}
	return "Unknown fault"
}

func powerStateText(s types.VirtualMachinePowerState) string {
	switch s {
	case types.VirtualMachinePowerStatePoweredOn:
		return "Powered on"
	case types.VirtualMachinePowerStatePoweredOff:
		return "Powered off"
	case types.VirtualMachinePowerStateSuspended:
		return "Suspended"
	}
	return string(s)
}
