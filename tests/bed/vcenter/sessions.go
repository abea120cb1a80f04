package main

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The live sessions and those who may log in.
//
// The idea: a session ends in one place, whatever the reason is (logout, termination, idling, old age, a reset), and its
// end is a closed channel that every wait of its collectors listens to.

// Session is a login. It owns the collectors, filters and views made in it, which end with it.
type Session struct {
	types.UserSession

	mu    sync.Mutex
	owned map[types.ManagedObjectReference]any // *Collector, *Filter, *View
	done  chan struct{}                        // closed when the session ends
	stock *simulator.Registry                  // what stock methods put into a session: history collectors
	pages pages
	eyes  atomic.Pointer[viewer] // what it may see, under the state of the authorization it was last asked in
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
	tickets map[string]string // clone ticket -> key of the session that it clones
	message string            // SessionManager.message
	limits  sessionLimits
	onEnd   func(*Session)
}

// sessionLimits bounds how many sessions there may be and how long one lives.
type sessionLimits struct {
	Idle     time.Duration // without a call; 0: for ever
	Lifetime time.Duration // from the login on, however busy; 0: for ever
	Max      int           // of all users together; 0: any number
}

func (st *sessionTable) init(cfg Config) {
	st.live = map[string]*Session{}
	st.users = map[string]string{}
	st.tickets = map[string]string{}
	st.limits = sessionLimits{Idle: cfg.SessionTimeout, Lifetime: cfg.SessionLifetime, Max: cfg.MaxSessions}
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

// setLimits changes the limits; sessions that are past them end at the next look.
func (st *sessionTable) setLimits(change func(*sessionLimits)) sessionLimits {
	st.mu.Lock()
	defer st.mu.Unlock()
	change(&st.limits)
	return st.limits
}

// over tells whether a session has outlived its limits; st.mu is held.
func (st *sessionTable) over(s *Session, now time.Time) bool {
	return (st.limits.Idle > 0 && now.Sub(s.LastActiveTime) > st.limits.Idle) ||
		(st.limits.Lifetime > 0 && now.Sub(s.LoginTime) > st.limits.Lifetime)
}

// full tells whether no further session fits in. Observed (KB 375546, kops issue 2747): 2000 of all users together, and
// a client without a session is refused before its request is looked at.
func (st *sessionTable) full(now time.Time) bool {
	st.mu.Lock()
	crowded := st.limits.Max > 0 && len(st.live) >= st.limits.Max
	st.mu.Unlock()
	if !crowded {
		return false
	}
	st.expire(now)
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.live) >= st.limits.Max
}

// open tells whether anybody may log in.
func (st *sessionTable) open() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.users) == 0
}

// knows tells whether somebody may log in.
func (st *sessionTable) knows(user string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	for known := range st.users {
		if principalKey(known) == principalKey(user) {
			return true
		}
	}
	return len(st.users) == 0
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
	if st.over(s, now) {
		st.mu.Unlock()
		st.end(key)
		return nil
	}
	s.LastActiveTime = now
	s.CallCount++
	st.mu.Unlock()
	return s
}

// answered counts the end of a call as activity too, so that a long poll does not die of its own length (inferred).
func (st *sessionTable) answered(s *Session, now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if now.After(s.LastActiveTime) {
		s.LastActiveTime = now
	}
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

// each calls f for every live session, with nothing held.
func (st *sessionTable) each(f func(*Session)) {
	st.mu.Lock()
	live := slices.Collect(maps.Values(st.live))
	st.mu.Unlock()
	for _, s := range live {
		f(s)
	}
}

// expire ends the sessions that are past their limits.
func (st *sessionTable) expire(now time.Time) {
	st.each(func(s *Session) {
		st.mu.Lock()
		over := st.over(s, now)
		st.mu.Unlock()
		if over {
			st.end(s.Key)
		}
	})
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
		s.IpAddress = addressOf(r)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.live[s.Key] = s
	return s
}

// addressOf is the client's address.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
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
