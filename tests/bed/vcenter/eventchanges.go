package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// The text of a change, as events carry it: what a person reads to see what somebody
// did, and what the operator quotes when it says who drifted an object.

// configChanges words the difference between two configurations.
//
// Observed (messages of real servers in puppetlabs/vmpooler 629, a Carbon test fixture
// and VMware's event broker): one "path: old -> new; " per changed member, an empty line
// after each; strings in quotes; elements by key in parentheses; elements that came or
// went are written whole under added and deleted; <unset> for a value and null for an
// object that is not there. Inferred: port groups and switches use the same form.
func configChanges(before, after any) *types.ChangesInfoEventArgument {
	w := &changeWriter{}
	w.compare("config", reflect.ValueOf(before), reflect.ValueOf(after))
	return &types.ChangesInfoEventArgument{
		Modified: w.modified.String(), Added: w.added.String(), Deleted: w.deleted.String(),
	}
}

// versionMembers change with every change. Observed: they are not in the texts.
var versionMembers = map[string]bool{"changeVersion": true, "modified": true, "configVersion": true}

type changeWriter struct{ modified, added, deleted strings.Builder }

func (w *changeWriter) compare(path string, was, is reflect.Value) {
	was, is = settled(was), settled(is)
	same := was.IsValid() == is.IsValid() && (!was.IsValid() || (was.Type() == is.Type() && fingerprint(was) == fingerprint(is)))
	if same {
		return
	}
	if was.IsValid() && is.IsValid() && was.Type() == is.Type() {
		switch was.Kind() {
		case reflect.Struct:
			if !isLeaf(was.Type()) {
				for _, field := range wireFields(was.Type()) {
					if path == "config" && versionMembers[field.name] {
						continue
					}
					w.compare(path+"."+field.name, member(was, field.index), member(is, field.index))
				}
				return
			}
		case reflect.Slice:
			if w.compareElements(path, was, is) {
				return
			}
		}
	}
	// A member that one side lacks is of the other's type.
	fmt.Fprintf(&w.modified, "%s: %s -> %s; \n\n", path, wordOr(was, is), wordOr(is, was))
}

// compareElements is for arrays whose elements have keys; false for any other.
func (w *changeWriter) compareElements(path string, was, is reflect.Value) bool {
	if was.Len()+is.Len() == 0 || isReference(was.Type().Elem()) {
		return false
	}
	old, keyed := byKey(was)
	now, also := byKey(is)
	if !keyed || !also {
		return false
	}
	for _, key := range keysOf(now) {
		if _, had := old[key]; !had {
			fmt.Fprintf(&w.added, "%s: %s; \n\n", path+inParentheses(key), word(now[key]))
		}
	}
	for _, key := range keysOf(old) {
		if item, still := now[key]; still {
			w.compare(path+inParentheses(key), old[key], item)
		} else {
			fmt.Fprintf(&w.deleted, "%s: %s; \n\n", path+inParentheses(key), word(old[key]))
		}
	}
	return true
}

func isReference(t reflect.Type) bool { return t == reflect.TypeFor[types.ManagedObjectReference]() }

// inParentheses writes a key the way change texts do: ("x") instead of ["x"].
func inParentheses(key string) string { return "(" + strings.Trim(key, "[]") + ")" }

// wordOr writes a value; one that is not there as the kind of thing its counterpart
// is. Inferred: a text that is not there is shown empty, since a server always has one.
func wordOr(v, counterpart reflect.Value) string {
	switch {
	case v.IsValid():
		return word(v)
	case counterpart.Kind() == reflect.String:
		return `""`
	case counterpart.Kind() == reflect.Struct && !isLeaf(counterpart.Type()):
		return "null"
	}
	return "<unset>"
}

// word writes a value with everything in it.
func word(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return `"` + v.String() + `"`
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range v.Len() {
			items[i] = word(settled(v.Index(i)))
		}
		return "(" + strings.Join(items, ", ") + ")"
	case reflect.Struct:
		if ref, ok := v.Interface().(types.ManagedObjectReference); ok {
			return "'" + wsdlName(ref.Type) + ":" + ref.Value + "'"
		}
		if isLeaf(v.Type()) {
			return fmt.Sprint(v.Interface())
		}
		var members []string
		for _, field := range wireFields(v.Type()) {
			value := member(v, field.index)
			text := "<unset>"
			if value.IsValid() {
				value = settled(value)
				text = word(value)
			} else if structLike(v.Type().FieldByIndex(field.index).Type) {
				text = "null"
			}
			members = append(members, field.name+" = "+text)
		}
		return "(" + strings.Join(members, ", ") + ")"
	case reflect.Invalid:
		return "<unset>"
	}
	return fmt.Sprint(v.Interface())
}

func structLike(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Interface || (t.Kind() == reflect.Struct && !isLeaf(t))
}

type wireField struct {
	name  string
	index []int
}

// wireFields lists the members of a data object, inherited ones first, as declared.
func wireFields(t reflect.Type) []wireField {
	fields := map[string][]int{}
	collectFields(t, nil, fields)
	out := make([]wireField, 0, len(fields))
	for name, index := range fields {
		out = append(out, wireField{name, index})
	}
	slices.SortFunc(out, func(a, b wireField) int { return slices.Compare(a.index, b.index) })
	return out
}
