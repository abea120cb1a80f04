package main

import (
	"strconv"

	"github.com/vmware/govmomi/vim25/types"
)

// The questions a client asks before it acts: has this session, has this user the privilege here?

// hasPrivilegeOnEntity models HasPrivilegeOnEntity. Documented: one answer per privilege, in their order, for the named
// session. Inferred, as no fault is declared: a session that does not exist is InvalidArgument, and nobody is granted a
// privilege that does not exist.
func hasPrivilegeOnEntity(c *Call, req any) (any, error) {
	r := req.(*types.HasPrivilegeOnEntity)
	user, err := c.userOfSession(r.SessionId)
	if err != nil {
		return nil, err
	}
	answers, err := c.privilegesOf(user, r.Entity, r.PrivId)
	if err != nil {
		return nil, err
	}
	res := &HasPrivilegeOnEntityResponse{}
	for _, a := range answers {
		res.Returnval = append(res.Returnval, strconv.FormatBool(a.IsGranted))
	}
	return res, nil
}

// HasPrivilegeOnEntityResponse writes every answer: govmomi's own type, a list of bool with omitempty, loses each "no".
type HasPrivilegeOnEntityResponse struct {
	Returnval []string `xml:"returnval"`
}

// hasPrivilegeOnEntities models HasPrivilegeOnEntities. Documented: for each entity the answers for all privileges.
func hasPrivilegeOnEntities(c *Call, req any) (any, error) {
	r := req.(*types.HasPrivilegeOnEntities)
	user, err := c.userOfSession(r.SessionId)
	if err != nil {
		return nil, err
	}
	res := &types.HasPrivilegeOnEntitiesResponse{}
	res.Returnval, err = c.privilegesOfMany(user, r.Entity, r.PrivId)
	return res, err
}

// hasUserPrivilegeOnEntities models HasUserPrivilegeOnEntities. Documented: the same for a user by name.
func hasUserPrivilegeOnEntities(c *Call, req any) (any, error) {
	r := req.(*types.HasUserPrivilegeOnEntities)
	res := &types.HasUserPrivilegeOnEntitiesResponse{}
	var err error
	res.Returnval, err = c.privilegesOfMany(r.UserName, r.Entities, r.PrivId)
	return res, err
}

// fetchUserPrivilegeOnEntities models FetchUserPrivilegeOnEntities. Documented: all privileges that a user has on each
// entity.
func fetchUserPrivilegeOnEntities(c *Call, req any) (any, error) {
	r := req.(*types.FetchUserPrivilegeOnEntities)
	res := &types.FetchUserPrivilegeOnEntitiesResponse{}
	for _, ref := range r.Entities {
		if _, err := c.Entity(ref); err != nil {
			return nil, err
		}
		set, _ := c.Twin.accessTo(c.Twin.grants.Load(), r.UserName, ref)
		res.Returnval = append(res.Returnval, types.UserPrivilegeResult{Entity: ref, Privileges: set.ids()})
	}
	return res, nil
}

func (c *Call) userOfSession(key string) (string, error) {
	s := c.Twin.sessions.find(key)
	if s == nil {
		return "", NewFault(&types.InvalidArgument{InvalidProperty: "sessionId"})
	}
	return s.UserName, nil
}

func (c *Call) privilegesOfMany(user string, refs []types.ManagedObjectReference, ids []string) ([]types.EntityPrivilege, error) {
	var out []types.EntityPrivilege
	for _, ref := range refs {
		answers, err := c.privilegesOf(user, ref, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, types.EntityPrivilege{Entity: ref, PrivAvailability: answers})
	}
	return out, nil
}

func (c *Call) privilegesOf(user string, ref types.ManagedObjectReference, ids []string) ([]types.PrivilegeAvailability, error) {
	if !c.Twin.exists(c.Session, ref) {
		return nil, notFound(ref)
	}
	set, _ := c.Twin.accessTo(c.Twin.grants.Load(), user, c.Twin.securable(ref))
	var out []types.PrivilegeAvailability
	for _, id := range ids {
		out = append(out, types.PrivilegeAvailability{PrivId: id, IsGranted: set.has(id)})
	}
	return out, nil
}
