package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
)

// paths counts the inventory paths below a registry, with the type of each object.
func paths(r *simulator.Registry) map[string]int {
	out := map[string]int{}
	for _, obj := range r.AllReference("") {
		e, ok := obj.(mo.Entity)
		if !ok {
			continue
		}
		kind := strings.TrimPrefix(e.Reference().Type, "Vmware") // promoteSwitches
		path := entityName(e)
		for parent := e.Entity().Parent; parent != nil; {
			above := r.Get(*parent).(mo.Entity)
			path = entityName(above) + "/" + path
			parent = above.Entity().Parent
		}
		out[kind+" "+path]++
	}
	return out
}

// A model of the same flags has the same objects under the same names as vcsim's.
func TestModelHasTheInventoryOfVcsim(t *testing.T) {
	for _, flags := range []string{
		"",
		"-dc 2 -cluster 2 -host 2 -standalone-host 2 -vm 3 -ds 2 -pg 3",
		"-folder 1 -pool 2 -app 1 -pod 2",
		"-dc 2 -folder 2",
		"-pg 0 -standalone-host 0",
		"-dc 0",
		"-vm 0 -cluster 0",
		"-pg-nsx 2",
		"-nsx 2",
		"-ds 0 -vm 0",
	} {
		t.Run(flags, func(t *testing.T) {
			twin := newTestTwin(t, strings.Fields(flags)...)
			stock := twin.cfg.Model.stock()
			stock.Autostart = false
			if err := stock.Create(); err != nil {
				t.Fatal(err)
			}
			defer stock.Remove()
			want, have := paths(stock.Map()), paths(twin.registry())
			for _, path := range slices.Sorted(maps.Keys(want)) {
				if have[path] != want[path] {
					t.Errorf("%s: %d in vcsim, %d in the twin", path, want[path], have[path])
				}
			}
			for _, path := range slices.Sorted(maps.Keys(have)) {
				if want[path] == 0 {
					t.Errorf("%s: not in vcsim", path)
				}
			}
		})
	}
}

// The flags have vcsim's defaults, except those that README.md names.
func TestFlagsHaveTheDefaultsOfVcsim(t *testing.T) {
	cfg, err := parseFlags(nil, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	have, want := cfg.Model.stock(), simulator.VPX()
	if a, b := fmt.Sprintf("%+v", *have), fmt.Sprintf("%+v", *want); a != b {
		t.Errorf("model flags: %s\nvcsim: %s", a, b)
	}
	if cfg.Listen != "127.0.0.1:8989" || cfg.Environment != "-" || !cfg.TLS || cfg.Trace || cfg.StdinExit {
		t.Errorf("%+v", cfg)
	}
}
