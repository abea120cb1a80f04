package main

import (
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// Vcsim is what launchers written for vcsim ask for and the twin has of its own in
// another form: the environment line, tracing, delays. So a test suite written for
// vcsim starts the twin unchanged. Source: the flags of vcsim's main.go.
type Vcsim struct {
	Environment     string // -E
	EnvironmentUser string // whose login stands in GOVC_URL
	Trace           bool
	TraceFile       string
	StdinExit       bool
	Delay           int // milliseconds
	MethodDelay     map[string]int
	DelayJitter     float64
}

func (v *Vcsim) flags(fs *flag.FlagSet) {
	fs.StringVar(&v.Environment, "E", "-", "write vcsim's environment line to this fifo or file, which must exist; - is standard output")
	fs.BoolVar(&v.Trace, "trace", false, "write requests and responses to -trace-file")
	fs.StringVar(&v.TraceFile, "trace-file", "", "file of -trace, which it implies (default: standard error)")
	fs.BoolVar(&v.StdinExit, "stdinexit", false, "say \"Press any key to exit\" and do so")
	fs.IntVar(&v.Delay, "delay", 0, "milliseconds by which every call is slower")
	v.MethodDelay = map[string]int{}
	fs.Func("method-delay", "milliseconds by method, `METHOD:MS,…`; a task's name without _Task delays the task", v.methodDelay)
	fs.Float64Var(&v.DelayJitter, "delay-jitter", 0, "how much a delay varies: standard deviation divided by mean")
	for name, reason := range refusedFlags {
		fs.Func(name, "refused: "+reason, func(string) error { return fmt.Errorf("the twin has no such flag: %s", reason) })
	}
}

// refusedFlags are vcsim's flags that would promise what the twin cannot keep.
var refusedFlags = map[string]string{
	"load": "a saved inventory lacks the ports, guests and files that the twin's rules look after; " +
		"build it with the model flags, POST /v1/seed or API calls",
	"tunnel": "the SDK tunnel serves logins by extension certificate, which are not modelled",
}

func (v *Vcsim) methodDelay(text string) error {
	for pair := range strings.SplitSeq(text, ",") {
		method, ms, ok := strings.Cut(strings.TrimSpace(pair), ":")
		n, err := strconv.Atoi(ms)
		if !ok || err != nil || n < 0 || method == "" {
			return fmt.Errorf("%q is not METHOD:MILLISECONDS", pair)
		}
		v.MethodDelay[method] = n
	}
	return nil
}

func (v *Vcsim) check() error {
	if v.Delay < 0 || v.DelayJitter < 0 {
		return fmt.Errorf("-delay, -delay-jitter: %d, %v; both are 0 or more", v.Delay, v.DelayJitter)
	}
	v.Trace = v.Trace || v.TraceFile != ""
	return nil
}

// latency says -delay and -method-delay in rules of the control API. In vcsim both
// add up for a call, and the name of a task is that of its method without the suffix.
func (v *Vcsim) latency() []latencyRule {
	seconds := func(ms int) float64 { return float64(ms) / 1000 }
	var out []latencyRule
	for method, ms := range v.MethodDelay {
		out = append(out, latencyRule{Method: method, Seconds: seconds(v.Delay + ms), Jitter: v.DelayJitter})
		if strings.HasSuffix(method, "_Task") {
			continue
		}
		for _, suffix := range []string{"_Task", "VM_Task"} {
			out = append(out, latencyRule{
				Method: method + suffix, Seconds: seconds(v.Delay), TaskSeconds: seconds(ms), Jitter: v.DelayJitter,
			})
		}
	}
	if v.Delay > 0 {
		out = append(out, latencyRule{Seconds: seconds(v.Delay), Jitter: v.DelayJitter})
	}
	return out
}

// environmentLine is what vcsim prints, character by character.
func environmentLine(api url.URL, cfg Config) string {
	api.User = url.UserPassword("user", "pass") // the simulator's DefaultLogin
	if name := cfg.EnvironmentUser; name != "" {
		api.User = url.UserPassword(name, cfg.Users[name])
	}
	return fmt.Sprintf("export GOVC_URL=%s GOVC_SIM_PID=%d\n", &api, os.Getpid())
}

// announceEnvironment writes vcsim's line. As there, the file of -E is not created,
// and opening a fifo waits for its reader.
func announceEnvironment(api url.URL, cfg Config) error {
	line := environmentLine(api, cfg)
	if cfg.Environment == "-" {
		if cfg.JSON {
			return nil
		}
		_, err := fmt.Print(line)
		return err
	}
	out, err := os.OpenFile(cfg.Environment, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("-E: %w", err)
	}
	_, err = out.WriteString(line)
	if e := out.Close(); err == nil {
		err = e
	}
	return err
}

// reachable is the address that a client of this machine may use: a listener on all
// addresses is shown by this machine's first IPv4 address, as vcsim does.
func reachable(addr *net.TCPAddr) string {
	ip := addr.IP.String()
	if own := ownAddresses(); addr.IP.IsUnspecified() && len(own) > 0 {
		ip = own[0].String()
	}
	return net.JoinHostPort(ip, strconv.Itoa(addr.Port))
}

// ownAddresses lists this machine's IPv4 addresses, without loopback and the bridges that vcsim skips.
func ownAddresses() []net.IP {
	var out []net.IP
	cards, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, card := range cards {
		if card.Name == "docker0" || strings.HasPrefix(card.Name, "vmnet") {
			continue
		}
		addrs, err := card.Addrs()
		if err != nil {
			continue
		}
		for _, addr := range addrs {
			if ip, ok := addr.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
				out = append(out, ip.IP)
			}
		}
	}
	return out
}

// versions is what the version argument prints, in vcsim's words.
func versions() string {
	build, commit, date := "unknown", "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/vmware/govmomi" {
				build = "vcenter-twin on govmomi " + dep.Version
			}
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				commit = s.Value
			case "vcs.time":
				date = s.Value
			}
		}
	}
	return fmt.Sprintf("Build Version: %s\nBuild Commit: %s\nBuild Date: %s\n", build, commit, date)
}
