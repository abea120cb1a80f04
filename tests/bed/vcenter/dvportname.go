package main

import (
	"strconv"
	"strings"
)

// Names that a group makes for its ports.

// generatedPortName expands a group's portNameFormat.
//
// Documented: DVPortgroupConfigInfo.portNameFormat; the meta tags are those of
// DistributedVirtualPortgroupMetaTagName, what is not one of them stays as it is,
// and a backslash before a tag keeps it from being expanded.
func generatedPortName(format, dvs, portgroup string, index int) string {
	tags := map[string]string{
		"<dvsName>": dvs, "<portgroupName>": portgroup, "<portIndex>": strconv.Itoa(index),
	}
	var out strings.Builder
	for format != "" {
		escaped := strings.HasPrefix(format, `\<`)
		rest := strings.TrimPrefix(format, `\`)
		end := strings.IndexByte(rest, '>') + 1
		if (escaped || format[0] == '<') && end > 0 {
			if value, known := tags[rest[:end]]; known {
				if escaped {
					value = rest[:end]
				}
				out.WriteString(value)
				format = rest[end:]
				continue
			}
		}
		out.WriteByte(format[0])
		format = format[1:]
	}
	return out.String()
}
