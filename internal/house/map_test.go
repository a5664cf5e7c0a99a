package house_test

import (
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	mapped  = 8 // files; a package of more is not taken in at a look
	mapFile = "ARCHITECTURE.md"
)

var (
	room   = regexp.MustCompile("(?m)^### `([\\w/]+)`$")
	goFile = regexp.MustCompile(`\b\w+\.go\b`)
)

// TestFilesAreOnTheMap looks for each file of a large package in the map of ARCHITECTURE.md, or in the package's documentation, and for each
// file of these in the package.
func TestFilesAreOnTheMap(t *testing.T) {
	inPackage, told := make(map[string][]string), make(map[string]string)
	for name, text := range files(t, ".go") {
		if !strings.HasSuffix(name, "_test.go") {
			dir := path.Dir(name)
			inPackage[dir] = append(inPackage[dir], path.Base(name))
			told[dir] += documentation(t, name, text)
		}
	}
	document := files(t, ".md")[mapFile]
	rooms := room.FindAllStringSubmatchIndex(document, -1)
	for _, at := range rooms {
		section, _, _ := strings.Cut(document[at[1]:], "\n#")
		told[document[at[2]:at[3]]] += section
	}
	for dir, all := range inPackage {
		listed := goFile.FindAllString(told[dir], -1)
		for _, f := range all {
			if len(all) > mapped && !slices.Contains(listed, f) {
				t.Errorf("%s/%s is not on the map: add it to a row of the table below \"### `%s`\" in %s, with some words on what is in it, "+
					"or to the list in the documentation of the package if it has one", dir, f, dir, mapFile)
			}
		}
		for _, f := range listed {
			if len(all) > mapped && !slices.Contains(all, f) {
				t.Errorf("%s has no %s, which is on the map: take it out of %s, or of the documentation of the package", dir, f, mapFile)
			}
		}
	}
}

// documentation returns the package's documentation that a file has.
func documentation(t *testing.T, name, text string) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.PackageClauseOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f.Doc.Text()
}
