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
	size    int
	objects []types.ObjectContent
}

// cut returns the first objects and stores the rest under a token.
func (p *pages) cut(objects []types.ObjectContent, size int) ([]types.ObjectContent, string) {
	if size <= 0 || len(objects) <= size {
		return objects, ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rest == nil {
		p.rest = map[string]page{}
	}
	p.next++
	token := strconv.Itoa(p.next)
	p.rest[token] = page{size, objects[size:]}
	return objects[:size], token
}

func (p *pages) take(token string) (page, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest, ok := p.rest[token]
	delete(p.rest, token)
	return rest, ok
}

func retrievePropertiesEx(c *Call, req any) (any, error) {
	r := req.(*types.RetrievePropertiesEx)
	objects, err := c.Twin.retrieve(c.Session, r.SpecSet)
	if err != nil {
		return nil, err
	}
	res := &types.RetrievePropertiesExResponse{}
	if len(objects) == 0 {
		return res, nil // null when nothing was found (documented)
	}
	res.Returnval = &types.RetrieveResult{}
	if c.Session == nil {
		res.Returnval.Objects = objects
		return res, nil
	}
	res.Returnval.Objects, res.Returnval.Token = c.Session.pages.cut(objects, int(r.Options.MaxObjects))
	return res, nil
}

func continueRetrieve(c *Call, req any) (any, error) {
	rest, ok := c.Session.pages.take(req.(*types.ContinueRetrievePropertiesEx).Token)
	if !ok {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "token"})
	}
	res := &types.ContinueRetrievePropertiesExResponse{}
	res.Returnval.Objects, res.Returnval.Token = c.Session.pages.cut(rest.objects, rest.size)
	return res, nil
}

func cancelRetrieve(c *Call, req any) (any, error) {
	if _, ok := c.Session.pages.take(req.(*types.CancelRetrievePropertiesEx).Token); !ok {
		return nil, NewFault(&types.InvalidArgument{InvalidProperty: "token"})
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
	v, ok := c.Twin.lookup(c.Session, c.This)
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
