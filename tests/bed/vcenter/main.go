// Command vcenter runs the vCenter twin: a simulated vCenter Server that keeps
// vSphere's documented rules for what this project touches. It stands on govmomi's
// simulator, but decodes, authenticates, dispatches and watches by itself; what the
// simulator gets wrong is either replaced by a handler of ours or refused loudly.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	cfg, err := parseFlags(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil && !argument(cfg.Arguments, os.Stdout) {
		err = serve(cfg)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vcenter-twin:", err)
		os.Exit(1)
	}
}

// ready is the line that tells a launcher where everything is.
type ready struct {
	URL        string `json:"url"`
	Control    string `json:"control"`
	CA         string `json:"ca"`
	Thumbprint string `json:"thumbprint"`
	PID        int    `json:"pid"`
}

// serve runs until a signal or the end of standard input.
func serve(cfg Config) error {
	dir := cfg.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "vcenter-twin-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var id identity
	if cfg.TLS {
		var err error
		if id, err = loadIdentity(cfg, dir); err != nil {
			return err
		}
	}
	twin, err := NewTwin(cfg)
	if err != nil {
		return err
	}
	defer twin.Close()

	api, err := openDoor(cfg.Listen)
	if err != nil {
		return fmt.Errorf("-l: %w", err)
	}
	defer func() { _ = api.Close() }()
	twin.door = api
	ctl, err := net.Listen("tcp", cfg.ControlListen)
	if err != nil {
		return err
	}
	if addr, ok := ctl.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		return fmt.Errorf("-control %s: the control API has no authentication and listens on loopback only", cfg.ControlListen)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if cfg.ExitWithStdin {
		ended := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // ends with the launcher's death too
			close(ended)
			stop()
		}()
		defer func() {
			select {
			case <-ended: // a launcher that was killed cleans nothing up
				_ = os.RemoveAll(dir)
			default:
			}
		}()
	}

	failed := make(chan error, 2)
	servers := []*http.Server{
		{Handler: twin.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.Default()},
		{Handler: twin.control.Handler(), ReadHeaderTimeout: 10 * time.Second},
	}
	var listener net.Listener = api
	if cfg.TLS {
		listener = tls.NewListener(api, id.config)
	}
	go func() { failed <- servers[0].Serve(listener) }()
	go func() { failed <- servers[1].Serve(ctl) }()
	go twin.housekeeping(ctx)
	go twin.sweep(ctx)

	if err := announce(cfg, api, ctl, id); err != nil {
		return err
	}
	if cfg.StdinExit {
		fmt.Println("Press any key to exit")
		go func() {
			_, _ = os.Stdin.Read(make([]byte, 1)) // the end of standard input is a key too, as for vcsim
			stop()
		}()
	}
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	for _, s := range servers {
		_ = s.Close()
	}
	return err
}

// announce tells whoever started the twin that it is ready, and where.
func announce(cfg Config, api *door, ctl net.Listener, id identity) error {
	at := url.URL{Scheme: "https", Host: reachable(api.Addr().(*net.TCPAddr)), Path: "/sdk"}
	if !cfg.TLS {
		at.Scheme = "http"
	}
	back := "http://" + ctl.Addr().String()
	if cfg.JSON {
		line, err := json.Marshal(ready{at.String(), back, id.caFile, id.thumbprint, os.Getpid()})
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	} else {
		log.Printf("twin: the control API is at %s", back)
	}
	return announceEnvironment(at, cfg)
}

// housekeeping ends idle sessions and purges old tasks.
func (t *Twin) housekeeping(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.tidy()
		}
	}
}

// tidy ends idle sessions and removes old tasks.
func (t *Twin) tidy() {
	defer survive("housekeeping")
	t.sessions.expire(t.now())
	t.purgeTasks(t.cfg.TaskRetention)
	t.purgeEvents()
}
