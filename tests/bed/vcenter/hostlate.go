package main

import (
	"encoding/json"
	"log"

	"github.com/vmware/govmomi/vim25/types"
)

// Changes on a host that vCenter cannot see yet: somebody worked on the host
// itself while the connection was down. They come into force when the host is
// back. Documented (ReconnectHost_Task): networks and datastores are discovered
// again; that machines are too is inferred.

// lateChange is a drift that waits for a host.
type lateChange struct {
	object types.ManagedObjectReference
	user   string
	set    map[string]json.RawMessage
	unset  []string
}

// postpone keeps a change until the host is connected again.
func (t *Twin) postpone(host types.ManagedObjectReference, change lateChange) {
	t.inventory.late[host] = append(t.inventory.late[host], change)
}

// learnLate applies what a host did while nobody could see it. A change of an
// object that went meanwhile is dropped.
func (t *Twin) learnLate(host types.ManagedObjectReference) {
	waiting := t.inventory.late[host]
	delete(t.inventory.late, host)
	for _, change := range waiting {
		if t.registry().Get(change.object) == nil {
			continue
		}
		if _, err := t.driftObject(change.object, change.user, change.set, change.unset); err != nil {
			log.Printf("twin: a late change of %s does not fit any more: %s", change.object, err)
		}
	}
}
