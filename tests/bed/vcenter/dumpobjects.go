package main

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// dumpObjects lists the ids of every object in the inventory by type, the oldest
// first: a test that compares two of them sees whatever was left behind. The world is held.
func (t *Twin) dumpObjects() map[string][]string {
	byType := map[string][]types.ManagedObjectReference{}
	for _, obj := range t.registry().AllReference("") {
		ref := obj.Reference()
		byType[ref.Type] = append(byType[ref.Type], ref)
	}
	out := map[string][]string{}
	for kind, refs := range byType {
		slices.SortFunc(refs, func(a, b types.ManagedObjectReference) int {
			if older(a, b) {
				return -1
			}
			return 1
		})
		out[kind] = ids(refs)
	}
	return out
}

// digests tells objects with equal properties from those that differ, of one process.
func (t *Twin) digests() map[string]string {
	t.world.RLock()
	defer t.world.RUnlock()
	out := map[string]string{}
	for _, obj := range t.registry().AllReference("") {
		if v, ok := managedStruct(obj); ok {
			out[obj.Reference().Value] = fmt.Sprintf("%016x", fingerprint(v))
		}
	}
	return out
}

func (c *control) routeDump() {
	c.Route("GET /v1/dump", func(*http.Request) (any, error) { return c.t.dump(), nil })
	c.Route("GET /v1/digests", func(*http.Request) (any, error) { return c.t.digests(), nil })
}
