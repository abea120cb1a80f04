package main

import (
	"github.com/vmware/govmomi/simulator"
)

// The control API's say over hosts and datastores: what they can do and how they
// are reached.

type hostRequest struct {
	Host            string  `json:"host"`
	NestedHV        *bool   `json:"nestedHV"`
	CPUs            int16   `json:"cpus"`
	ConnectionState *string `json:"connectionState"`
	Maintenance     *bool   `json:"maintenance"`
}

// controlHost switches what a host can do and how it is reached; its machines follow:
// {"host": "DC0_C0_H0", "nestedHV": false, "cpus": 8, "connectionState": "disconnected", "maintenance": true}
func (t *Twin) controlHost(req hostRequest) (any, error) {
	host, err := find[*simulator.HostSystem](t, "host", req.Host, "HostSystem")
	if err != nil {
		return nil, err
	}
	state := host.Runtime.ConnectionState
	if req.ConnectionState != nil {
		if state, err = oneOf("connectionState", *req.ConnectionState, state.Values()...); err != nil {
			return nil, err
		}
	}
	if req.NestedHV != nil {
		host.Capability.NestedHVSupported = *req.NestedHV
	}
	if req.CPUs > 0 {
		t.setHostCPUs(host, req.CPUs)
	}
	if req.Maintenance != nil {
		host.Runtime.InMaintenanceMode = *req.Maintenance
		t.countHosts(host.Parent)
	}
	t.setHostConnection(host, state)
	t.Touch(host.Self)
	return nil, nil
}

type datastoreRequest struct {
	Datastore  string `json:"datastore"`
	Accessible *bool  `json:"accessible"`
}

// controlDatastore makes a datastore go or come back; the machines on it follow:
// {"datastore": "LocalDS_0", "accessible": false}
func (t *Twin) controlDatastore(req datastoreRequest) (any, error) {
	ds, err := find[*simulator.Datastore](t, "datastore", req.Datastore, "Datastore")
	if err != nil {
		return nil, err
	}
	if req.Accessible == nil {
		return nil, bad("accessible: missing; true or false")
	}
	t.setDatastoreAccess(ds, *req.Accessible)
	return nil, nil
}

type migrateRequest struct {
	VM   string `json:"vm"`
	Host string `json:"host"`
}

// controlMigrate moves a machine to another host of its cluster, as DRS would:
// {"vm": "vm-12", "host": "DC0_C0_H1"}
func (t *Twin) controlMigrate(req migrateRequest) (any, error) {
	vm, err := find[*simulator.VirtualMachine](t, "vm", req.VM, "VirtualMachine")
	if err != nil {
		return nil, err
	}
	host, err := find[*simulator.HostSystem](t, "host", req.Host, "HostSystem")
	if err != nil {
		return nil, err
	}
	old, err := hostOf(t.registry(), *vm.Runtime.Host)
	if err != nil {
		return nil, err
	}
	if *old.Parent != *host.Parent {
		return nil, bad("host: %s is in %s, the machine in %s; DRS moves machines inside one cluster", req.Host, t.nameOf(*host.Parent), t.nameOf(*old.Parent))
	}
	t.migrate(vm, host.Self)
	return nil, nil
}
