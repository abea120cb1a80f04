package main

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Which networks a host and its compute resource list, and which VMs a network
// lists. The stock simulator never writes Network.vm.

// showNetworks lists networks on hosts that do not list them yet, and on the hosts'
// compute resources, which may list them for another host; fresh networks are
// listed nowhere, so that nothing has to be searched.
func (t *Twin) showNetworks(r *simulator.Registry, hosts []types.ManagedObjectReference, fresh bool, networks ...types.ManagedObjectReference) {
	parents := map[*mo.ComputeResource]bool{}
	for _, ref := range hosts {
		host, ok := r.Get(ref).(*simulator.HostSystem)
		if !ok {
			continue
		}
		host.Network = append(host.Network, networks...)
		t.Touch(host.Self)
		if compute := computeOf(r, host.Parent); compute != nil {
			parents[compute] = true
		}
	}
	for compute := range parents {
		for _, network := range networks {
			if fresh || simulator.FindReference(compute.Network, network) == nil {
				compute.Network = append(compute.Network, network)
			}
		}
		t.Touch(compute.Self)
	}
}

// hideNetworks is the reverse of showNetworks.
func (t *Twin) hideNetworks(r *simulator.Registry, hosts []types.ManagedObjectReference, networks ...types.ManagedObjectReference) {
	for _, ref := range hosts {
		host, ok := r.Get(ref).(*simulator.HostSystem)
		if !ok {
			continue
		}
		compute := computeOf(r, host.Parent)
		for _, network := range networks {
			simulator.RemoveReference(&host.Network, network)
			if compute != nil && !onAnyHost(r, compute, network) {
				simulator.RemoveReference(&compute.Network, network)
			}
		}
		t.Touch(host.Self)
		if compute != nil {
			t.Touch(compute.Self)
		}
	}
}

func onAnyHost(r *simulator.Registry, compute *mo.ComputeResource, network types.ManagedObjectReference) bool {
	for _, ref := range compute.Host {
		if host, ok := r.Get(ref).(*simulator.HostSystem); ok && simulator.FindReference(host.Network, network) != nil {
			return true
		}
	}
	return false
}

func addReference(field *[]types.ManagedObjectReference, ref types.ManagedObjectReference) {
	if !slices.Contains(*field, ref) { // simulator.FindReference allocates for each one it looks at
		*field = append(*field, ref)
	}
}

// relinkNetworks brings VirtualMachine.network and the back references
// Network.vm in line with the NICs of a machine.
//
// Documented: Network.vm lists the virtual machines, templates included, that
// use the network.
func (t *Twin) relinkNetworks(r *simulator.Registry, vm *simulator.VirtualMachine, networks []types.ManagedObjectReference) {
	for _, ref := range vm.Network {
		if simulator.FindReference(networks, ref) == nil {
			if n := networkOf(r, ref); n != nil {
				simulator.RemoveReference(&n.Vm, vm.Self)
				t.Touch(ref)
			}
			if standard := networkByRef(r, ref); standard != nil {
				t.dropUnusedNetwork(t.newContext(nil), standard)
			}
		}
	}
	for _, ref := range networks {
		if simulator.FindReference(vm.Network, ref) != nil {
			continue
		}
		if n := networkOf(r, ref); n != nil {
			n.Vm = append(n.Vm, vm.Self)
			t.Touch(ref)
		}
	}
	vm.Network = slices.DeleteFunc(networks, func(ref types.ManagedObjectReference) bool { return networkOf(r, ref) == nil })
}

// networkOf returns the common part of a standard network or port group.
func networkOf(r *simulator.Registry, ref types.ManagedObjectReference) *mo.Network {
	switch n := r.Get(ref).(type) {
	case *mo.Network:
		return n
	case *simulator.DistributedVirtualPortgroup:
		return &n.Network
	}
	return nil
}
