package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

// The history is bounded, and forgets in its indexes what it forgot.
func TestTheHistoryOfEventsIsBounded(t *testing.T) {
	twin := newTestTwin(t)
	machines := refs(twin, "VirtualMachine")
	twin.world.Lock()
	defer twin.world.Unlock()
	twin.events = newEventLog()
	twin.events.limit = 10
	for i := range 100 {
		about := twin.eventAbout(machines[i%len(machines)])
		twin.record(&types.VmReconfiguredEvent{VmEvent: types.VmEvent{Event: about}}, "somebody", 0)
	}
	log := twin.events
	indexed := 0
	for _, list := range log.byEntity {
		indexed += len(list)
	}
	// Each event is about a machine and its host.
	if len(log.records) != 10 || len(log.byChain) != 10 || indexed != 20 {
		t.Errorf("%d events, %d chains, %d by entity", len(log.records), len(log.byChain), indexed)
	}
	if first, last := log.records[0].key(), log.records[9].key(); first != 91 || last != 100 {
		t.Errorf("events %d to %d are kept, want 91 to 100", first, last)
	}
}

// "Who changed this object last?" looks at the events of that object only.
func TestAQueryOfOneObjectReadsItsOwnEventsOnly(t *testing.T) {
	twin := newTestTwin(t)
	seed(t, twin, `{"vms": 500}`)
	machines := refs(twin, "VirtualMachine")
	admin := newClient(t, twin, "alice@lab.example")
	twin.world.Lock()
	for i := range 10 {
		for _, ref := range machines {
			about := twin.eventAbout(ref)
			twin.record(&types.VmReconfiguredEvent{VmEvent: types.VmEvent{Event: about}}, fmt.Sprintf("user-%d", i), 0)
		}
	}
	twin.world.Unlock()

	spec := types.EventFilterSpec{MaxCount: 1, Entity: &types.EventFilterSpecByEntity{
		Entity: machines[7], Recursion: types.EventFilterSpecRecursionOptionSelf,
	}}
	manager := *twin.content().EventManager
	res := admin.must("QueryEvents", manager, &types.QueryEvents{This: manager, Filter: spec}).(*types.QueryEventsResponse)

	if len(res.Returnval) != 1 || res.Returnval[0].GetEvent().UserName != "user-9" {
		t.Errorf("got %+v, want the one of user-9", res.Returnval)
	}
	candidates := (&eventFilter{spec: spec}).candidates(twin.events)
	if len(candidates) < 10 || len(candidates) > 20 || len(twin.events.records) < 5000 {
		t.Errorf("%d of %d events were looked at", len(candidates), len(twin.events.records))
	}
}

// posted finds the event types that the twin's own code makes.
var posted = regexp.MustCompile(`&types\.([A-Z]\w+Event)\{`)

// An event without a format has no message, and no category but info.
func TestEveryEventThatIsPostedHasItsWords(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range posted.FindAllStringSubmatch(string(text), -1) {
			if match[1] == "PostEvent" { // the request
				continue
			}
			found++
			if _, ok := eventInfoByKey()[match[1]]; !ok {
				t.Errorf("%s posts %s, which eventtexts.go has no words for", name, match[1])
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d events were found; the search is broken", found)
	}
}
