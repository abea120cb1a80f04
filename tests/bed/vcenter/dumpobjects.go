package main

import (
	"fmt"
	"net/http"
)

// dumpObjects lists the ids of every object in the inventory by type, the oldest
// first: a test that compares two of them sees whatever was left behind. The world is held.
func (t *Twin) dumpObjects() map[string][]string {
	out := map[string][]string{}
	for _, obj := range ordered(t.registry().AllReference("")) {
		ref := obj.Reference()
		out[ref.Type] = append(out[ref.Type], ref.Value)
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
