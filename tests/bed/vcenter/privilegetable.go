package main

import (
	_ "embed"
	"strings"
)

// What each method requires before anything else happens, and what each property requires to be read.
//
// The idea: the table is not written by hand. privilegetable.txt is generated from the type information that pyVmomi
// ships (`python -m bed.privilege_table`; a test compares the two), which names for every method the privilege on its
// object and on the objects its parameters refer to, and for every property the one to read it. Where the reference
// gives rules that depend on the arguments, it names none; privilegerules.go has those.

//go:embed privilegetable.txt
var privilegeText string

// methodPrivileges is one method's line.
type methodPrivileges struct {
	this   string            // required on the object of the call; "": see privilegerules.go
	params map[string]string // by parameter: required on each object it refers to
}

type privilegeTable struct {
	parents    map[string]string
	methods    map[methodKey]methodPrivileges
	properties map[methodKey]string
}

var declared = parsePrivileges(privilegeText)

// apiMethods are the methods of the API by name, of whatever type.
var apiMethods = func() map[string]bool {
	names := map[string]bool{}
	for key := range declared.methods {
		names[key.method] = true
	}
	return names
}()

// parsePrivileges reads the generated text; its form is described in tests/bed/privilege_table.py.
func parsePrivileges(text string) *privilegeTable {
	p := &privilegeTable{
		parents: map[string]string{}, methods: map[methodKey]methodPrivileges{}, properties: map[methodKey]string{},
	}
	named := func(privilege string) string { return strings.TrimPrefix(privilege, "-") }
	kind := ""
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) < 3 {
			continue
		}
		switch words[0] {
		case "type":
			kind = words[1]
			p.parents[kind] = named(words[2])
		case "prop":
			p.properties[methodKey{words[1], kind}] = named(words[2])
		case "call":
			m := methodPrivileges{this: named(words[2])}
			for _, word := range words[3:] {
				if m.params == nil {
					m.params = map[string]string{}
				}
				name, privilege, _ := strings.Cut(word, "=")
				m.params[strings.ToUpper(name[:1])+name[1:]] = privilege
			}
			p.methods[methodKey{words[1], kind}] = m
		}
	}
	return p
}

// method finds the line of a method, which a type may have from one it extends.
func (p *privilegeTable) method(name, kind string) (methodPrivileges, bool) {
	for ; kind != ""; kind = p.parents[kind] {
		if m, ok := p.methods[methodKey{name, kind}]; ok {
			return m, true
		}
	}
	return methodPrivileges{}, false
}

// property tells what a read of a property requires. Documented: most properties name System.View or nothing; nothing
// means System.Read, which is how "Read-only" comes to see all and "View" only names and the shape of the inventory
// (inferred from the two roles).
func (p *privilegeTable) property(name, kind string) string {
	for ; kind != ""; kind = p.parents[kind] {
		if privilege, ok := p.properties[methodKey{name, kind}]; ok && privilege != "" {
			return privilege
		}
	}
	return privilegeRead
}
