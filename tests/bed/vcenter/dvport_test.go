package main

import (
	"testing"

	"github.com/vmware/govmomi/simulator"
)

// TestGeneratedPortNames keeps the examples that DVPortgroupConfigInfo.portNameFormat gives.
func TestGeneratedPortNames(t *testing.T) {
	for format, want := range map[string]string{
		"redNetwork-<portIndex>":    "redNetwork-2",
		"<dvsName>-pnic<portIndex>": "switch-pnic2",
		`abc\<portIndex>def`:        "abc<portIndex>def",
		"<portgroupName>":           "lab",
		"<unknown>":                 "<unknown>",
		"a<b":                       "a<b",
		`\`:                         `\`,
		"":                          "",
	} {
		if got := generatedPortName(format, "switch", "lab", 2); got != want {
			t.Errorf("%q: %q, want %q", format, got, want)
		}
	}
}

// TestEachHostHasAProxySwitchOfItsOwn keeps the hosts of the stock model from
// sharing one list.
func TestEachHostHasAProxySwitchOfItsOwn(t *testing.T) {
	twin := newTestTwin(t)
	seen := map[string]string{}
	for _, ref := range refs(twin, "HostSystem") {
		host := twin.registry().Get(ref).(*simulator.HostSystem)
		if len(host.Config.Network.ProxySwitch) != 1 {
			t.Fatalf("%s has %d proxy switches, want 1", host.Name, len(host.Config.Network.ProxySwitch))
		}
		for _, port := range host.Config.Network.ProxySwitch[0].UplinkPort {
			if other, taken := seen[port.Key]; taken {
				t.Errorf("%s and %s share the uplink port %s", host.Name, other, port.Key)
			}
			seen[port.Key] = host.Name
		}
	}
	if len(seen) == 0 {
		t.Error("no host has an uplink port")
	}
}
