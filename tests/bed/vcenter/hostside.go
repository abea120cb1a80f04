package main

import (
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Calls that a host answers: those of its own managers (storage, datastores,
// firewall, …), which reach it through vCenter.

// hostSide refuses a call that would have to be answered by a host out of reach.
//
// Documented (HostNotConnected, HostCommunication): a method that needs to
// communicate with the host fails while it is disconnected or does not respond.
func (c *Call) hostSide() error {
	if c.This.Type == "HostSystem" {
		host, err := hostOf(c.Ctx.Map, c.This)
		if err != nil {
			return err
		}
		return hostAnswers(host)
	}
	if !strings.HasPrefix(c.This.Type, "Host") {
		return nil
	}
	for _, obj := range c.Ctx.Map.AllReference("HostSystem") {
		if host, ok := obj.(*simulator.HostSystem); ok && manages(&host.ConfigManager, c.This) {
			return hostAnswers(host)
		}
	}
	return nil
}

// manages tells whether a manager is one of a host's.
func manages(managers *types.HostConfigManager, ref types.ManagedObjectReference) bool {
	v := reflect.ValueOf(managers).Elem()
	for i := range v.NumField() {
		if manager, ok := v.Field(i).Interface().(*types.ManagedObjectReference); ok && manager != nil && *manager == ref {
			return true
		}
	}
	return false
}
