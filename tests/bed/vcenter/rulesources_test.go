package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryRuleNamesItsStanding keeps the promise that each rule says where it
// comes from: a function that models a method is documented, observed or inferred.
func TestEveryRuleNamesItsStanding(t *testing.T) {
	modelled := 0
	for _, pattern := range []string{
		"dv*.go", "vm*.go", "guestos.go", "search.go", "host*.go", "networks.go",
		"collector*.go", "retrieve*.go", "views*.go", "event*.go", "task*.go", "historycollector.go",
		"session*.go", "permission*.go", "role*.go",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok || !strings.Contains(fn.Doc.Text(), " models ") {
					continue
				}
				modelled++
				text := strings.ToLower(fn.Doc.Text())
				if !strings.Contains(text, "documented") && !strings.Contains(text, "observed") && !strings.Contains(text, "inferred") {
					t.Errorf("%s: %s models a method and does not say whether that is documented, observed or inferred", name, fn.Name.Name)
				}
			}
		}
	}
	if modelled < 20 {
		t.Errorf("only %d functions say what they model; the search is broken", modelled)
	}
}
