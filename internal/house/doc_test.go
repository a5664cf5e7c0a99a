package house_test

import (
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

const columns = 80 // of a terminal, in which go doc has tabs of eight columns

// The packages whose documentation fits.
var fitting = []string{"frame", "frame/feed", "frame/ffmpeg", "frame/frametest", "rtmp", "rtsp", "capture", "capture/store", "capture/sheet", "capture/capturetest", "enhance"}

// TestDocsFitATerminal looks at what go doc shows. It wraps paragraphs by itself. Comments of fields, constants and variables, and code within
// comments, it shows as they are. A declaration without a comment is as long as it is.
func TestDocsFitATerminal(t *testing.T) {
	for _, p := range fitting {
		out, err := exec.CommandContext(t.Context(), "go", "doc", "-all", module+p).Output()
		if err != nil {
			t.Fatal(p, err)
		}
		for line := range strings.Lines(string(out)) {
			line = strings.TrimSuffix(line, "\n")
			declares := strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "func ") || strings.HasPrefix(line, "type ")
			if strings.HasPrefix(line, "package ") || declares && !strings.Contains(line, "//") {
				continue
			}
			if wide := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "        ")); wide > columns {
				t.Errorf("%s: %d columns:\n%s", p, wide, line)
			}
		}
	}
}
