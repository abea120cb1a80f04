package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// Config is what the command line says. Names and defaults are vcsim's where both have the flag.
type Config struct {
	Listen        string
	ControlListen string
	Dir           string
	TLSCert       string
	TLSKey        string
	Users         map[string]string
	ExitWithStdin bool

	Datacenters, Clusters, ClusterHosts, StandaloneHosts int
	Machines, Datastores, Portgroups, Folders            int
	Pools, Apps, Pods                                    int
	Autostart                                            bool

	SessionTimeout time.Duration
	TaskRetention  time.Duration
	InstanceUUID   string
	SweepInterval  time.Duration
}

// userFlag collects repeated -user name:password flags.
type userFlag map[string]string

func (u userFlag) String() string { return "" }

func (u userFlag) Set(v string) error {
	name, password, ok := strings.Cut(v, ":")
	if !ok || name == "" || password == "" {
		return fmt.Errorf("%q is not NAME:PASSWORD", v)
	}
	u[name] = password
	return nil
}

// parseFlags reads the command line.
func parseFlags(args []string, output io.Writer) (Config, error) {
	c := Config{Users: map[string]string{}}
	var username, password string
	fs := flag.NewFlagSet("vcenter-twin", flag.ContinueOnError)
	fs.SetOutput(output)
	fs.Usage = func() {
		fmt.Fprintln(output, "vcenter-twin runs a simulated vCenter (SOAP over TLS) with a control API.\n"+
			"It prints one line of JSON when it is ready. See README.md for the control API.\n\nFlags:")
		fs.PrintDefaults()
	}
	fs.StringVar(&c.Listen, "l", "127.0.0.1:0", "address of the vSphere API")
	fs.StringVar(&c.ControlListen, "control", "127.0.0.1:0", "address of the control API; loopback only")
	fs.StringVar(&c.Dir, "dir", "", "directory for certificates (default: a temporary one)")
	fs.StringVar(&c.TLSCert, "tlscert", "", "server certificate instead of an own one")
	fs.StringVar(&c.TLSKey, "tlskey", "", "key of -tlscert")
	fs.StringVar(&username, "username", "", "login name; without it any name and password are good")
	fs.StringVar(&password, "password", "", "password of -username")
	fs.Var(userFlag(c.Users), "user", "one more login, NAME:PASSWORD; repeatable")
	fs.BoolVar(&c.ExitWithStdin, "exit-with-stdin", false, "exit when standard input closes, and remove -dir")
	fs.IntVar(&c.Datacenters, "dc", 1, "number of datacenters")
	fs.IntVar(&c.Clusters, "cluster", 1, "number of clusters per datacenter")
	fs.IntVar(&c.ClusterHosts, "host", 3, "number of hosts per cluster")
	fs.IntVar(&c.StandaloneHosts, "standalone-host", 1, "number of stand-alone hosts per datacenter")
	fs.IntVar(&c.Machines, "vm", 2, "number of virtual machines per resource pool")
	fs.IntVar(&c.Datastores, "ds", 1, "number of datastores")
	fs.IntVar(&c.Portgroups, "pg", 1, "number of distributed port groups per datacenter")
	fs.IntVar(&c.Folders, "folder", 0, "number of folders")
	fs.IntVar(&c.Pools, "pool", 0, "number of resource pools per cluster")
	fs.IntVar(&c.Apps, "app", 0, "number of vApps per cluster")
	fs.IntVar(&c.Pods, "pod", 0, "number of storage pods per datacenter")
	fs.BoolVar(&c.Autostart, "autostart", true, "power the model's virtual machines on")
	fs.DurationVar(&c.SessionTimeout, "session-timeout", 30*time.Minute, "idle time after which a session ends; 0: never")
	fs.DurationVar(&c.TaskRetention, "task-retention", taskRetention, "how long finished tasks stay readable")
	fs.DurationVar(&c.SweepInterval, "sweep", 30*time.Second, "time between two looks at objects nobody marked as changed; 0: never")
	fs.StringVar(&c.InstanceUUID, "instance-uuid", "", "about.instanceUuid, to play the same vCenter again (default: a random one)")
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	if fs.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if (username == "") != (password == "") {
		return c, fmt.Errorf("-username and -password go together")
	}
	if username != "" {
		c.Users[username] = password
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return c, fmt.Errorf("-tlscert and -tlskey go together")
	}
	return c, nil
}
