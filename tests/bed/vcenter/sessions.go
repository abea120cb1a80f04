package main

import (
	"net"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// Session is a login. It owns the collectors, filters and views made in it, which end with it.
type Session struct {
	types.UserSession

	mu    sync.Mutex
	owned map[types.ManagedObjectReference]any // *Collector, *Filter, *View
	done  chan struct{}                        // closed when the session ends
	stock *simulator.Registry                  // what stock methods put into a session: history collectors
	pages pages
}

func (s *Session) put(ref types.ManagedObjectReference, obj any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owned[ref] = obj
}

func (s *Session) get(ref types.ManagedObjectReference) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owned[ref]
}

func (s *Session) drop(ref types.ManagedObjectReference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.owned, ref)
}

// public is a copy of what others may know of the session; activity times change under it.
func (s *Session) public() types.UserSession {
	return types.UserSession{
		Key: s.Key, UserName: s.UserName, FullName: s.FullName, LoginTime: s.LoginTime, LastActiveTime: s.LoginTime,
		Locale: s.Locale, MessageLocale: s.MessageLocale, IpAddress: s.IpAddress, UserAgent: s.UserAgent,
	}
}

func (s *Session) owns(ref types.ManagedObjectReference) bool {
	return s.get(ref) != nil || s.stock.Get(ref) != nil
}

// sessionTable knows users and live sessions.
type sessionTable struct {
	mu      sync.Mutex
	live    map[string]*Session
	users   map[string]string // login name -> password; empty: anybody with any password
	timeout time.Duration
	onEnd   func(*Session)
}

func (st *sessionTable) init(cfg Config) {
	st.live = map[string]*Session{}
	st.users = map[string]string{}
	st.timeout = cfg.SessionTimeout
	for name, password := range cfg.Users {
		st.users[strings.ToLower(name)] = password
	}
}

// valid checks a login. Names are case-insensitive; DOMAIN\user and user@domain are the same person.
func (st *sessionTable) valid(name, password string) bool {
	if name == "" || password == "" {
		return false
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.users) == 0 {
		return true
	}
	for known, want := range st.users {
		if strings.EqualFold(displayUser(known), displayUser(name)) {
			return want == password
		}
	}
	return false
}

func (st *sessionTable) setTimeout(d time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.timeout = d
}

// setUser adds a login; an empty password takes it away.
func (st *sessionTable) setUser(name, password string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if password == "" {
		delete(st.users, strings.ToLower(name))
		return
	}
	st.users[strings.ToLower(name)] = password
}

func (st *sessionTable) find(key string) *Session {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.live[key]
}

// touch looks a session up and counts the call as activity.
func (st *sessionTable) touch(key string, now time.Time) *Session {
	st.mu.Lock()
	s := st.live[key]
	if s == nil {
		st.mu.Unlock()
		return nil
	}
	if st.timeout > 0 && now.Sub(s.LastActiveTime) > st.timeout {
		st.mu.Unlock()
		st.end(key)
		return nil
	}
	s.LastActiveTime = now
	s.CallCount++
	st.mu.Unlock()
	return s
}

// end closes a session: its waiters return, its collectors and views are gone.
func (st *sessionTable) end(key string) bool {
	st.mu.Lock()
	s := st.live[key]
	delete(st.live, key)
	st.mu.Unlock()
	if s == nil {
		return false
	}
	close(s.done)
	if st.onEnd != nil {
		st.onEnd(s)
	}
	return true
}

func (st *sessionTable) endAll() {
	for _, s := range st.list() {
		st.end(s.Key)
	}
}

// expire ends the sessions that were idle for longer than the timeout.
func (st *sessionTable) expire(now time.Time) {
	for _, s := range st.list() {
		st.mu.Lock()
		idle := st.timeout > 0 && now.Sub(s.LastActiveTime) > st.timeout
		st.mu.Unlock()
		if idle {
			st.end(s.Key)
		}
	}
}

// list is a copy of all live sessions' public data, oldest first.
func (st *sessionTable) list() []types.UserSession {
	st.mu.Lock()
	defer st.mu.Unlock()
	out := make([]types.UserSession, 0, len(st.live))
	for _, s := range st.live {
		out = append(out, s.UserSession)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].LoginTime.Before(out[j].LoginTime) })
	return out
}

func (st *sessionTable) start(user, locale string, r *http.Request, now time.Time) *Session {
	if locale == "" {
		locale = "en"
	}
	s := &Session{
		UserSession: types.UserSession{
			Key: sessionKey(), UserName: displayUser(user), FullName: displayUser(user),
			LoginTime: now, LastActiveTime: now, Locale: locale, MessageLocale: locale,
		},
		owned: map[types.ManagedObjectReference]any{},
		done:  make(chan struct{}),
		stock: simulator.NewRegistry(),
	}
	if r != nil {
		s.UserAgent = r.UserAgent()
		s.IpAddress, _, _ = net.SplitHostPort(r.RemoteAddr)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.live[s.Key] = s
	return s
}

// displayUser writes a login name as vCenter prints it: DOMAIN\user (observed).
func displayUser(name string) string {
	if user, domain, ok := strings.Cut(name, "@"); ok {
		return strings.ToUpper(domain) + `\` + user
	}
	if domain, user, ok := strings.Cut(name, `\`); ok {
		return strings.ToUpper(domain) + `\` + user
	}
	return name
}

// anonymous lists the methods that need no session.
// Source: required privilege System.Anonymous in the API reference.
var anonymous = map[string]bool{
	"Login": true, "LoginByToken": true, "CloneSession": true, "LoginExtensionByCertificate": true,
	"RetrieveServiceContent": true, "RetrieveInternalContent": true,
	"RetrieveProperties": true, "RetrievePropertiesEx": true, "Fetch": true,
}

// login opens a session. A wrong password and a second login on a live session give
// the same fault. Source: SessionManager.Login (documented).
func (t *Twin) login(r *http.Request, current *Session, req *types.Login) (*Session, error) {
	if current != nil || !t.sessions.valid(req.UserName, req.Password) {
		return nil, NewFault(&types.InvalidLogin{})
	}
	return t.sessions.start(req.UserName, req.Locale, r, t.now()), nil
}

// cookie is the session key a request carries.
func cookie(r *http.Request) string {
	if c, err := r.Cookie(soap.SessionCookieName); err == nil {
		return strings.Trim(c.Value, `"`)
	}
	return ""
}

func logout(c *Call, _ any) (any, error) {
	c.Twin.sessions.end(c.Session.Key)
	return &types.LogoutResponse{}, nil
}

// terminateSession: own session InvalidArgument, unknown NotFound.
// Source: SessionManager.TerminateSession (documented).
func terminateSession(c *Call, req any) (any, error) {
	ids := req.(*types.TerminateSession).SessionId
	for _, id := range ids {
		if id == c.Session.Key {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "sessionId"})
		}
		if c.Twin.sessions.find(id) == nil {
			return nil, NewFault(&types.NotFound{})
		}
	}
	for _, id := range ids {
		c.Twin.sessions.end(id)
	}
	return &types.TerminateSessionResponse{}, nil
}

func sessionIsActive(c *Call, req any) (any, error) {
	r := req.(*types.SessionIsActive)
	s := c.Twin.sessions.find(r.SessionID)
	return &types.SessionIsActiveResponse{Returnval: s != nil && s.UserName == r.UserName}, nil
}

// sessionManager is the SessionManager as one session sees it.
func (t *Twin) sessionManager(s *Session) *mo.SessionManager {
	m := &mo.SessionManager{Self: *t.content().SessionManager}
	if s == nil {
		return m
	}
	m.SessionList = t.sessions.list()
	for i := range m.SessionList {
		if m.SessionList[i].Key == s.Key {
			current := m.SessionList[i]
			m.CurrentSession = &current
		}
	}
	m.MessageLocaleList, m.SupportedLocaleList, m.DefaultLocale = []string{"en"}, []string{"en"}, "en"
	return m
}

func currentTime(c *Call, _ any) (any, error) {
	return &types.CurrentTimeResponse{Returnval: c.Twin.now()}, nil
}

func retrieveServiceContent(c *Call, _ any) (any, error) {
	return &types.RetrieveServiceContentResponse{Returnval: c.Twin.content()}, nil
}

func registerSessions(t *Twin) {
	t.HandleMode("Logout", "SessionManager", Free, logout)
	t.HandleMode("TerminateSession", "SessionManager", Free, terminateSession)
	t.HandleMode("SessionIsActive", "SessionManager", Free, sessionIsActive)
	t.HandleMode("RetrieveServiceContent", "ServiceInstance", Reader, retrieveServiceContent)
	t.HandleMode("CurrentTime", "ServiceInstance", Free, currentTime)
	t.sessions.onEnd = func(s *Session) { t.watchers.forget(s) }
}
