package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

// drawn are delays of one method under a latency, from a seed.
func drawn(t *testing.T, seed string, n int) []time.Duration {
	t.Helper()
	c := newTestTwin(t, "-seed", seed).control
	c.latency = []latencyRule{{Method: "CurrentTime", Seconds: 0.1, Jitter: 0.3}}
	call := &Call{Method: "CurrentTime"}
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = c.delayOf(call, func(l latencyRule) float64 { return l.Seconds })
	}
	return out
}

// Jitter is the deviation divided by the mean, as vcsim's -delay-jitter; no delay is
// below zero, and a seed draws the same ones again.
func TestJitterSpreadsADelayAroundItsMean(t *testing.T) {
	const n = 2000
	delays := drawn(t, "7", n)
	var sum, squares float64
	for _, d := range delays {
		if d < 0 {
			t.Fatalf("a delay of %s", d)
		}
		sum += d.Seconds()
		squares += d.Seconds() * d.Seconds()
	}
	mean := sum / n
	deviation := math.Sqrt(squares/n - mean*mean)
	if math.Abs(mean-0.1) > 0.005 || math.Abs(deviation/mean-0.3) > 0.03 {
		t.Errorf("mean %.4f s, deviation %.4f s", mean, deviation)
	}
	if !slices.Equal(delays, drawn(t, "7", n)) {
		t.Error("the same seed drew other delays")
	}
	if slices.Equal(delays, drawn(t, "8", n)) {
		t.Error("another seed drew the same delays")
	}
}
