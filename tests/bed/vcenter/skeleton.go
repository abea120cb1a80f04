package main

import (
	"net/http"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

type watchers struct{}

func (*watchers) init()                                 {}
func (*watchers) touch(types.ManagedObjectReference)    {}
func (*watchers) inventoryChanged()                     {}
func (*watchers) remember(types.ManagedObjectReference) {}
func (*watchers) forget(*Session)                       {}
func (*watchers) sweep()                                {}
func registerRetrieve(*Twin)                            {}
func registerViews(*Twin)                               {}
func registerCollector(*Twin)                           {}

type rule struct{}
type control struct{}
type chaos struct {
	drop, dropAfter bool
	status          int
	fault           *Fault
}

func newControl(*Twin) *control           { return &control{} }
func (*control) reset()                   {}
func (*control) waitForTask(*TaskContext) {}
func (*control) count(*Call)              {}
func (*control) before(*Call) chaos       { return chaos{} }
func (*control) Handler() http.Handler    { return http.NewServeMux() }

func (t *Twin) newContextLocked(s *Session) *simulator.Context {
	t.world.RLock()
	defer t.world.RUnlock()
	return t.newContext(s)
}
