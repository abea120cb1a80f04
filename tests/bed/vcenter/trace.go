package main

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// tracer writes requests and answers as they are on the wire, in the form of vcsim's
// -trace. A nil tracer writes nothing.
type tracer struct {
	mu  sync.Mutex
	out io.Writer
}

func openTracer(v Vcsim) (*tracer, error) {
	if !v.Trace {
		return nil, nil
	}
	if v.TraceFile == "" {
		return &tracer{out: os.Stderr}, nil
	}
	out, err := os.Create(v.TraceFile)
	if err != nil {
		return nil, fmt.Errorf("-trace-file: %w", err)
	}
	return &tracer{out: out}, nil
}

// note writes one message. Passwords are in it, as in vcsim's.
func (t *tracer) note(kind string, body []byte) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "%s: %s\n", kind, body)
}

func (t *tracer) close() {
	if t == nil {
		return
	}
	if f, ok := t.out.(*os.File); ok && f != os.Stderr {
		_ = f.Close()
	}
}
