// Rtmpload puts an rtmp.Server under load and says what that costs. The loads are, one after the other:
//
//   - one good publisher alone, and then beside ten thousand hostile connections
//   - attempts to publish beside a thousand silent connections of the same address
//   - five hundred good publishers at 2 Mbit/s
//   - a hundred of them with a Camera each, beside a server that only discards the same bytes
//   - the same, while some of them are captured as fast as they can be
//
// The server is a process of its own, so that its memory and CPU time are told apart from those of the load. It needs ffmpeg to encode what
// is published.
//
// The hostile connections are of sixteen addresses. A Server that allows for 100,000 connections, and as many of an address, keeps all of them
// at once. A quarter of them send what a publisher would, a byte a second. A quarter send garbage. A quarter say nothing. A quarter begin
// messages of 16 MiB on 58 chunk streams, half of these after they were let in.
//
// The silent connections are of one address, which the publishers have as well. They meet a Server with its default bounds and log. They are
// dialled anew whenever it closes them.
//
//	go run ./examples/rtmpload
//	go run ./examples/rtmpload -connections 300 -publishers 50 -seconds 5
//	go run ./examples/rtmpload -connections 0 -publishers 0
//	go run ./examples/rtmpload -connections 0 -publishers 0 -streams 0 # the silent ones alone
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/livestill/livestill/examples/internal/usage"
)

var (
	connections = flag.Int("connections", 10_000, "hostile connections at once; none leaves that load out")
	silent      = flag.Int("silent", 1100, "silent connections of one address, dialled anew when they are closed; none leaves that load out")
	publishers  = flag.Int("publishers", 500, "publishers at 2 Mbit/s at once; none leaves that load out")
	streams     = flag.Int("streams", 100, "publishers at 2 Mbit/s whose streams have Cameras; none leaves these loads out")
	captures    = flag.Int("captures", 16, "of these, how many are captured as fast as they can be")
	seconds     = flag.Int("seconds", 30, "how long each load lasts")
	serve       = flag.String("serve", "", "be the server in this role, until standard input ends")
)

func main() {
	flag.Parse()
	log.SetFlags(log.Ltime)
	if *serve != "" {
		beServer()
		return
	}
	ctx := context.Background()
	clip, err := encode(ctx)
	if err != nil {
		log.Fatal(err)
	}
	many := func(count int, idle time.Duration) func(context.Context, string) int {
		return func(ctx context.Context, addr string) int { return publishMany(ctx, addr, count, clip, idle) }
	}
	table := fmt.Sprintf("%-36s %7s %7s %7s %27s %9s %11s %9s\n",
		"", "sent", "came", "stills", "late p50, p99, max", "peak RSS", "server CPU", "load CPU")
	reports := map[string]report{}
	var crowd *attempts
	for _, load := range []struct {
		name  string
		role  string
		count int
		put   func(ctx context.Context, addr string) (sent int)
	}{
		{"one publisher alone", reading, *connections, many(1, 0)},
		{
			fmt.Sprint(*connections, " hostile connections"), reading, *connections,
			func(ctx context.Context, addr string) int { return beHostile(ctx, addr, clip) },
		},
		{
			fmt.Sprint(*silent, " silent ones of one address"), defaults, *silent,
			func(ctx context.Context, addr string) int {
				crowd = beSilent(ctx, addr, clip)
				return crowd.sent
			},
		},
		{fmt.Sprint(*publishers, " publishers at 2 Mbit/s"), reading, *publishers, many(*publishers, 5*time.Second)},
		{fmt.Sprint(*streams, " publishers, bytes discarded"), discarding, *streams, many(*streams, 0)},
		{fmt.Sprint(*streams, " publishers, Cameras"), cameras, *streams, many(*streams, 0)},
		{fmt.Sprintf("%d publishers, %d captured all the time", *streams, *captures), capturing, *streams, many(*streams, 0)},
	} {
		if load.count == 0 {
			continue
		}
		log.Print(load.name)
		row, r := put(ctx, load.role, load.put)
		reports[load.role] = r
		table += fmt.Sprintf("%-36s %s\n", load.name, row)
	}
	fmt.Print("\n", table, "CPU in per cent of one core; late is from the send of a good unit to its arrival at the Handler.\n")
	if *silent > 0 {
		fmt.Printf("Beside the silent ones, dialled %d times, another publisher was let in %d of %d times; the server logged %d bytes.\n",
			crowd.dials.Load(), crowd.in, crowd.tries, reports[defaults].logged)
	}
	if *streams > 0 {
		fmt.Printf("With Cameras, %.2f times the CPU of discarding the same bytes; at most 1.5 were asked for.\n",
			reports[cameras].cpu.Seconds()/reports[discarding].cpu.Seconds())
		fmt.Printf("Captures make units %.1f ms later in the worst hundredth; less than 10 ms were asked for.\n",
			1e3*(reports[capturing].p99-reports[cameras].p99).Seconds())
	}
}

// put puts a load on a server in a process of its own, and returns what came of it, also as a row of the table.
func put(ctx context.Context, role string, load func(ctx context.Context, addr string) (sent int)) (row string, r report) {
	s, begin, before := startServer(ctx, role), time.Now(), usage.CPU()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(*seconds)*time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause(ctx, 2*time.Second) {
			log.Printf("server: %d files open, RSS %d KiB", s.files(), s.memory("VmRSS"))
		}
	}()
	sent := load(ctx, s.addr)
	cancel()
	<-done
	share := func(d time.Duration) string {
		return fmt.Sprintf("%.1f %%", 100*d.Seconds()/time.Since(begin).Seconds())
	}
	mine, peak := share(usage.CPU()-before), s.memory("VmHWM")
	r = s.stop()
	late := fmt.Sprintf("%.1f, %.1f, %.1f ms", 1e3*r.p50.Seconds(), 1e3*r.p99.Seconds(), 1e3*r.max.Seconds())
	return fmt.Sprintf("%7d %7d %7d %27s %5d MiB %11s %9s", sent, r.came, r.stills, late, peak>>10, share(r.cpu), mine), r
}
