package main

import (
	"bytes"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

var vimType = types.TypeFunc()

// typeOf finds the Go type of a SOAP element or xsi:type. Some clients write
// "ns1:TraversalSpec", and Go leaves such a prefix unresolved.
func typeOf(name string) (reflect.Type, bool) {
	if kind, ok := vimType(name); ok {
		return kind, true
	}
	if _, local, ok := strings.Cut(name, ":"); ok {
		return vimType(local)
	}
	return nil, false
}

// decode parses a request with the stock simulator's own decoder.
func decode(body []byte) (*simulator.Method, error) {
	return simulator.UnmarshalBody(typeOf, body)
}

type envelope struct {
	XMLName xml.Name `xml:"soapenv:Envelope"`
	Enc     string   `xml:"xmlns:soapenc,attr"`
	Env     string   `xml:"xmlns:soapenv,attr"`
	XSD     string   `xml:"xmlns:xsd,attr"`
	XSI     string   `xml:"xmlns:xsi,attr"`
	Body    any      `xml:"soapenv:Body"`
}

// responseBody writes a response object under its own type name in vim25's namespace.
type responseBody struct{ res any }

// MarshalXML implements xml.Marshaler.
func (b *responseBody) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	name := reflect.TypeOf(b.res).Elem().Name()
	if r, ok := b.res.(interface{ ResponseName() string }); ok {
		name = r.ResponseName()
	}
	element := xml.StartElement{Name: xml.Name{Space: "urn:vim25", Local: name}}
	if err := e.EncodeElement(b.res, element); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}

type faultBody struct {
	Fault soapFault `xml:"soapenv:Fault"`
}

type soapFault struct {
	Code   string `xml:"faultcode"`
	String string `xml:"faultstring"`
	Detail struct {
		Fault *faultDetail
	} `xml:"detail"`
}

type faultDetail struct{ fault any }

// MarshalXML names the detail element <Type>Fault with its xsi:type, as vCenter does.
func (d *faultDetail) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	kind := reflect.TypeOf(d.fault).Elem().Name()
	start.Name.Local = kind + "Fault"
	start.Attr = append(start.Attr,
		xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: "urn:vim25"},
		xml.Attr{Name: xml.Name{Local: "xsi:type"}, Value: kind})
	return e.EncodeElement(d.fault, start)
}

// encode writes a response, or a fault when fault is not nil.
func encode(res any, fault *soap.Fault) ([]byte, error) {
	env := envelope{
		Enc: "http://schemas.xmlsoap.org/soap/encoding/",
		Env: "http://schemas.xmlsoap.org/soap/envelope/",
		XSD: "http://www.w3.org/2001/XMLSchema",
		XSI: "http://www.w3.org/2001/XMLSchema-instance",
	}
	if fault != nil {
		body := faultBody{Fault: soapFault{Code: fault.Code, String: fault.String}}
		body.Fault.Detail.Fault = &faultDetail{fault.Detail.Fault}
		env.Body = body
	} else {
		env.Body = &responseBody{res}
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	if err := xml.NewEncoder(&out).Encode(&env); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
