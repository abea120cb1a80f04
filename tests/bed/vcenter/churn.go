package main

import "github.com/vmware/govmomi/vim25/types"

// churn is what the rules remember of an inventory that changes under its clients:
// what is out of reach, on its way, or not known yet. Part of inventory.
type churn struct {
	plights   map[types.ManagedObjectReference]types.VirtualMachineConnectionState // of machines, see vmstate.go
	hidden    map[types.ManagedObjectReference]hiddenMachine                       // see vmstate.go
	late      map[types.ManagedObjectReference][]lateChange                        // by the host that they wait for
	entering  map[types.ManagedObjectReference]bool                                // hosts on their way into maintenance mode
	questions map[types.ManagedObjectReference]question                            // that the next power-on of a machine asks
	browsers  map[types.ManagedObjectReference]types.ManagedObjectReference        // machines by their environment browser
	counted   map[types.ManagedObjectReference]bool                                // hosts whose CPUs a test has set, see vmhost.go
}

func newChurn() churn {
	return churn{
		plights:   map[types.ManagedObjectReference]types.VirtualMachineConnectionState{},
		hidden:    map[types.ManagedObjectReference]hiddenMachine{},
		late:      map[types.ManagedObjectReference][]lateChange{},
		entering:  map[types.ManagedObjectReference]bool{},
		questions: map[types.ManagedObjectReference]question{},
		browsers:  map[types.ManagedObjectReference]types.ManagedObjectReference{},
		counted:   map[types.ManagedObjectReference]bool{},
	}
}

// forget drops what is remembered of a machine that leaves the inventory.
func (inv *inventory) forget(vm types.ManagedObjectReference) {
	delete(inv.guests, vm)
	delete(inv.busy, vm)
	delete(inv.plights, vm)
	delete(inv.hidden, vm)
	delete(inv.questions, vm)
}
