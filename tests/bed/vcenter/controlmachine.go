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
	Question        *struct {
		Text    string   `json:"text"`
		Choices []string `json:"choices"`
		Default int      `json:"default"`
	} `json:"question"`
}

// controlMachine sets what only a host could: {"vm": "vm-12", "connectionState": "inaccessible"},
// and lets the next power-on ask: {"vm": "vm-12", "question": {"text": "Moved or copied?", "choices": ["moved", "copied"]}}.
func (t *Twin) controlMachine(req machineRequest) (any, error) {
	vm, err := find[*simulator.VirtualMachine](t, "vm", req.VM, "VirtualMachine")
	if err != nil {
		return nil, err
	}
	if q := req.Question; q != nil {
		if q.Text == "" || len(q.Choices) == 0 || q.Default < 0 || q.Default >= len(q.Choices) {
			return nil, bad("question: needs a text, at least one choice, and a default that is the index of one")
		}
		t.inventory.questions[vm.Self] = question{q.Text, q.Choices, q.Default}
		if req.ConnectionState == "" {
			return nil, nil
		}
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
	if req.BootSeconds < 0 || req.ShutdownSeconds < 0 {
		return nil, bad("bootSeconds, shutdownSeconds: %v, %v; each is 0 or more", req.BootSeconds, req.ShutdownSeconds)
	}
	t.SetGuest(vm, GuestProfile{
		Tools: req.Tools, HangShutdown: req.HangShutdown, IPAddress: req.IPAddress, HostName: req.HostName,
		Boot:     time.Duration(req.BootSeconds * float64(time.Second)),
		Shutdown: time.Duration(req.ShutdownSeconds * float64(time.Second)),
	})
	t.Touch(vm.Self)
	return nil, nil
}
