package main

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strings"
)

// sentEmpty tells whether a request has an element at a path below its method that
// is there and empty, such as <spec><description></description></spec>.
//
// An element that is there is a value, also when it is empty; only one that is
// absent leaves a member unset. Source: XML Schema, minOccurs=0 of the optional
// members (documented); that vCenter clears a description this way is inferred.
// govmomi's types cannot tell the two apart for a string.
func sentEmpty(body []byte, path ...string) bool {
	content, there := sent(body, path)
	return there && content == ""
}

// sentZero tells whether a request has an element at a path below its method that
// says 0, which govmomi's types cannot tell from one that is absent.
func sentZero(body []byte, path ...string) bool {
	content, there := sent(body, path)
	return there && strings.TrimSpace(content) == "0"
}

// sent is what stands in the element at a path below the method of a request, and
// whether there is such an element.
func sent(body []byte, path []string) (content string, there bool) {
	const envelopeAndMethod = 3 // Envelope, Body, the method
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var open []string
	for {
		token, err := decoder.Token()
		if err != nil { // its end; what cannot be parsed was refused before
			return "", false
		}
		switch t := token.(type) {
		case xml.StartElement:
			open = append(open, t.Name.Local)
			if len(open) > envelopeAndMethod && slices.Equal(open[envelopeAndMethod:], path) {
				var element struct {
					Content string `xml:",innerxml"`
				}
				err := decoder.DecodeElement(&element, &t)
				return element.Content, err == nil
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}
