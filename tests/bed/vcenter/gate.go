package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// maxRequest bounds a SOAP request; the largest real ones are a few hundred kB.
const maxRequest = 64 << 20

// Handler is the HTTP face of the twin.
func (t *Twin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sdk", t.serveSDK)
	mux.HandleFunc("POST /sdk/{$}", t.serveSDK)
	mux.HandleFunc("POST /sdk/vimService", t.serveSDK)
	mux.HandleFunc("GET /sdk/vimServiceVersions.xml", t.serveVersions)
	mux.HandleFunc("GET /about", t.serveAbout)
	return mux
}

// serveSDK decodes, authenticates, counts, applies injected faults, dispatches and answers.
func (t *Twin) serveSDK(w http.ResponseWriter, r *http.Request) {
	if t.refuse(w) {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t.tracer.note("Request", body)
	method, err := decode(body)
	if err != nil {
		t.answer(w, "", nil, Faultf(&types.InvalidRequest{}, "%s", err))
		return
	}
	c := &Call{
		Twin: t, Method: method.Name, This: method.This,
		OperationID: method.Header.ID, gone: r.Context().Done(), body: body, boot: t.boots.Load(),
	}
	key := cookie(r)
	if key != "" {
		c.Session = t.sessions.touch(key, t.now())
	}
	if c.Session == nil && t.sessions.full(t.now()) {
		t.control.count(c)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	if c.Session != nil {
		c.User = c.Session.UserName
	} else if !anonymous[c.Method] {
		t.control.count(c)
		t.answer(w, c.Method, nil, notAuthenticated(c.This))
		return
	}
	if login, ok := method.Body.(*types.Login); ok {
		c.User = displayUser(login.UserName)
	}
	t.control.count(c)

	chaos := t.control.before(c)
	if t.restartedSince(c) {
		t.hangUp(w)
		return
	}
	if chaos.drop {
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	}
	if chaos.status != 0 {
		http.Error(w, http.StatusText(chaos.status), chaos.status)
		return
	}
	if chaos.fault != nil {
		t.answer(w, c.Method, nil, chaos.fault)
		return
	}

	s, res, opens, err := t.opened(r, c, method.Body)
	if s != nil {
		setCookie(w, s)
	}
	if !opens {
		c.Ctx = t.newContextLocked(c.Session)
		res, err = t.dispatch(c, method.Body)
	}
	if errors.Is(err, errRestarted) {
		t.hangUp(w)
		return
	}
	if c.Session != nil {
		t.sessions.answered(c.Session, t.now())
	}
	if chaos.dropAfter {
		panic(http.ErrAbortHandler)
	}
	if t.refuse(w) {
		return
	}
	t.answer(w, c.Method, res, err)
}

// refuse plays an outage of the server.
func (t *Twin) refuse(w http.ResponseWriter) bool {
	status, down := t.control.down()
	if !down {
		return false
	}
	if status == 0 {
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	}
	http.Error(w, http.StatusText(status), status)
	return true
}

// hangUp ends a call whose service is no more: as the outage has it, else its connection breaks.
func (t *Twin) hangUp(w http.ResponseWriter) {
	if !t.refuse(w) {
		panic(http.ErrAbortHandler)
	}
}

// answer writes a response or a fault.
func (t *Twin) answer(w http.ResponseWriter, method string, res any, err error) {
	status := http.StatusOK
	var fault *soap.Fault
	if err != nil {
		status, fault = http.StatusInternalServerError, asFault(err).SOAP()
	}
	body, err := encode(res, fault)
	if err != nil {
		log.Printf("twin: cannot encode the answer to %s: %v", method, err)
		status = http.StatusInternalServerError
		body, err = encode(nil, systemError(fmt.Sprintf("%s: %v", method, err)).SOAP())
		if err != nil {
			http.Error(w, err.Error(), status)
			return
		}
	}
	t.tracer.note("Response", body)
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		log.Printf("twin: the client of %s went away: %v", method, err)
	}
}

// setCookie hands the session key out in vCenter's form, quotes included.
func setCookie(w http.ResponseWriter, s *Session) {
	w.Header().Add("Set-Cookie", soap.SessionCookieName+`="`+s.Key+`"; Path=/; HttpOnly; Secure`)
}

// serveVersions tells clients which API versions they may speak.
func (t *Twin) serveVersions(w http.ResponseWriter, _ *http.Request) {
	if t.refuse(w) {
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<namespaces version="1.0">
 <namespace>
  <name>urn:vim25</name>
  <version>%s</version>
  <priorVersions>
   <version>8.0.2.0</version>
   <version>8.0.1.0</version>
   <version>8.0.0.0</version>
   <version>7.0.3.0</version>
   <version>6.7</version>
   <version>6.5</version>
  </priorVersions>
 </namespace>
</namespaces>
`, t.cfg.APIVersion)
}
