package main

import "testing"

func TestNoDeniedMethodHasAHandlerAsWell(t *testing.T) {
	twin := newTestTwin(t)
	for key, why := range deniedMethods {
		if _, ours := twin.handlers[key]; ours {
			t.Errorf("%s on %q is denied (%s) but has a handler: the denial never applies", key.method, key.kind, why)
		}
	}
}
