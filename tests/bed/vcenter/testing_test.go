package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// newTestTwin builds a small twin and closes it with the test.
func newTestTwin(t testing.TB, args ...string) *Twin {
	t.Helper()
	cfg, err := parseFlags(append([]string{"-autostart=false"}, args...), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	twin, err := NewTwin(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(twin.Close)
	return twin
}

// client calls a twin in process, past HTTP and XML.
type client struct {
	t       testing.TB
	twin    *Twin
	session *Session
}

func newClient(t testing.TB, twin *Twin, user string) *client {
	return &client{t, twin, twin.sessions.start(user, "", nil, twin.now())}
}

func (c *client) call(method string, this types.ManagedObjectReference, req any) (any, error) {
	call := &Call{
		Twin: c.twin, Session: c.session, Method: method, This: this, User: c.session.UserName,
		Ctx: c.twin.newContextLocked(c.session), gone: make(chan struct{}),
	}
	call.taskDelay = nil
	return c.twin.dispatch(call, req)
}

func (c *client) must(method string, this types.ManagedObjectReference, req any) any {
	c.t.Helper()
	res, err := c.call(method, this, req)
	if err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
	return res
}

// listView makes a list view of the given objects.
func (c *client) listView(refs ...types.ManagedObjectReference) types.ManagedObjectReference {
	c.t.Helper()
	manager := *c.twin.content().ViewManager
	return c.must("CreateListView", manager, &types.CreateListView{This: manager, Obj: refs}).(*types.CreateListViewResponse).Returnval
}

// watch creates a filter over a view's objects on the session's own collector.
func (c *client) watch(view types.ManagedObjectReference, specs ...types.PropertySpec) {
	c.t.Helper()
	pc := c.twin.content().PropertyCollector
	skip := true
	c.must("CreateFilter", pc, &types.CreateFilter{This: pc, Spec: types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: view, Skip: &skip, SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: view.Type, Path: "view"},
		}}},
		PropSet: specs,
	}})
}

// wait asks for the updates after a version; nil when nothing changed in time.
func (c *client) wait(version string, seconds int32) *types.UpdateSet {
	c.t.Helper()
	pc := c.twin.content().PropertyCollector
	return c.must("WaitForUpdatesEx", pc, &types.WaitForUpdatesEx{
		This: pc, Version: version, Options: &types.WaitOptions{MaxWaitSeconds: &seconds},
	}).(*types.WaitForUpdatesExResponse).Returnval
}

// drain reads everything there is and returns the number of objects and the last version.
func (c *client) drain(version string) (objects int, last string) {
	c.t.Helper()
	for {
		set := c.wait(version, 0)
		if set == nil {
			return objects, version
		}
		version = set.Version
		for _, f := range set.FilterSet {
			objects += len(f.ObjectSet)
		}
	}
}

// seed fills the inventory through the control API.
func seed(t testing.TB, twin *Twin, body string) time.Duration {
	t.Helper()
	start := time.Now()
	post(t, twin, "seed", body)
	return time.Since(start)
}

// post sends a control request and fails the test when it is refused.
func post(t testing.TB, twin *Twin, route, body string) string {
	t.Helper()
	r := httptest.NewRequest("POST", "/v1/"+route, strings.NewReader(body))
	w := httptest.NewRecorder()
	twin.control.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatalf("POST %s: %d %s", route, w.Code, w.Body)
	}
	return w.Body.String()
}

// refs lists the objects of a type in the twin.
func refs(twin *Twin, kind string) []types.ManagedObjectReference {
	twin.world.RLock()
	defer twin.world.RUnlock()
	var out []types.ManagedObjectReference
	for _, obj := range twin.registry().AllReference(kind) {
		out = append(out, obj.Reference())
	}
	return out
}
