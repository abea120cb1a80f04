package main

import "testing"

func TestAnEmptyElementIsAValueAndAnAbsentOneIsNot(t *testing.T) {
	for spec, want := range map[string]bool{
		"<description></description>":                      true,
		"<description/>":                                   true,
		"<description>text</description>":                  false,
		"<name/>":                                          false,
		"<policy><description/></policy>":                  false,
		"<name>a</name><description></description><type/>": true,
	} {
		body := `<e:Envelope xmlns:e="x"><e:Header><description/></e:Header><e:Body><Reconfigure><_this>dvportgroup-1</_this><spec>` +
			spec + `</spec></Reconfigure></e:Body></e:Envelope>`
		if got := sentEmpty([]byte(body), "spec", "description"); got != want {
			t.Errorf("%s: %v, want %v", spec, got, want)
		}
	}
}
