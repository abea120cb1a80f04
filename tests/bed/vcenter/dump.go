package main

import (
	"sort"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// The dump is what a test needs to see that nothing was left behind.

type dumpedMachine struct {
	ID           string         `json:"id"`
	Name         string         `json:"name"`
	InstanceUUID string         `json:"instanceUuid"`
	Template     bool           `json:"template"`
	PowerState   string         `json:"powerState"`
	NestedHV     bool           `json:"nestedHV"`
	Firmware     string         `json:"firmware"`
	GuestID      string         `json:"guestId"`
	CPUs         int32          `json:"cpus"`
	MemoryMB     int32          `json:"memoryMB"`
	Host         string         `json:"host"`
	Networks     []string       `json:"networks"`
	ExtraConfig  map[string]any `json:"extraConfig"`
}

type dumpedPortgroup struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Switch        string   `json:"switch"`
	ConfigVersion string   `json:"configVersion"`
	Description   string   `json:"description"`
	Uplink        bool     `json:"uplink"`
	VMs           []string `json:"vms"`
}

type dumpedTask struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	Entity string `json:"entity"`
	State  string `json:"state"`
	User   string `json:"user"`
	Error  string `json:"error,omitempty"`
}

type dumpedState struct {
	VMs        []dumpedMachine   `json:"vms"`
	Portgroups []dumpedPortgroup `json:"portGroups"`
	Hosts      []dumpedHost      `json:"hosts"`
	Networks   []dumpedNetwork   `json:"networks"`
	Tasks      []dumpedTask      `json:"tasks"`
	// Objects are the ids of everything by type.
	Objects  map[string][]string `json:"objects"`
	Sessions []string            `json:"sessions"`
	Views    int                 `json:"views"`
	Filters  int                 `json:"filters"`
}

// dump describes the whole state.
func (t *Twin) dump() dumpedState {
	t.world.RLock()
	defer t.world.RUnlock()
	d := dumpedState{
		VMs: []dumpedMachine{}, Portgroups: []dumpedPortgroup{}, Hosts: []dumpedHost{}, Networks: []dumpedNetwork{},
		Tasks: []dumpedTask{}, Sessions: []string{},
	}
	for _, obj := range ordered(t.registry().AllReference("")) {
		switch e := obj.(type) {
		case *simulator.VirtualMachine:
			d.VMs = append(d.VMs, dumpMachine(e))
		case *simulator.DistributedVirtualPortgroup:
			d.Portgroups = append(d.Portgroups, dumpPortgroup(e))
		case *simulator.HostSystem:
			d.Hosts = append(d.Hosts, t.dumpHost(e))
		case *mo.Network:
			d.Networks = append(d.Networks, dumpNetwork(e))
		case *simulator.Task:
			d.Tasks = append(d.Tasks, dumpTask(e))
		}
	}
	sort.Slice(d.VMs, func(i, j int) bool { return d.VMs[i].Name < d.VMs[j].Name })
	sort.Slice(d.Portgroups, func(i, j int) bool { return d.Portgroups[i].Name < d.Portgroups[j].Name })
	sortHosts(d.Hosts, d.Networks)
	sort.Slice(d.Tasks, func(i, j int) bool { return d.Tasks[i].ID < d.Tasks[j].ID })
	for _, s := range t.sessions.list() {
		d.Sessions = append(d.Sessions, s.UserName)
	}
	d.Objects = t.dumpObjects()
	d.Views, d.Filters = t.watchers.size()
	return d
}

func dumpMachine(vm *simulator.VirtualMachine) dumpedMachine {
	out := dumpedMachine{
		ID: vm.Self.Value, Name: vm.Name, PowerState: string(vm.Runtime.PowerState),
		Networks: ids(vm.Network), ExtraConfig: map[string]any{},
	}
	if vm.Runtime.Host != nil {
		out.Host = vm.Runtime.Host.Value
	}
	if c := vm.Config; c != nil {
		out.InstanceUUID, out.Template, out.Firmware, out.GuestID = c.InstanceUuid, c.Template, c.Firmware, c.GuestId
		out.NestedHV = c.NestedHVEnabled != nil && *c.NestedHVEnabled
		out.CPUs, out.MemoryMB = c.Hardware.NumCPU, c.Hardware.MemoryMB
		for _, o := range c.ExtraConfig {
			out.ExtraConfig[o.GetOptionValue().Key] = o.GetOptionValue().Value
		}
	}
	return out
}

func dumpPortgroup(pg *simulator.DistributedVirtualPortgroup) dumpedPortgroup {
	out := dumpedPortgroup{
		ID: pg.Self.Value, Name: pg.Name, ConfigVersion: pg.Config.ConfigVersion,
		Description: pg.Config.Description, VMs: ids(pg.Vm),
	}
	if pg.Config.DistributedVirtualSwitch != nil {
		out.Switch = pg.Config.DistributedVirtualSwitch.Value
	}
	out.Uplink = pg.Config.Uplink != nil && *pg.Config.Uplink
	return out
}

func dumpTask(task *simulator.Task) dumpedTask {
	out := dumpedTask{ID: task.Self.Value, Method: task.Info.Name, State: string(task.Info.State)}
	if task.Info.Entity != nil {
		out.Entity = task.Info.Entity.Value
	}
	if r, ok := task.Info.Reason.(*types.TaskReasonUser); ok {
		out.User = r.UserName
	}
	if task.Info.Error != nil {
		out.Error = task.Info.Error.LocalizedMessage
	}
	return out
}

func ids(refs []types.ManagedObjectReference) []string {
	out := []string{}
	for _, ref := range refs {
		out = append(out, ref.Value)
	}
	return out
}

// size counts the views and filters that somebody owns.
func (w *watchers) size() (views, filters int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[*Filter]struct{}{}
	for _, m := range w.index {
		for f := range m {
			seen[f] = struct{}{}
		}
	}
	return len(w.views), len(seen)
}
