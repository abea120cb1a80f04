package main

import (
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// ordered sorts what the registry, which is a map, lists: by type, and the oldest
// first. Whatever is made or written while walking it is then the same in each run.
func ordered[T mo.Reference](objects []T) []T {
	slices.SortFunc(objects, func(a, b T) int { return byAge(a.Reference(), b.Reference()) })
	return objects
}

// byAge compares references by type and then by age.
func byAge(a, b types.ManagedObjectReference) int {
	switch {
	case a.Type != b.Type:
		return strings.Compare(a.Type, b.Type)
	case older(a, b):
		return -1
	case older(b, a):
		return 1
	}
	return 0
}
