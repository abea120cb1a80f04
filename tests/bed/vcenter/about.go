package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/soap"
)

// about lists methods and types that answer, as vcsim's /about does: ours, and those
// of the simulator that are not denied.
type about struct {
	Methods []string `json:"methods"`
	Types   []string `json:"types"`
}

// serveAbout answers GET /about.
func (t *Twin) serveAbout(w http.ResponseWriter, _ *http.Request) {
	if t.refuse(w) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(t.abouts()) // the client's loss, if it went away
}

func (t *Twin) abouts() about {
	t.world.RLock()
	defer t.world.RUnlock()
	methods, kinds := map[string]bool{}, map[string]bool{}
	for _, obj := range t.registry().AllReference("") {
		kind := obj.Reference().Type
		if kinds[kind] {
			continue
		}
		kinds[kind] = true
		for _, method := range stockMethods(obj) {
			if _, ours := t.handlerFor(method, kind); ours || !denied(method, kind) {
				methods[method] = true
			}
		}
	}
	for key := range t.handlers {
		methods[key.method] = true
	}
	return about{slices.Sorted(maps.Keys(methods)), slices.Sorted(maps.Keys(kinds))}
}

// stockMethods lists the API methods that a simulator object has, by their SOAP names.
func stockMethods(obj any) []string {
	var out []string
	answer := reflect.TypeFor[soap.HasFault]()
	kind := reflect.TypeOf(obj)
	for i := range kind.NumMethod() {
		m := kind.Method(i)
		if n := m.Type.NumIn(); n < 2 || n > 3 || m.Type.NumOut() != 1 || m.Type.Out(0) != answer {
			continue
		}
		out = append(out, strings.Replace(m.Name, "Task", "_Task", 1))
	}
	return out
}
