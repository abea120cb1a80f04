package main

import (
	"bytes"
	"encoding/xml"
	"slices"
)

// sentEmpty tells whether a request has an element at a path below its method that
// is there and empty, such as <spec><description></description></spec>.
//
// An element that is there is a value, also when it is empty; only one that is
// absent leaves a member unset. Source: XML Schema, minOccurs=0 of the optional
// members (documented); that vCenter clears a description this way is inferred.
// govmomi's types cannot tell the two apart for a string.
func sentEmpty(body []byte, path ...string) bool {
	const envelopeAndMethod = 3 // Envelope, Body, the method
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var open []string
	filled := false
	for {
		token, err := decoder.Token()
		if err != nil { // its end; what cannot be parsed was refused before
			return false
		}
		switch t := token.(type) {
		case xml.StartElement:
			open, filled = append(open, t.Name.Local), false
		case xml.CharData:
			filled = filled || len(t) > 0
		case xml.EndElement:
			if !filled && len(open) > envelopeAndMethod && slices.Equal(open[envelopeAndMethod:], path) {
				return true
			}
			open, filled = open[:len(open)-1], true
		}
	}
}

// sentZero tells whether a request has an element at a path below its method that
// says 0, which govmomi's types cannot tell from one that is absent.
func sentZero(body []byte, path ...string) bool {
	const envelopeAndMethod = 3 // Envelope, Body, the method
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var open []string
	for {
		token, err := decoder.Token()
		if err != nil { // its end; what cannot be parsed was refused before
			return false
		}
		switch t := token.(type) {
		case xml.StartElement:
			open = append(open, t.Name.Local)
		case xml.CharData:
			if len(open) > envelopeAndMethod && slices.Equal(open[envelopeAndMethod:], path) {
				return string(bytes.TrimSpace(t)) == "0"
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}
