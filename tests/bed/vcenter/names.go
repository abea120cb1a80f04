package main

import (
	"strings"
	"unicode/utf8"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// entityNameMax is the longest entity name. Observed on 6.7 and KB 2051649:
// 80 characters, escape sequences counted in full.
const entityNameMax = 80

// checkName validates the length of an entity name after escaping.
// Inferred: too long or empty is InvalidName.
func checkName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > entityNameMax {
		return NewFault(&types.InvalidName{Name: name})
	}
	return nil
}

// escapeName is how vCenter stores the name of a managed entity.
//
// Documented: in ManagedEntity.name a slash, a backslash and a percent sign
// that starts no escape sequence read back as %2f, %5c and %25.
func escapeName(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch {
		case name[i] == '/':
			b.WriteString("%2f")
		case name[i] == '\\':
			b.WriteString("%5c")
		case name[i] == '%' && !isEscape(name[i:]):
			b.WriteString("%25")
		default:
			b.WriteByte(name[i])
		}
	}
	return b.String()
}

func isEscape(s string) bool {
	if len(s) < 3 {
		return false
	}
	switch strings.ToLower(s[:3]) {
	case "%2f", "%5c", "%25":
		return true
	}
	return false
}

// nameKey identifies a name within its folder. Observed: names that differ only
// in case collide; the case that was given is kept.
type nameKey struct {
	folder types.ManagedObjectReference
	name   string
}

func keyOf(folder types.ManagedObjectReference, name string) nameKey {
	return nameKey{folder, strings.ToLower(name)}
}

// holderOf finds the child of a folder that has a name, other than `except`.
func holderOf(r *simulator.Registry, folder *mo.Folder, name string, except types.ManagedObjectReference) *types.ManagedObjectReference {
	for _, ref := range folder.ChildEntity {
		if ref == except {
			continue
		}
		if e, ok := r.Get(ref).(mo.Entity); ok && strings.EqualFold(entityName(e), name) {
			return &ref
		}
	}
	return nil
}

// claimName checks that a name is valid and free in a folder.
//
// Documented: DuplicateName carries the name and the object that holds it.
// Observed: a clone or create that is still running holds its name already.
func (c *Call) claimName(folder *mo.Folder, name string, except types.ManagedObjectReference) error {
	if err := checkName(name); err != nil {
		return err
	}
	if holder := holderOf(c.Ctx.Map, folder, name, except); holder != nil {
		return NewFault(&types.DuplicateName{Name: name, Object: *holder})
	}
	if task := c.Twin.inventory.reservedBy(c.Ctx.Map, keyOf(folder.Self, name)); task != nil {
		return NewFault(&types.DuplicateName{Name: name, Object: *task.Info.Entity})
	}
	return nil
}

// folderOf returns the folder behind a reference.
func folderOf(r *simulator.Registry, ref types.ManagedObjectReference) (*mo.Folder, error) {
	switch f := r.Get(ref).(type) {
	case *simulator.Folder:
		return &f.Folder, nil
	case *mo.Folder:
		return f, nil
	}
	return nil, notFound(ref)
}
