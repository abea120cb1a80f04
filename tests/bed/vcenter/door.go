package main

import (
	"errors"
	"log"
	"net"
	"sync"
	"time"
)

// door is the listener of the vSphere API, which can be shut and opened again on the
// same port: while it is shut a client's connection is refused, as by a server that
// is down. All connections break when it shuts.
type door struct {
	mu     sync.Mutex
	inner  net.Listener // nil while shut
	addr   net.Addr
	conns  map[net.Conn]struct{}
	change chan struct{} // closed at the next opening or closing
	closed bool
	reopen *time.Timer
}

func openDoor(address string) (*door, error) {
	inner, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &door{inner: inner, addr: inner.Addr(), conns: map[net.Conn]struct{}{}, change: make(chan struct{})}, nil
}

// Addr is the address it listens on, also while it is shut.
func (d *door) Addr() net.Addr { return d.addr }

// Accept waits for a connection, over all shuttings.
func (d *door) Accept() (net.Conn, error) {
	for {
		d.mu.Lock()
		inner, change, closed := d.inner, d.change, d.closed
		d.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		if inner == nil {
			<-change
			continue
		}
		conn, err := inner.Accept()
		if err == nil {
			if known := d.enter(inner, conn); known != nil {
				return known, nil
			}
			continue
		}
		if !errors.Is(err, net.ErrClosed) {
			return nil, err
		}
	}
}

// enter remembers a connection, unless the door was shut meanwhile.
func (d *door) enter(inner net.Listener, conn net.Conn) net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner != inner {
		_ = conn.Close()
		return nil
	}
	d.conns[conn] = struct{}{}
	return &visitor{conn, d}
}

// visitor is a connection that the door forgets when it closes.
type visitor struct {
	net.Conn
	door *door
}

func (v *visitor) Close() error {
	v.door.mu.Lock()
	delete(v.door.conns, v.Conn)
	v.door.mu.Unlock()
	return v.Conn.Close()
}

// shut refuses connections for a while and breaks those that there are.
func (d *door) shut(length time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	if d.inner != nil {
		_ = d.inner.Close()
		d.inner = nil
	}
	for conn := range d.conns {
		_ = conn.Close()
	}
	if d.reopen != nil {
		d.reopen.Stop()
	}
	d.reopen = time.AfterFunc(length, d.open)
}

// reopenPause is the time between two tries to get the port back from somebody else.
const reopenPause = 50 * time.Millisecond

func (d *door) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.inner != nil {
		return
	}
	inner, err := net.Listen("tcp", d.addr.String())
	if err != nil {
		log.Printf("twin: cannot listen again: %v", err)
		d.reopen = time.AfterFunc(reopenPause, d.open)
		return
	}
	d.inner = inner
	d.wake()
}

// Close ends the listening for good.
func (d *door) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	if d.reopen != nil {
		d.reopen.Stop()
	}
	d.wake()
	if d.inner == nil {
		return nil
	}
	return d.inner.Close()
}

// wake makes Accept look again; mu is held.
func (d *door) wake() {
	close(d.change)
	d.change = make(chan struct{})
}
