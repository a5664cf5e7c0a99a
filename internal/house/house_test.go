// Package house checks the module against its plan: a star of packages around frame.
package house_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/livestill/livestill/"

// A spoke is a package with all below it. No spoke imports another: what they share is in frame or internal.
var spokes = []string{"rtmp", "rtsp", "capture", "enhance", "frame/ffmpeg"}

// The packages that need the standard library and each other alone. So does enhance.
var foundations = []string{"frame", "internal/measure", "internal/minheap"}

func isFoundation(path string) bool {
	return slices.Contains(foundations, strings.TrimPrefix(path, module))
}

func spokeOf(path string) string {
	path = strings.TrimPrefix(path, module)
	for _, s := range spokes {
		if path == s || strings.HasPrefix(path, s+"/") {
			return s
		}
	}
	return ""
}

func TestThePackagesAreAStar(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,CgoFiles", module+"...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for dec := json.NewDecoder(out); ; {
		var p struct {
			ImportPath        string
			Imports, CgoFiles []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from := spokeOf(p.ImportPath)
		seen = append(seen, from)
		for _, path := range p.Imports {
			if to := spokeOf(path); from != "" && to != "" && from != to {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
			own := from != "" && from == spokeOf(path)
			external := strings.Contains(strings.Split(path, "/")[0], ".") && !isFoundation(path) && !own
			if (isFoundation(p.ImportPath) || from == "enhance") && external {
				t.Errorf("%s imports %s; it should need the standard library and %v alone", p.ImportPath, path, foundations)
			}
		}
		if len(p.CgoFiles) > 0 && from != "frame/ffmpeg" {
			t.Errorf("%s uses cgo; only frame/ffmpeg may", p.ImportPath)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, s := range spokes {
		if !slices.Contains(seen, s) {
			t.Errorf("%s is not there", s)
		}
	}
}
