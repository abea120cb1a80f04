package main

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The control API's say over machines: what vCenter can reach of them, and what
// runs inside.

type machineRequest struct {
	VM              string `json:"vm"`
	ConnectionState string `json:"connectionState"`
}

// controlMachine sets what only a host could: {"vm": "vm-12", "connectionState": "inaccessible"}.
func (t *Twin) controlMachine(req machineRequest) (any, error) {
	vm, err := find[*simulator.VirtualMachine](t, "vm", req.VM, "VirtualMachine")
	if err != nil {
		return nil, err
	}
	var known types.VirtualMachineConnectionState
	state, err := oneOf("connectionState", req.ConnectionState, known.Values()...)
	if err != nil {
		return nil, err
	}
	t.setPlight(vm, state)
	return nil, nil
}

type guestRequest struct {
	VM              string  `json:"vm"`
	Tools           bool    `json:"tools"`
	BootSeconds     float64 `json:"bootSeconds"`
	ShutdownSeconds float64 `json:"shutdownSeconds"`
	HangShutdown    bool    `json:"hangShutdown"`
	IPAddress       string  `json:"ipAddress"`
	HostName        string  `json:"hostName"`
}

// controlGuest says what the guest of a machine is like; durations are in seconds:
// {"vm": "vm-12", "tools": true, "ipAddress": "10.0.0.7", "hostName": "lab-1", "shutdownSeconds": 2, "hangShutdown": false}
func (t *Twin) controlGuest(req guestRequest) (any, error) {
	vm, err := find[*simulator.VirtualMachine](t, "vm", req.VM, "VirtualMachine")
	if err != nil {
		return nil, err
	}
	t.SetGuest(vm, GuestProfile{
		Tools: req.Tools, HangShutdown: req.HangShutdown, IPAddress: req.IPAddress, HostName: req.HostName,
		Boot:     time.Duration(req.BootSeconds * float64(time.Second)),
		Shutdown: time.Duration(req.ShutdownSeconds * float64(time.Second)),
	})
	t.Touch(vm.Self)
	return nil, nil
}
