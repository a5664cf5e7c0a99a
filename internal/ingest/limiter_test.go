package ingest_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/fakeclock"
	"github.com/livestill/livestill/internal/ingest"
)

func tcp(addr string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 1234))
}

// TestLimiter has connections come and go by a script. A word is a name at an address, "a@1"; with a sign it publishes (!), has come as far
// as a digit says (a+1), or leaves (a-). A dot is six seconds, and "accepted" says that one whose stream was accepted is to be evicted.
func TestLimiter(t *testing.T) {
	addrs := map[string]net.Addr{
		"1": tcp("192.0.2.1"), "1mapped": tcp("::ffff:192.0.2.1"), "2": tcp("192.0.2.2"), "6": tcp("2001:db8:1:2::1"),
		"6too": tcp("2001:db8:1:2:ffff::9"), "6other": tcp("2001:db8:1:3::1"), "pipe": &net.UnixAddr{Name: "pipe"}, "none": nil,
	}
	for _, test := range []struct {
		about        string
		max, perSite int
		script       string
		want         string // who was evicted for whom, and who was refused
	}{
		{"there is room", 3, 0, "a@1 b@1 c@2", ""},
		{"the first is the one that waits for the longest", 2, 0, "a@1 b@2 c@1 d@2", "a<c b<d"},
		{"publishers stay", 2, 0, "a@1 a! b@2 c@1 d@2 d! e@1", "b<c c<d e refused"},
		{"who left has left", 2, 0, "a@1 b@2 a- c@1 a- d@1", "b<d"},
		{"an address has its own bound", 9, 2, "a@1 b@2 c@1 d@1 e@2 f@2", "a<d b<f"},
		{"at which its publishers stay", 9, 2, "a@1 a! b@1 b! c@1 d@2", "c refused"},
		{"and others are not evicted", 9, 1, "a@2 b@1 b! c@1", "c refused"},
		{"an IPv4 address is the same in IPv6", 9, 1, "a@1 b@1mapped", "a<b"},
		{"an IPv6 address stands for its /64", 9, 1, "a@6 b@6too c@6other", "a<b"},
		{"no address, no bound", 9, 1, "a@pipe b@pipe c@none d@none", ""},
		{"but that over all", 2, 1, "a@pipe b@none c@pipe", "a<c"},
		{"behind a proxy", 3, -1, "a@1 b@1 c@1 d@1", "a<d"},
		{"those who said something outlast a flood of those who did not", 9, 3, "a@1 a+1 b@1 c@1 d@1 e@1 f@1", "b<d c<e d<f"},
		{"who says a little with many does not outlast those who have just come", 9, 4, "a@1 a+1 b@1 b+1 c@1 c+1 d@1 e@1 f@1", "a<e d<f"},
		{"the longest at its stage, not the longest here", 9, 3, "a@1 b@1 b+1 a+1 c@1 c+1 d@1", "b<d"},
		{"nobody goes back", 9, 3, "a@1 a+2 a+1 b@1 b+2 c@1 d@1", "a<d"},
		{"who has time to hang up is evicted first", 9, 3, "a@1 a! b@1 c@1 a+6 d@1 e@1", "a<d b<e"},
		{"publishers of which no video comes are evicted, if nobody else can", 9, 2, "a@1 a! b@1 b! . a! . c@1 c! d@1", "b<c d refused"},
		{"but only then", 9, 3, "a@1 a! b@1 b! . . c@1 d@1", "c<d"},
		{"accepted without video", 9, 2, "a@1 a+4 b@1 b+4 c@1", "a<c"},
		{"accepted without video, where there is no room for more streams", 9, 0, "a@1 a+4 a! b@1 b+4 c@1 c+4 accepted d@1 accepted accepted", "b<d c"},
		{"or of which it has stalled", 9, 0, "a@1 a! b@1 b! . a! . accepted accepted", "b"},
		{"a publisher that leaves makes room", 9, 1, "a@1 a! a- b@1 c@1", "b<c"},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limiter := ingest.Limiter{Max: test.max, PerSite: test.perSite}
				admissions := make(map[string]*ingest.Admission)
				var got []string
				for word := range strings.FieldsSeq(test.script) {
					name, addr, comes := strings.Cut(word, "@")
					switch {
					case word == ".":
						fakeclock.Pass(6 * time.Second)
					case word == "accepted":
						limiter.Evict(ingest.LimitError("streams"))
					case comes:
						admission, err := limiter.Admit(addrs[addr], func(reason error) { // that name, for others to come
							got = append(got, name)
							limited(t, reason)
						})
						if err != nil {
							got = append(got, name+" refused")
							limited(t, err)
						} else if admissions[name] = admission; len(got) > 0 && !strings.ContainsAny(got[len(got)-1], "< ") {
							got[len(got)-1] += "<" + name
						}
					case word[1] == '!':
						admissions[word[:1]].Advance(ingest.Publishing)
					case word[1] == '-':
						admissions[word[:1]].Leave()
					default:
						admissions[word[:1]].Advance(ingest.Stage(word[2] - '0'))
					}
				}
				if got := strings.Join(got, " "); got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
			})
		})
	}
}

func limited(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ingest.ErrLimit) {
		t.Error(err)
	}
}
