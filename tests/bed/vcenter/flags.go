package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/vmware/govmomi/session"
)

// Config is what the command line says. Names and defaults are vcsim's where both have the flag.
type Config struct {
	Listen        string
	ControlListen string
	Dir           string
	TLS           bool
	TLSCert       string
	TLSKey        string
	Users         map[string]string
	ExitWithStdin bool
	JSON          bool // one line of JSON when ready, instead of vcsim's line

	Model
	Vcsim // what only vcsim's own launchers ask for

	SessionTimeout  time.Duration
	SessionLifetime time.Duration
	MaxSessions     int
	TaskRetention   time.Duration
	InstanceUUID    string
	SweepInterval   time.Duration
	LatencyProfile  string
	Seed            int64
	Arguments       []string // what stands behind the flags
}

// userFlag collects repeated -user name:password flags; the first one is for the environment line.
type userFlag struct {
	users map[string]string
	first *string
}

func (u userFlag) String() string { return "" }

func (u userFlag) Set(v string) error {
	name, password, ok := strings.Cut(v, ":")
	if !ok || name == "" || password == "" {
		return fmt.Errorf("%q is not NAME:PASSWORD", v)
	}
	if *u.first == "" {
		*u.first = name
	}
	u.users[name] = password
	return nil
}

const usage = `vcenter-twin runs a simulated vCenter Server (SOAP over TLS) with a control API for tests.

  vcenter-twin [flags]            run until SIGINT, SIGTERM or what -stdinexit and -exit-with-stdin say
  vcenter-twin [flags] uuidgen    print a random UUID
  vcenter-twin [flags] version    print the versions of what is built in

It starts as vcsim does and prints vcsim's line when it is ready:
  export GOVC_URL=https://user:pass@127.0.0.1:8989/sdk GOVC_SIM_PID=4711
README.md describes the routes of the control API and where the twin differs from vcsim.

Flags:`

// parseFlags reads the command line.
func parseFlags(args []string, output io.Writer) (Config, error) {
	c := Config{Users: map[string]string{}}
	var username, password string
	fs := flag.NewFlagSet("vcenter-twin", flag.ContinueOnError)
	fs.SetOutput(output)
	fs.Usage = func() {
		fmt.Fprintln(output, usage)
		fs.PrintDefaults()
		fmt.Fprintf(output, "\nControl API, JSON over HTTP:\n  %s\n", strings.Join(newControl(&Twin{}).routes, "\n  "))
	}
	fs.StringVar(&c.Listen, "l", "127.0.0.1:8989", "address of the vSphere API; port 0 chooses a free one, no host means all addresses")
	fs.StringVar(&c.ControlListen, "control", "127.0.0.1:0", "address of the control API; loopback only")
	fs.StringVar(&c.Dir, "dir", "", "directory for certificates (default: a temporary one)")
	fs.BoolVar(&c.TLS, "tls", true, "serve TLS; false is plain HTTP")
	fs.StringVar(&c.TLSCert, "tlscert", "", "server certificate instead of an own one")
	fs.StringVar(&c.TLSKey, "tlskey", "", "key of -tlscert")
	fs.StringVar(&username, "username", "", "login name, or a file that holds it; without it any name and password are good")
	fs.StringVar(&password, "password", "", "password of -username, or a file that holds it")
	fs.Var(userFlag{c.Users, &c.EnvironmentUser}, "user", "one more login, NAME:PASSWORD; repeatable")
	fs.BoolVar(&c.ExitWithStdin, "exit-with-stdin", false, "exit when standard input closes, and remove -dir")
	fs.BoolVar(&c.JSON, "json", false, "when ready, print one line of JSON with url, control, ca, thumbprint and pid")
	fs.DurationVar(&c.SessionTimeout, "session-timeout", 30*time.Minute, "idle time after which a session ends; 0: never")
	fs.DurationVar(&c.SessionLifetime, "session-lifetime", 0, "time after its login at which a session ends however busy it is; 0: never")
	fs.IntVar(&c.MaxSessions, "max-sessions", 2000, "sessions of all users together; beyond it whoever has none gets HTTP 503. 0: any number")
	fs.DurationVar(&c.TaskRetention, "task-retention", taskRetention, "how long finished tasks stay readable")
	fs.DurationVar(&c.SweepInterval, "sweep", 30*time.Second, "time between two looks at objects nobody marked as changed; 0: never")
	fs.StringVar(&c.InstanceUUID, "instance-uuid", "", "about.instanceUuid, to play the same vCenter again (default: a random one)")
	fs.StringVar(&c.LatencyProfile, "latency-profile", "none", "how slow calls and tasks are: "+profileNames())
	fs.Int64Var(&c.Seed, "seed", 0, "make identifiers, host choices and probabilities the same in each run; 0: random")
	c.Model.flags(fs)
	c.Vcsim.flags(fs)
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	if err := c.login(username, password); err != nil {
		return c, err
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return c, fmt.Errorf("-tlscert and -tlskey go together")
	}
	if _, ok := latencyProfiles[c.LatencyProfile]; !ok {
		return c, fmt.Errorf("-latency-profile: %q is not one of %s", c.LatencyProfile, profileNames())
	}
	if err := c.Model.check(); err != nil {
		return c, err
	}
	c.Arguments = fs.Args()
	return c, c.Vcsim.check()
}

// login adds the login of -username. As in vcsim a value may name a file that holds it.
func (c *Config) login(username, password string) error {
	name, err := session.Secret(username)
	if err != nil {
		return fmt.Errorf("-username: %w", err)
	}
	secret, err := session.Secret(password)
	if err != nil {
		return fmt.Errorf("-password: %w", err)
	}
	if name == "" {
		if secret != "" {
			log.Print("twin: -password without -username is ignored, as vcsim does: any login is good")
		}
		return nil
	}
	if secret == "" {
		return fmt.Errorf("-username %s: -password is missing, and vCenter knows no empty password", name)
	}
	c.Users[name] = secret
	c.EnvironmentUser = name
	return nil
}

// argument runs what stands behind the flags; false means to go on and serve.
func argument(rest []string, output io.Writer) (done bool) {
	if len(rest) == 0 {
		return false
	}
	switch rest[0] {
	case "uuidgen":
		fmt.Fprintln(output, newUUID())
		return true
	case "version":
		fmt.Fprint(output, versions())
		return true
	}
	log.Printf("twin: %q and what follows it is ignored, as vcsim does; flags stand before arguments, and a switch is written -tls=false", rest[0])
	return false
}
