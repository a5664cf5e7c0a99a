package house_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// repository is all of it, as it lies on the disk.
func repository() fs.FS { return os.DirFS("../..") }

// files returns the text of all files with this ending, by their path in the repository.
func files(t *testing.T, ending string) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	err := fs.WalkDir(repository(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "bin", "stills"}, d.Name()) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ending) {
			return nil
		}
		text, err := fs.ReadFile(repository(), name)
		texts[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

var (
	goBlock = regexp.MustCompile("(?s)\n```go\n(.*?)\n```\n")
	indent  = regexp.MustCompile(`(?m)^\s+`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	command = regexp.MustCompile(`\bgo (?:run|test|vet|doc|build|generate) [^\n\x60]*`)
	operand = regexp.MustCompile(`(?:^| )(\./[\w./-]+)`)
	pattern = regexp.MustCompile(` -(?:run|bench|fuzz) (\S+)`)

	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
)

// TestCodeInDocumentsCompiles looks for the Go code of our documents in a Go file, word for word except for how far it is indented: go vet compiles
// that, and examples with an output are run.
func TestCodeInDocumentsCompiles(t *testing.T) {
	sources := slices.Collect(maps.Values(files(t, ".go")))
	for i, s := range sources {
		sources[i] = indent.ReplaceAllString(s, "")
	}
	for from, text := range files(t, ".md") {
		for _, block := range goBlock.FindAllStringSubmatch(text, -1) {
			code := indent.ReplaceAllString(block[1], "")
			if !slices.ContainsFunc(sources, func(s string) bool { return strings.Contains(s, code) }) {
				t.Errorf("%s has code that is in no Go file:\n%s", from, block[1])
			}
		}
	}
}

// TestLinksLeadSomewhere follows the links of our documents to files and headings; it leaves alone those to the web.
func TestLinksLeadSomewhere(t *testing.T) {
	documents := files(t, ".md")
	for from, text := range documents {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			to := match[1] + match[2]
			if strings.Contains(to, "://") {
				continue
			}
			name, anchor, _ := strings.Cut(to, "#")
			target := from
			if name != "" {
				target = path.Join(path.Dir(from), name)
			}
			if _, err := fs.Stat(repository(), target); err != nil {
				t.Errorf("%s links to %s: %v", from, to, err)
			}
			if anchor != "" && !slices.Contains(anchors(documents[target]), anchor) {
				t.Errorf("%s links to %s, which has no such heading", from, to)
			}
		}
	}
}

// anchors returns what the headings of a document are called in links.
func anchors(text string) (all []string) {
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ReplaceAll(strings.ToLower(noSlug.ReplaceAllString(h[1], "")), " ", "-"))
	}
	return all
}

// TestGoCommandsInDocuments looks for the packages that go commands of our documents name, and for the tests, benchmarks and fuzz targets.
func TestGoCommandsInDocuments(t *testing.T) {
	var tests []string
	for _, text := range files(t, "_test.go") {
		for _, match := range testFunc.FindAllStringSubmatch(text, -1) {
			tests = append(tests, match[1])
		}
	}
	for from, text := range files(t, ".md") {
		for _, c := range command.FindAllString(text, -1) {
			for _, match := range operand.FindAllStringSubmatch(c, -1) {
				dir := path.Clean(strings.TrimSuffix(match[1], "..."))
				if _, err := fs.Stat(repository(), dir); err != nil {
					t.Errorf("%s has %q: %v", from, c, err)
				}
			}
			for _, match := range pattern.FindAllStringSubmatch(c, -1) {
				if !strings.HasPrefix(c, "go test ") {
					continue
				}
				some := strings.ReplaceAll(strings.Trim(match[1], "'"), `\|`, "|") // as a table has it
				if some != "^$" && !slices.ContainsFunc(tests, regexp.MustCompile(some).MatchString) {
					t.Errorf("%s has %q: no test matches %s", from, c, some)
				}
			}
		}
	}
}
