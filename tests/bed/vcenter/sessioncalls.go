package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// The SessionManager's calls, and the few of the ServiceInstance that every client makes first.

// anonymous lists the methods that need no session.
// Source: required privilege System.Anonymous in the API reference.
var anonymous = map[string]bool{
	"Login": true, "LoginByToken": true, "CloneSession": true, "LoginExtensionByCertificate": true,
	"RetrieveServiceContent": true, "RetrieveInternalContent": true,
	"RetrieveProperties": true, "RetrievePropertiesEx": true, "Fetch": true,
}

// opened serves the calls that make a session; ours is false for any other call.
func (t *Twin) opened(r *http.Request, c *Call, req any) (s *Session, res any, ours bool, err error) {
	switch req := req.(type) {
	case *types.Login:
		if s, err = t.login(r, c, req); err == nil {
			res = &types.LoginResponse{Returnval: s.public()}
		}
	case *types.CloneSession:
		if s, err = t.cloneSession(r, c, req); err == nil {
			res = &types.CloneSessionResponse{Returnval: s.public()}
		}
	default:
		return nil, nil, false, nil
	}
	return s, res, true, err
}

// login models Login. Documented: InvalidLogin for a wrong name or password and on a connection that is logged in,
// InvalidLocale, NoPermission for somebody who has no role anywhere.
func (t *Twin) login(r *http.Request, c *Call, req *types.Login) (*Session, error) {
	if c.Session != nil || !t.sessions.valid(req.UserName, req.Password) {
		if c.Session != nil {
			t.postAs(c, &types.AlreadyAuthenticatedSessionEvent{})
		} else {
			t.postAs(c, &types.BadUsernameSessionEvent{IpAddress: addressOf(r)})
		}
		return nil, NewFault(&types.InvalidLogin{})
	}
	if err := checkLocale(req.Locale); err != nil {
		return nil, err
	}
	root := t.content().RootFolder
	if len(t.grants.Load().subject(displayUser(req.UserName), root).holders) == 0 {
		t.postAs(c, &types.NoAccessUserEvent{IpAddress: addressOf(r)})
		return nil, denial(root, privilegeView)
	}
	return t.begin(r, c, req.UserName, req.Locale), nil
}

// begin starts a session and says so.
func (t *Twin) begin(r *http.Request, c *Call, user, locale string) *Session {
	s := t.sessions.start(user, locale, r, t.now())
	t.postAs(c, &types.UserLoginSessionEvent{
		IpAddress: s.IpAddress, UserAgent: s.UserAgent, Locale: s.Locale, SessionId: s.Key,
	})
	return s
}

// acquireCloneTicket models AcquireCloneTicket. Documented: the ticket is good for one CloneSession.
func acquireCloneTicket(c *Call, _ any) (any, error) {
	return &types.AcquireCloneTicketResponse{Returnval: c.Twin.sessions.ticket(c.Session.Key)}, nil
}

// cloneSession models CloneSession. Documented: the caller gets a session of its own with the identity of the one that
// the ticket came from; a ticket that is unknown, used or of an ended session is InvalidLogin.
func (t *Twin) cloneSession(r *http.Request, c *Call, req *types.CloneSession) (*Session, error) {
	source := t.sessions.redeem(req.CloneTicket)
	if source == nil || c.Session != nil {
		return nil, NewFault(&types.InvalidLogin{})
	}
	c.User = source.UserName
	return t.begin(r, c, source.UserName, source.Locale), nil
}

// ticket makes a clone ticket of a session.
func (st *sessionTable) ticket(key string) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	ticket := "cst-VCT-" + newUUID()
	st.tickets[ticket] = key
	return ticket
}

// redeem takes a ticket back and finds the live session it stands for.
func (st *sessionTable) redeem(ticket string) *Session {
	st.mu.Lock()
	defer st.mu.Unlock()
	key, ok := st.tickets[ticket]
	delete(st.tickets, ticket)
	if !ok {
		return nil
	}
	return st.live[key]
}

// logout models Logout. Documented: the session ends.
func logout(c *Call, _ any) (any, error) {
	c.Twin.postAs(c, logoutEvent(c.Session.UserSession))
	c.Twin.sessions.end(c.Session.Key)
	return &types.LogoutResponse{}, nil
}

func logoutEvent(s types.UserSession) types.BaseEvent {
	return &types.UserLogoutSessionEvent{
		IpAddress: s.IpAddress, UserAgent: s.UserAgent, CallCount: s.CallCount, SessionId: s.Key, LoginTime: &s.LoginTime,
	}
}

// terminateSession models TerminateSession. Documented: the sessions are ended in turn; at the caller's own one
// (InvalidArgument) or an unknown one (NotFound) it stops, and those before it stay ended.
func terminateSession(c *Call, req any) (any, error) {
	for _, id := range req.(*types.TerminateSession).SessionId {
		if id == c.Session.Key {
			return nil, NewFault(&types.InvalidArgument{InvalidProperty: "sessionId"})
		}
		s := c.Twin.sessions.find(id)
		if s == nil || !c.Twin.sessions.end(id) {
			return nil, NewFault(&types.NotFound{})
		}
		c.Twin.postAs(c, &types.SessionTerminatedEvent{SessionId: id, TerminatedUsername: s.UserName})
	}
	return &types.TerminateSessionResponse{}, nil
}

// sessionIsActive models SessionIsActive. Documented: whether a session of this id and user is logged in.
func sessionIsActive(c *Call, req any) (any, error) {
	r := req.(*types.SessionIsActive)
	s := c.Twin.sessions.find(r.SessionID)
	return &types.SessionIsActiveResponse{Returnval: s != nil && principalKey(s.UserName) == principalKey(r.UserName)}, nil
}

// setLocale models SetLocale. Documented: InvalidLocale for one that the server does not know.
func setLocale(c *Call, req any) (any, error) {
	locale := req.(*types.SetLocale).Locale
	if err := checkLocale(locale); err != nil {
		return nil, err
	}
	c.Twin.sessions.setLocale(c.Session, locale)
	return &types.SetLocaleResponse{}, nil
}

// localeForm is documented: a two-letter language, optionally an underscore and a two-letter country.
var localeForm = regexp.MustCompile(`^[a-z]{2}(_[A-Z]{2})?$`)

// checkLocale accepts every well-formed locale, as a vCenter falls back to English for one it has no texts for.
func checkLocale(locale string) error {
	if locale != "" && !localeForm.MatchString(locale) {
		return NewFault(&types.InvalidLocale{})
	}
	return nil
}

func (st *sessionTable) setLocale(s *Session, locale string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s.Locale, s.MessageLocale = locale, locale
}

// updateServiceMessage models UpdateServiceMessage. Documented: SessionManager.message, for clients to show.
func updateServiceMessage(c *Call, req any) (any, error) {
	message := req.(*types.UpdateServiceMessage).Message
	before := c.Twin.sessions.setMessage(message)
	c.Twin.Touch(c.This)
	c.Twin.postAs(c, &types.GlobalMessageChangedEvent{Message: message, PrevMessage: before})
	return &types.UpdateServiceMessageResponse{}, nil
}

func (st *sessionTable) setMessage(message string) (before string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	before, st.message = st.message, message
	return before
}

// sessionManager is the SessionManager as one session sees it. Documented: currentSession is null without a login.
func (t *Twin) sessionManager(s *Session) *mo.SessionManager {
	m := &mo.SessionManager{
		Self: *t.content().SessionManager, MessageLocaleList: []string{"en"},
		SupportedLocaleList: []string{"en"}, DefaultLocale: "en",
	}
	if s == nil {
		return m
	}
	m.SessionList = t.sessions.list()
	if i := slices.IndexFunc(m.SessionList, func(o types.UserSession) bool { return o.Key == s.Key }); i >= 0 {
		current := m.SessionList[i]
		m.CurrentSession = &current
	}
	t.sessions.mu.Lock()
	defer t.sessions.mu.Unlock()
	if t.sessions.message != "" {
		message := t.sessions.message
		m.Message = &message
	}
	return m
}

// cookie is the session key a request carries.
func cookie(r *http.Request) string {
	if c, err := r.Cookie(soap.SessionCookieName); err == nil {
		return strings.Trim(c.Value, `"`)
	}
	return ""
}

// postAs posts an event of a call that does not hold the world.
func (t *Twin) postAs(c *Call, event types.BaseEvent) {
	t.world.Lock()
	defer t.world.Unlock()
	as := *c
	as.Ctx = t.newContext(c.Session)
	as.post(event)
}

// currentTime models CurrentTime. Documented: the server's clock.
func currentTime(c *Call, _ any) (any, error) {
	return &types.CurrentTimeResponse{Returnval: c.Twin.now()}, nil
}

// retrieveServiceContent models RetrieveServiceContent. Documented: needs no login.
func retrieveServiceContent(c *Call, _ any) (any, error) {
	return &types.RetrieveServiceContentResponse{Returnval: c.Twin.content()}, nil
}

func registerSessions(t *Twin) {
	const manager = "SessionManager"
	t.HandleMode("Logout", manager, Free, logout)
	t.HandleMode("TerminateSession", manager, Free, terminateSession)
	t.HandleMode("SessionIsActive", manager, Free, sessionIsActive)
	t.HandleMode("SetLocale", manager, Free, setLocale)
	t.HandleMode("UpdateServiceMessage", manager, Free, updateServiceMessage)
	t.HandleMode("AcquireCloneTicket", manager, Free, acquireCloneTicket)
	t.HandleMode("RetrieveServiceContent", "ServiceInstance", Reader, retrieveServiceContent)
	t.HandleMode("CurrentTime", "ServiceInstance", Free, currentTime)
	t.sessions.onEnd = func(s *Session) { t.watchers.forget(s) }
}
