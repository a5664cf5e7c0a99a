// Package peer is for tests that run other programs: encoders, servers, tools of the system.
package peer

import "testing"

// Needs says which program a test runs. With -short the test is skipped there, so that make check is quick and needs none of them. Whatever
// runs without -short, such as make test, needs them all.
func Needs(tb testing.TB, program string) {
	tb.Helper()
	if testing.Short() {
		tb.Skipf("-short: it runs %s", program)
	}
}
