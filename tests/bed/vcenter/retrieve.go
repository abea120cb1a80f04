package main

import (
	"reflect"
	"strconv"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// Reading properties: RetrievePropertiesEx, RetrieveProperties and Fetch.
// The collector shares selection and evaluation with them, so a read and a
// push update can never disagree.

// lookup finds the managed object struct behind a reference, as a session sees it.
func (t *Twin) lookup(s *Session, ref types.ManagedObjectReference) (reflect.Value, bool) {
	if ref == *t.content().SessionManager {
		return managedStruct(t.sessionManager(s))
	}
	if s != nil {
		switch o := s.get(ref).(type) {
		case *View:
			return managedStruct(o.properties(t))
		case *Collector:
			return managedStruct(o.properties())
		case *Filter:
			return managedStruct(o.properties())
		case *EventCollector:
			return managedStruct(o.properties())
		case *TaskCollector:
			return managedStruct(o.properties())
		}
		if manager := t.content().ViewManager; manager != nil && ref == *manager {
			return managedStruct(s.viewManager(ref))
		}
		if obj := s.stock.Get(ref); obj != nil {
			return managedStruct(obj)
		}
	}
	obj := t.registry().Get(ref)
	if obj == nil {
		return reflect.Value{}, false
	}
	return managedStruct(obj)
}

// readable is lookup for a read, in which the server's clock has gone on. Documented
// (ServiceInstance.serverClock): the time most recently obtained from the server. That
// no update tells of it is inferred: it would change with every look.
func (t *Twin) readable(s *Session, ref types.ManagedObjectReference) (reflect.Value, bool) {
	if service, ok := t.registry().Get(ref).(*simulator.ServiceInstance); ok {
		now := service.ServiceInstance
		now.ServerClock = t.now()
		return managedStruct(&now)
	}
	return t.lookup(s, ref)
}

// plan is what a filter or a read wants of one managed object type.
type plan struct {
	wanted bool
	paths  []propertyPath
}

// planFor unites the property specs that apply to a type.
func planFor(kind string, specs []types.PropertySpec) plan {
	p := plan{}
	seen := map[string]bool{}
	add := func(path propertyPath) {
		if !seen[path.text] {
			seen[path.text] = true
			p.paths = append(p.paths, path)
		}
	}
	for _, spec := range specs {
		if !isA(kind, spec.Type) {
			continue
		}
		p.wanted = true
		if spec.All != nil && *spec.All {
			for _, path := range allPaths(kind) {
				add(path)
			}
			continue
		}
		for _, text := range spec.PathSet {
			if path, ok := parsePath(text); ok {
				add(path)
			} else {
				add(propertyPath{text: text})
			}
		}
	}
	return p
}

// allPaths lists the top-level properties of a type.
func allPaths(kind string) []propertyPath {
	t := managedType(kind)
	if t == nil {
		return nil
	}
	fields := map[string][]int{}
	collectFields(t, nil, fields)
	var out []propertyPath
	for _, name := range keysOf(fields) {
		out = append(out, propertyPath{text: name, steps: []pathStep{{name: name}}})
	}
	return out
}

// checkSpecs rejects unknown types (InvalidType) and impossible paths (InvalidProperty).
// Source: PropertyCollector.CreateFilter declared faults (documented).
func checkSpecs(specs []types.PropertySpec) error {
	for _, spec := range specs {
		t := managedType(spec.Type)
		if t == nil {
			if spec.Type == "ManagedObject" {
				continue
			}
			return NewFault(&types.InvalidType{InvalidRequest: types.InvalidRequest{}, Argument: spec.Type})
		}
		for _, text := range spec.PathSet {
			path, ok := parsePath(text)
			if !ok || !path.valid(t) {
				return NewFault(&types.InvalidProperty{Name: text})
			}
		}
	}
	return nil
}

// checkSpec rejects a spec that can never be served.
//
// Documented (PropertyCollector.CreateFilter): InvalidArgument when the spec is empty
// or selects along a property that is not defined on its type; InvalidType for a type
// name, InvalidProperty for a property that does not exist.
func checkSpec(spec types.PropertyFilterSpec) error {
	if len(spec.PropSet) == 0 && len(spec.ObjectSet) == 0 {
		return NewFault(&types.InvalidArgument{InvalidProperty: "spec"})
	}
	if err := checkSpecs(spec.PropSet); err != nil {
		return err
	}
	for _, o := range spec.ObjectSet {
		if err := checkSelections(o.SelectSet); err != nil {
			return err
		}
	}
	return nil
}

func checkSelections(specs []types.BaseSelectionSpec) error {
	for _, spec := range specs {
		hop, ok := spec.(*types.TraversalSpec)
		if !ok {
			continue
		}
		t := managedType(hop.Type)
		if t == nil {
			return NewFault(&types.InvalidType{Argument: hop.Type})
		}
		if path, ok := parsePath(hop.Path); !ok || !path.valid(t) {
			return NewFault(&types.InvalidArgument{InvalidProperty: "spec.objectSet.selectSet.path"})
		}
		if err := checkSelections(hop.SelectSet); err != nil {
			return err
		}
	}
	return nil
}

// selection is the outcome of walking a filter spec: the objects it selects, in
// order, what was passed on the way, and what was not there.
type selection struct {
	members []types.ManagedObjectReference
	deps    map[types.ManagedObjectReference]struct{}
	missing []types.ManagedObjectReference
}

// selectObjects walks the object set of a spec. The world is held.
func (t *Twin) selectObjects(s *Session, specs []types.PropertyFilterSpec) (*selection, error) {
	sel := &selection{deps: map[types.ManagedObjectReference]struct{}{}}
	w := &walker{t: t, s: s, eyes: t.viewer(s), sel: sel, seen: map[types.ManagedObjectReference]struct{}{},
		named: map[string]*types.TraversalSpec{}}
	for _, spec := range specs {
		tolerant := spec.ReportMissingObjectsInResults != nil && *spec.ReportMissingObjectsInResults
		for _, o := range spec.ObjectSet {
			collectNamed(o.SelectSet, w.named)
			v, ok := t.lookup(s, o.Obj)
			if !ok {
				if !tolerant {
					return nil, notFound(o.Obj)
				}
				sel.missing = append(sel.missing, o.Obj)
				continue
			}
			if o.Skip == nil || !*o.Skip {
				w.add(o.Obj)
			}
			if err := w.walk(o.Obj, v, o.SelectSet); err != nil {
				return nil, err
			}
		}
	}
	return sel, nil
}

type walker struct {
	t     *Twin
	s     *Session
	eyes  *viewer
	sel   *selection
	seen  map[types.ManagedObjectReference]struct{}
	named map[string]*types.TraversalSpec
	depth int
}

func (w *walker) add(ref types.ManagedObjectReference) {
	if _, dup := w.seen[ref]; !dup {
		w.seen[ref] = struct{}{}
		w.sel.members = append(w.sel.members, ref)
	}
}

// walk follows the selection specs from one object.
func (w *walker) walk(ref types.ManagedObjectReference, v reflect.Value, specs []types.BaseSelectionSpec) error {
	if len(specs) == 0 {
		return nil
	}
	w.sel.deps[ref] = struct{}{}
	if w.depth++; w.depth > 200 {
		return Faultf(&types.InvalidArgument{InvalidProperty: "selectSet"}, "The traversal does not end.")
	}
	defer func() { w.depth-- }()
	for _, spec := range specs {
		ts, ok := spec.(*types.TraversalSpec)
		if !ok {
			name := spec.GetSelectionSpec().Name
			if ts = w.named[name]; ts == nil {
				return NewFault(&types.InvalidArgument{InvalidProperty: "selectSet: no traversal is named " + strconv.Quote(name)})
			}
		}
		if !isA(ref.Type, ts.Type) {
			continue
		}
		path, ok := parsePath(ts.Path)
		if !ok {
			return NewFault(&types.InvalidProperty{Name: ts.Path})
		}
		value, state, _ := w.eyes.read(ref, v, path)
		if state == valueInvalid {
			return NewFault(&types.InvalidProperty{Name: ts.Path})
		}
		if state == valueUnset || state == valueDenied {
			continue
		}
		for _, next := range refsIn(value) {
			if !w.eyes.sees(next) {
				continue
			}
			if ts.Skip == nil || !*ts.Skip {
				w.add(next)
			}
			if len(ts.SelectSet) == 0 {
				continue
			}
			if nv, ok := w.t.lookup(w.s, next); ok {
				if err := w.walk(next, nv, ts.SelectSet); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// collectNamed finds every named traversal, so that specs may refer to later ones.
func collectNamed(specs []types.BaseSelectionSpec, out map[string]*types.TraversalSpec) {
	for _, spec := range specs {
		if ts, ok := spec.(*types.TraversalSpec); ok {
			if ts.Name != "" {
				out[ts.Name] = ts
			}
			collectNamed(ts.SelectSet, out)
		}
	}
}

// refsIn reads a reference property, single or array.
func refsIn(v reflect.Value) []types.ManagedObjectReference {
	switch x := v.Interface().(type) {
	case types.ManagedObjectReference:
		return []types.ManagedObjectReference{x}
	case *types.ManagedObjectReference:
		return []types.ManagedObjectReference{*x}
	case []types.ManagedObjectReference:
		return x
	}
	return nil
}

// contentOf reads the planned properties of one object. Without a session only
// the fact that it exists is told; each property is reported missing.
func (t *Twin) contentOf(s *Session, ref types.ManagedObjectReference, v reflect.Value, p plan) types.ObjectContent {
	content := types.ObjectContent{Obj: ref}
	eyes := t.viewer(s)
	for _, path := range p.paths {
		value, state, privilege := eyes.read(ref, v, path)
		switch {
		case state == valueDenied:
			content.MissingSet = append(content.MissingSet, types.MissingProperty{
				Path: path.text, Fault: *denial(t.securable(ref), privilege).Localized(),
			})
		case state == valueInvalid:
			content.MissingSet = append(content.MissingSet, types.MissingProperty{
				Path: path.text, Fault: *NewFault(&types.InvalidProperty{Name: path.text}).Localized(),
			})
		case state == valueUnset:
		case s == nil && ref.Type != "ServiceInstance":
			content.MissingSet = append(content.MissingSet, types.MissingProperty{
				Path: path.text, Fault: *notAuthenticated(ref).Localized(),
			})
		default:
			content.PropSet = append(content.PropSet, types.DynamicProperty{Name: path.text, Val: wireValue(value)})
		}
	}
	return content
}

// retrieve reads everything a set of specs selects.
//
// Documented (PropertyCollector.RetrievePropertiesEx, PropertySpec): an object is
// reported at most once, however many specs select it, with the union of the
// properties that all specs want of its type; a start object that is not there is left
// out if its spec reports missing objects.
func (t *Twin) retrieve(s *Session, specs []types.PropertyFilterSpec) ([]types.ObjectContent, error) {
	var wanted []types.PropertySpec
	for _, spec := range specs {
		if err := checkSpec(spec); err != nil {
			return nil, err
		}
		wanted = append(wanted, spec.PropSet...)
	}
	var out []types.ObjectContent
	plans := map[string]plan{}
	seen := map[types.ManagedObjectReference]struct{}{}
	for _, spec := range specs {
		sel, err := t.selectObjects(s, []types.PropertyFilterSpec{spec})
		if err != nil {
			return nil, err
		}
		for _, ref := range sel.members {
			if _, twice := seen[ref]; twice {
				continue
			}
			seen[ref] = struct{}{}
			p, ok := plans[ref.Type]
			if !ok {
				p = planFor(ref.Type, wanted)
				plans[ref.Type] = p
			}
			if v, ok := t.readable(s, ref); ok && p.wanted {
				out = append(out, t.contentOf(s, ref, v, p))
			}
		}
	}
	return out, nil
}
