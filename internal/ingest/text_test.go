package ingest_test

import (
	"net"
	"strings"
	"testing"
	"unicode"

	"github.com/livestill/livestill/internal/ingest"
)

// FuzzPrintable makes text of anything, which prints. What prints already stays as it is.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"rtsp: play cam: bad status code: 404 (\x1b[2J\x07)", `a "quoted" C:\path`, "\u009b31m\u202eabc", "\xff\xfe", "größer", "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ingest.Printable(s)
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) || len(got) > 10*len(s) {
			t.Errorf("%q became %q", s, got)
		}
		if again := ingest.Printable(got); again != got {
			t.Errorf("%q became %q", got, again)
		}
	})
}

// FuzzExcerpt cuts texts off. An excerpt prints, is not longer than it may be, and is the whole if that fits.
func FuzzExcerpt(f *testing.F) {
	for _, s := range []string{"no video that can be taken", strings.Repeat("\x1b", 400), strings.Repeat("größer", 100), strings.Repeat("\xf0\x9f\x98\x80", 50), "\xff"} {
		f.Add(s, uint8(0))
		f.Add(s, uint8(61))
	}
	f.Fuzz(func(t *testing.T, s string, n uint8) {
		most := 3 + int(n)
		got, whole := ingest.Excerpt(s, most), ingest.Printable(s)
		if len(got) > most || ingest.Printable(got) != got {
			t.Errorf("%d bytes of %q: %q", most, s, got)
		}
		if kept, cut := strings.CutSuffix(got, "..."); got != whole && (len(whole) <= most || !cut || !strings.HasPrefix(whole, kept) && !strings.Contains(s, `\`)) {
			t.Errorf("%d bytes of %q: %q", most, s, got)
		}
	})
}

// An addr is whatever a connection says of its peer.
type addr string

func (addr) Network() string  { return "" }
func (a addr) String() string { return string(a) }

// FuzzSite reads addresses of peers. Two of the same IPv4 address or the same /64 are of one site, which has an address that prints.
func FuzzSite(f *testing.F) {
	for _, s := range []string{"192.0.2.1:1935", "[::ffff:192.0.2.1]:7", "[2001:db8::1%eth0]:1", "@", "pipe", "[fe80::1]:99999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		site := ingest.SiteOf(addr(s))
		host, _, err := net.SplitHostPort(s)
		if !site.Known() || err != nil { // zones may be called anything
			return
		}
		if site != ingest.SiteOf(addr(net.JoinHostPort(host, "1"))) {
			t.Errorf("%q is of %v", s, site)
		}
		shown, _, _ := strings.Cut(site.String(), "/")
		if again := ingest.SiteOf(addr(net.JoinHostPort(shown, "2"))); again != site {
			t.Errorf("%q is of %v, which is of %v", s, site, again)
		}
	})
}

// TestIsText tells names of streams in any language from those that show as something else.
func TestIsText(t *testing.T) {
	for name, want := range map[string]bool{
		"live/cam 1": true, "größer": true, "カメラ": true, "مخيم": true, "دوربین\u200cها": true, "": true,
		"a\nb": false, "a\x7f": false, "a\u009b2J": false, "\xff": false, "a\u202eb": false, "a\u2066b\u2069": false, "a\u200fb": false,
		"a\u061cb": false, "a\u2028b": false, "a\u2029b": false,
	} {
		if got := ingest.IsText(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
