package ingest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/ingest"
)

// TestLacks: what a stream lacks is logged once, when that has lasted.
func TestLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l ingest.Lacks
		told := 0
		for range 30 {
			if l.Set("a key picture") {
				told++
			}
			time.Sleep(time.Second)
		}
		if told != 1 || l.Text() != "a key picture" {
			t.Errorf("told %d times that it lacks %q", told, l.Text())
		}
		if l.Set("") || l.Text() != "" {
			t.Errorf("it lacks %q", l.Text())
		}
		var brief ingest.Lacks
		if brief.Set("a key picture") || brief.Set("") || brief.Set("a key picture") {
			t.Error("it was told at once")
		}
	})
}
