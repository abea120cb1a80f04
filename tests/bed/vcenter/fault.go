package main

import (
	"fmt"
	"log"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// Fault is a vSphere fault on its way to a client: as a SOAP fault when a
// handler returns it, as TaskInfo.error when a task body does.
type Fault struct {
	VimFault types.BaseMethodFault
	// Message is the localized text. Empty: the text of faulttext.go.
	Message string
}

// NewFault wraps a vim fault with vCenter's own wording for it.
func NewFault(f types.BaseMethodFault) *Fault {
	return &Fault{VimFault: f}
}

// Faultf wraps a vim fault with an explicit message.
func Faultf(f types.BaseMethodFault, format string, args ...any) *Fault {
	return &Fault{VimFault: f, Message: fmt.Sprintf(format, args...)}
}

// Error makes a Fault usable as a Go error.
func (f *Fault) Error() string {
	return fmt.Sprintf("%T: %s", f.VimFault, f.Text())
}

// Text is the message a client sees.
func (f *Fault) Text() string {
	if f.Message != "" {
		return f.Message
	}
	return faultText(f.VimFault)
}

// Localized is the form TaskInfo.error and missingSet carry.
func (f *Fault) Localized() *types.LocalizedMethodFault {
	return &types.LocalizedMethodFault{Fault: f.VimFault, LocalizedMessage: f.Text()}
}

// SOAP is the form of a synchronous failure.
func (f *Fault) SOAP() *soap.Fault {
	s := &soap.Fault{Code: "ServerFaultCode", String: f.Text()}
	s.Detail.Fault = f.VimFault
	return s
}

// asFault turns any error of a handler or task body into a Fault. An error that
// is not a Fault is a defect of the twin, so it is logged and shown loudly.
func asFault(err error) *Fault {
	if f, ok := err.(*Fault); ok {
		return f
	}
	log.Printf("twin: internal error: %v", err)
	return systemError(err.Error())
}

// systemError is how vCenter reports a failure of its own.
func systemError(reason string) *Fault {
	return Faultf(&types.SystemError{Reason: reason}, "A general system error occurred: %s", reason)
}

// notFound is the fault for a reference that names nothing.
// Source: ManagedObjectNotFound text seen in terraform-provider-vsphere issue 1337 (observed).
func notFound(ref types.ManagedObjectReference) *Fault {
	return Faultf(&types.ManagedObjectNotFound{Obj: ref},
		"The object '%s:%s' has already been deleted or has not been completely created",
		wsdlName(ref.Type), ref.Value)
}

// notAuthenticated is the fault for a call without a live session.
// Source: pyvmomi issue 349 (observed).
func notAuthenticated(this types.ManagedObjectReference) *Fault {
	return Faultf(&types.NotAuthenticated{
		NoPermission: types.NoPermission{Object: &this, PrivilegeId: "System.View"},
	}, "The session is not authenticated.")
}

// notModelled is the loud answer to a call whose stock behaviour is wrong or absent.
func notModelled(method string, this types.ManagedObjectReference) *Fault {
	return Faultf(&types.NotImplemented{},
		"The vCenter twin does not model %s on %s yet; see tests/bed/vcenter/README.md", method, this.Type)
}

// wsdlName is vCenter's dotted name of a managed object type, as its messages print it.
func wsdlName(kind string) string {
	switch kind {
	case "DistributedVirtualPortgroup":
		return "vim.dvs.DistributedVirtualPortgroup"
	case "VmwareDistributedVirtualSwitch":
		return "vim.dvs.VmwareDistributedVirtualSwitch"
	case "PropertyCollector", "PropertyFilter":
		return "vmodl.query.PropertyCollector"
	case "ListView", "ContainerView", "InventoryView", "ViewManager":
		return "vim.view." + kind
	}
	return "vim." + kind
}
