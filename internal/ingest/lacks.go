package ingest

import (
	"sync/atomic"
	"time"
)

// So long after the first sign of it the log tells what a stream lacks. Encoders send a key picture every two seconds, cameras every four.
const beforeLacking = 5 * time.Second

// Lacks is what a stream lacks as long as no unit comes of it. Set is for one goroutine; Text may be called at any time.
type Lacks struct {
	text  atomic.Pointer[string]
	since time.Time // it was set first
	told  bool
}

// Set says what the stream lacks; nothing once it lacks nothing. It reports, once, that it is time to log that.
func (l *Lacks) Set(text string) (tell bool) {
	if text == "" {
		if l.text.Load() != nil {
			l.text.Store(nil)
		}
		return false
	}
	kept := text // else text would be on the heap whenever there is none
	l.text.Store(&kept)
	if l.since.IsZero() {
		l.since = time.Now()
	}
	if l.told || time.Since(l.since) < beforeLacking {
		return false
	}
	l.told = true
	return true
}

// Text returns what was set last.
func (l *Lacks) Text() string {
	if text := l.text.Load(); text != nil {
		return *text
	}
	return ""
}
