package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheTableOfFilesIsRight keeps README.md's table of files by subject complete: each
// file is in it, and each pattern names one.
func TestTheTableOfFilesIsRight(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Which file\n")
	section, _, _ = strings.Cut(section, "\n## ")
	told := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (.*?) \|`).FindAllStringSubmatch(section, -1) {
		for _, pattern := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			files, err := filepath.Glob(pattern[1])
			if err != nil || len(files) == 0 {
				t.Errorf("README.md: no file is named %s", pattern[1])
			}
			for _, file := range files {
				told[file] = true
			}
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") && !told[file] {
			t.Errorf("%s: README.md's table of files does not say what it is about", file)
		}
	}
}
