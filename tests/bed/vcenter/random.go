//go:debug randseednop=0
package main

import (
	crand "crypto/rand"
	"math/rand"
	"sync"

	"github.com/google/uuid"
)

// Everything random has one source, so that -seed makes a run repeatable: the same
// flags, seed and calls in the same order give the same state. Identifiers come from
// the uuid package's reader and the simulator's choice of hosts from math/rand; both
// are global, so the seed belongs to the process.
//
// What must not shift the others stays outside: session keys and the ids of views and
// filters come from the operating system, since watching shall change nothing.

// randomness is math/rand as a reader that goroutines may share.
type randomness struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (r *randomness) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.Read(p)
}

// chance draws a number from 0 to below 1.
func (r *randomness) chance() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.Float64()
}

// normal draws from the normal distribution of mean 0 and deviation 1.
func (r *randomness) normal() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.NormFloat64()
}

// newRandomness starts a sequence of its own; seed 0 is a different one each time.
func newRandomness(seed int64) *randomness {
	if seed == 0 {
		seed = rand.Int63()
	}
	return &randomness{rng: rand.New(rand.NewSource(seed))}
}

// seedRandom sets the global sources; seed 0 leaves them random.
func seedRandom(seed int64) {
	if seed == 0 {
		uuid.SetRand(nil)
		return
	}
	uuid.SetRand(newRandomness(seed))
	rand.Seed(seed) //nolint:staticcheck // the simulator draws from the global source
}

func newUUID() string { return uuid.NewString() }

// sessionKey is a random UUID past the seed, see above.
func sessionKey() string {
	id, err := uuid.NewRandomFromReader(crand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails on a working system
	}
	return id.String()
}
