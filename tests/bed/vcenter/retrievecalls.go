package main

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/vmware/govmomi/vim25/types"
)

// pages keeps what a paged RetrievePropertiesEx has not handed out yet, per session.
type pages struct {
	mu   sync.Mutex
	next int
	rest map[string]page
}

type page struct {
	collector types.ManagedObjectReference
	size      int
	objects   []types.ObjectContent
}

// cut returns the first objects and stores the rest under a token. With onlyLatest
// the collector's earlier retrieval ends.
func (p *pages) cut(of page, onlyLatest bool) ([]types.ObjectContent, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rest == nil {
		p.rest = map[string]page{}
	}
	if onlyLatest {
		maps.DeleteFunc(p.rest, func(_ string, other page) bool { return other.collector == of.collector })
	}
	if of.size <= 0 || len(of.objects) <= of.size {
		return of.objects, ""
	}
	p.next++
	token := strconv.Itoa(p.next)
	p.rest[token] = page{of.collector, of.size, of.objects[of.size:]}
	return of.objects[:of.size], token
}

// take hands over what a token stands for. Documented (RetrieveResult.token): a token
// is good once, in its session and on the collector that gave it; else InvalidArgument.
func (p *pages) take(collector types.ManagedObjectReference, token string) (page, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest, ok := p.rest[token]
	if !ok || rest.collector != collector {
		return page{}, NewFault(&types.InvalidArgument{InvalidProperty: "token"})
	}
	delete(p.rest, token)
	return rest, nil
}

// retrievePropertiesEx models PropertyCollector.RetrievePropertiesEx. Documented: null
// when nothing matches; maxObjects of 0 or less is illegal; what goes beyond it waits
// behind a token.
func retrievePropertiesEx(c *Call, req any) (any, error) {
	r := req.(*types.RetrievePropertiesEx)
	size := int(r.Options.MaxObjects)
	if size < 0 || (size == 0 && sentZero(c.body, "options", "maxObjects")) {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "options.maxObjects"})
	}
	objects, err := c.Twin.retrieve(c.Session, r.SpecSet)
	if err != nil {
		return nil, err
	}
	res := &types.RetrievePropertiesExResponse{}
	if len(objects) == 0 {
		return res, nil
	}
	res.Returnval = &types.RetrieveResult{}
	if c.Session == nil {
		res.Returnval.Objects = objects
		return res, nil
	}
	res.Returnval.Objects, res.Returnval.Token = c.Session.pages.cut(
		page{c.This, size, objects}, c.Twin.inventory.rules.OneRetrievalPerCollector)
	return res, nil
}

// continueRetrieve models PropertyCollector.ContinueRetrievePropertiesEx. Documented:
// InvalidArgument for a token that is not the one to come.
func continueRetrieve(c *Call, req any) (any, error) {
	rest, err := c.Session.pages.take(c.This, req.(*types.ContinueRetrievePropertiesEx).Token)
	if err != nil {
		return nil, err
	}
	res := &types.ContinueRetrievePropertiesExResponse{}
	res.Returnval.Objects, res.Returnval.Token = c.Session.pages.cut(rest, false)
	return res, nil
}

// cancelRetrieve models PropertyCollector.CancelRetrievePropertiesEx. Documented: what
// remains is discarded; InvalidArgument as for the continuation.
func cancelRetrieve(c *Call, req any) (any, error) {
	if _, err := c.Session.pages.take(c.This, req.(*types.CancelRetrievePropertiesEx).Token); err != nil {
		return nil, err
	}
	return &types.CancelRetrievePropertiesExResponse{}, nil
}

func retrieveProperties(c *Call, req any) (any, error) {
	objects, err := c.Twin.retrieve(c.Session, req.(*types.RetrieveProperties).SpecSet)
	if err != nil {
		return nil, err
	}
	return &types.RetrievePropertiesResponse{Returnval: objects}, nil
}

// FetchResponse answers Fetch, the call behind every attribute read of pyVmomi.
// Unset properties answer with no value; stock answers with another method's body.
type FetchResponse struct {
	Returnval types.AnyType `xml:"returnval,omitempty,typeattr"`
}

func fetch(c *Call, req any) (any, error) {
	// The request type is internal to the simulator, so it is read by reflection.
	prop := reflect.ValueOf(req).Elem().FieldByName("Prop").String()
	v, ok := c.Twin.readable(c.Session, c.This)
	if !ok {
		return nil, notFound(c.This)
	}
	path, ok := parsePath(prop)
	if !ok {
		return nil, NewFault(&types.InvalidProperty{Name: prop})
	}
	value, state, privilege := c.Twin.viewer(c.Session).read(c.This, v, path)
	if state == valueInvalid {
		return nil, NewFault(&types.InvalidProperty{Name: prop})
	}
	if c.Session == nil && c.This.Type != "ServiceInstance" {
		return nil, notAuthenticated(c.This)
	}
	if state == valueDenied {
		return nil, denial(c.Twin.securable(c.This), privilege)
	}
	res := &FetchResponse{}
	if state == valueFound {
		res.Returnval = wireValue(value)
	}
	return res, nil
}

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func registerRetrieve(t *Twin) {
	t.HandleMode("RetrievePropertiesEx", "PropertyCollector", Reader, retrievePropertiesEx)
	t.HandleMode("RetrieveProperties", "PropertyCollector", Reader, retrieveProperties)
	t.HandleMode("ContinueRetrievePropertiesEx", "PropertyCollector", Free, continueRetrieve)
	t.HandleMode("CancelRetrievePropertiesEx", "PropertyCollector", Free, cancelRetrieve)
	t.HandleMode("Fetch", "", Reader, fetch)
}
