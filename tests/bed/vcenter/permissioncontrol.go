package main

import (
	"net/http"
	"slices"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// The control API of logins, session limits, roles and permissions: what a vCenter's administrator would have set up
// before a test begins. For a change by the rules call the AuthorizationManager instead.

// setSessionLimits changes what is named and answers all: {"idleSeconds": 1800, "lifetimeSeconds": 86400, "max": 2000}.
func (c *control) setSessionLimits(r *http.Request) (any, error) {
	var req struct {
		IdleSeconds     *float64 `json:"idleSeconds"`
		LifetimeSeconds *float64 `json:"lifetimeSeconds"`
		Max             *int     `json:"max"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	for name, seconds := range map[string]*float64{"idleSeconds": req.IdleSeconds, "lifetimeSeconds": req.LifetimeSeconds} {
		if seconds != nil && *seconds < 0 {
			return nil, bad("%s: %g; give seconds, or 0 for no limit", name, *seconds)
		}
	}
	if req.Max != nil && *req.Max < 0 {
		return nil, bad("max: %d; give a number of sessions, or 0 for no limit", *req.Max)
	}
	limits := c.t.sessions.setLimits(func(l *sessionLimits) {
		if req.IdleSeconds != nil {
			l.Idle = time.Duration(*req.IdleSeconds * float64(time.Second))
		}
		if req.LifetimeSeconds != nil {
			l.Lifetime = time.Duration(*req.LifetimeSeconds * float64(time.Second))
		}
		if req.Max != nil {
			l.Max = *req.Max
		}
	})
	c.t.sessions.expire(c.t.now())
	return map[string]any{
		"idleSeconds": limits.Idle.Seconds(), "lifetimeSeconds": limits.Lifetime.Seconds(), "max": limits.Max,
	}, nil
}

// setUser makes or removes a login: {"name", "password", "groups": [...]}. Without groups it is an administrator; with
// an empty list it has no role until a permission gives it one.
func (c *control) setUser(r *http.Request) (any, error) {
	var req struct {
		Name     string   `json:"name"`
		Password string   `json:"password"`
		Groups   []string `json:"groups"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if req.Name == "" {
		return nil, bad("name: empty; give the login name, such as alice@lab.example")
	}
	c.t.sessions.setUser(req.Name, req.Password)
	c.t.world.Lock()
	defer c.t.world.Unlock()
	c.t.changeGrants(func(g *grants) {
		if req.Groups == nil {
			delete(g.groups, principalKey(req.Name))
		} else {
			g.groups[principalKey(req.Name)] = req.Groups
		}
	})
	return nil, nil
}

// setRole makes a role or replaces its privileges: {"name", "privileges": [...]}. Answers {"id"}.
func (c *control) setRole(r *http.Request) (any, error) {
	var req struct {
		Name       string   `json:"name"`
		Privileges []string `json:"privileges"`
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if req.Name == "" {
		return nil, bad("name: empty; give the role's name, such as nested-lab")
	}
	if id, unknown := unknownPrivilege(req.Privileges); unknown {
		return nil, bad("privileges: %q is no privilege; AuthorizationManager.privilegeList has them all", id)
	}
	c.t.world.Lock()
	defer c.t.world.Unlock()
	made, known := c.t.grants.Load().roleNamed(req.Name)
	if known && made.System {
		return nil, bad("name: %s is a role of the system, which cannot be changed", req.Name)
	}
	c.t.changeGrants(func(g *grants) {
		id := made.RoleId
		if !known {
			id = g.nextRole
			g.nextRole++
		}
		made = newRole(types.AuthorizationRole{
			RoleId: id, Name: req.Name, Privilege: req.Privileges,
			Info: &types.Description{Label: req.Name, Summary: req.Name},
		})
		g.roles[id] = made
	})
	return map[string]int32{"id": made.RoleId}, nil
}

// setPermission gives or takes a role: {"principal", "group": false, "object", "role", "propagate": true}. An empty role
// takes the permission away; an empty object is the root folder.
func (c *control) setPermission(r *http.Request) (any, error) {
	req := struct {
		Principal string `json:"principal"`
		Group     bool   `json:"group"`
		Object    string `json:"object"`
		Role      string `json:"role"`
		Propagate bool   `json:"propagate"`
	}{Propagate: true}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if req.Principal == "" {
		return nil, bad("principal: empty; give a login name or a group, such as alice@lab.example")
	}
	t := c.t
	t.world.Lock()
	defer t.world.Unlock()
	entity := t.content().RootFolder
	if req.Object != "" {
		var err error
		if entity, err = t.object(req.Object, ""); err != nil {
			return nil, err
		}
	}
	role, known := t.grants.Load().roleNamed(req.Role)
	if !known && req.Role != "" {
		return nil, bad("role: no role is named %q; make it with /v1/roles, or use Admin, ReadOnly or NoAccess", req.Role)
	}
	p := types.Permission{
		Entity: &entity, Principal: displayUser(req.Principal), Group: req.Group, RoleId: role.RoleId, Propagate: req.Propagate,
	}
	t.changeGrants(func(g *grants) {
		g.permissions = slices.DeleteFunc(g.permissions, func(o types.Permission) bool {
			return *o.Entity == entity && samePrincipal(o, p)
		})
		if known {
			g.permissions = append(g.permissions, p)
		}
	})
	return map[string]string{"object": entity.Value}, nil
}

// listPermissions shows all permissions.
func (c *control) listPermissions(*http.Request) (any, error) {
	type permission struct {
		Principal string `json:"principal"`
		Group     bool   `json:"group"`
		Object    string `json:"object"`
		Role      string `json:"role"`
		Propagate bool   `json:"propagate"`
	}
	g := c.t.grants.Load()
	out := []permission{}
	for _, p := range g.permissions {
		out = append(out, permission{p.Principal, p.Group, p.Entity.Value, g.roles[p.RoleId].Name, p.Propagate})
	}
	return out, nil
}
