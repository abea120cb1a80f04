package main

import (
	"encoding/binary"
	"hash/maphash"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// managedStruct digs the mo struct out of a registry object: the first embedded
// field of a stock wrapper type, as the simulator's own collector does.
func managedStruct(obj any) (reflect.Value, bool) {
	if g, ok := obj.(interface{ Get() mo.Reference }); ok {
		obj = g.Get() // history collectors keep their properties in another form
	}
	v := reflect.ValueOf(obj)
	for {
		for v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return v, false
		}
		if path.Base(v.Type().PkgPath()) == "mo" {
			return v, true
		}
		if v.NumField() == 0 {
			return v, false
		}
		v = v.Field(0)
	}
}

// wireValue is the copy of a property that goes to a client: detached from the
// live object, arrays wrapped in ArrayOf…, as the property collector sends them.
func wireValue(v reflect.Value) any {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	c := wireCopy(v)
	if c.Kind() != reflect.Slice {
		return c.Interface()
	}
	switch list := c.Interface().(type) {
	case []string:
		return &types.ArrayOfString{String: list}
	case []byte:
		return &types.ArrayOfByte{Byte: list}
	case types.ByteSlice:
		return &types.ArrayOfByte{Byte: list}
	case []int16:
		return &types.ArrayOfShort{Short: list}
	case []int32:
		return &types.ArrayOfInt{Int: list}
	case []int64:
		return &types.ArrayOfLong{Long: list}
	}
	kind := strings.TrimPrefix(c.Type().Elem().Name(), "Base")
	array, ok := typeOf("ArrayOf" + kind)
	if !ok {
		return c.Interface()
	}
	out := reflect.New(array)
	out.Elem().FieldByName(kind).Set(c)
	return out.Interface()
}

var hashSeed = maphash.MakeSeed()

// fingerprint hashes a value, so that a collector can tell a change without
// keeping a copy of every property of every object.
func fingerprint(v reflect.Value) uint64 {
	var h maphash.Hash
	h.SetSeed(hashSeed)
	hashInto(&h, v)
	return h.Sum64() | 1 // 0 stands for "unset"
}

func hashInto(h *maphash.Hash, v reflect.Value) {
	var num [8]byte
	word := func(x uint64) {
		binary.LittleEndian.PutUint64(num[:], x)
		_, _ = h.Write(num[:]) // never fails
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			_ = h.WriteByte(0)
			return
		}
		_ = h.WriteByte(1)
		if v.Kind() == reflect.Interface {
			_, _ = h.WriteString(v.Elem().Type().String())
		}
		hashInto(h, v.Elem())
	case reflect.Slice:
		word(uint64(v.Len()))
		for i := range v.Len() {
			hashInto(h, v.Index(i))
		}
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			word(uint64(t.UnixNano()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				hashInto(h, v.Field(i))
			}
		}
	case reflect.String:
		word(uint64(v.Len()))
		_, _ = h.WriteString(v.String())
	case reflect.Bool:
		if v.Bool() {
			_ = h.WriteByte(1)
		} else {
			_ = h.WriteByte(0)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		word(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		word(v.Uint())
	case reflect.Float32, reflect.Float64:
		_ = h.WriteByte(2)
		_, _ = h.WriteString(reflect.ValueOf(v.Float()).String())
		word(uint64(v.Float() * 1e6))
	}
}

// intersect clears the boolean members of a that are false in b, both structs of one type.
func intersect[T any](a, b *T) {
	va, vb := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range va.NumField() {
		fa, fb := va.Field(i), vb.Field(i)
		switch {
		case fa.Kind() == reflect.Bool:
			fa.SetBool(fa.Bool() && fb.Bool())
		case fa.Kind() == reflect.Pointer && fa.Type().Elem().Kind() == reflect.Bool && !fa.IsNil():
			both := fa.Elem().Bool() && !fb.IsNil() && fb.Elem().Bool()
			fa.Set(reflect.ValueOf(&both))
		}
	}
}
