// Bench measures how long it takes from asking for a picture of a live stream to having its JPEG file, what CPU time and memory that costs,
// and how both compare with the bare decoding. In the same run and on the same stream it measures what is usual today: an ffmpeg that is
// started for each picture and plays from nginx's RTMP module. It needs ffmpeg, and nginx with that module.
//
// With -clock it measures something else: how long captures of a second ago wait, and how far from the wanted instant their pictures were on
// show, while an ffmpeg publishes at 0.9 of real time, and stalls. That takes as long as it is told.
//
//	go run ./examples/bench -n 200 -peer 20
//	go run ./examples/bench -all -n 60
//	go run ./examples/bench -clock 20m
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

var (
	n    = flag.Int("n", 200, "captures by Livestill, for each kind")
	peer = flag.Int("peer", 20, "captures by an ffmpeg started per picture, for each kind")
	all  = flag.Bool("all", false, "measure other sizes, key intervals and codecs, too")
	late = flag.Duration("clock", 0, "for how long to capture from a publisher that is late")

	// Each kind of capture is measured in a process of its own, so that memory and CPU time are told apart.
	kindNamed  = flag.String("kind", "", "be the process that measures this kind of capture")
	sceneNamed = flag.String("scene", "", "of this scene")
	clip       = flag.String("clip", "", "in this file")
)

func main() {
	flag.Parse()
	log.SetFlags(log.Ltime)
	ctx, cancel := context.WithCancel(context.Background())
	do := run
	switch {
	case *kindNamed != "":
		do = report
	case *late > 0:
		do = measureClock
	}
	err := do(ctx)
	cancel()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "livestill-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	table := fmt.Sprintf("%-24s %-20s %4s %6s %6s %6s %8s %10s %12s %9s\n",
		"ms from tap to bytes", "", "n", "p50", "p95", "p99", "of bare", "CPU/still", "RSS, peak", "else CPU")
	var bars []bar
	for _, s := range scenes {
		if !s.compared && !*all {
			continue
		}
		path := filepath.Join(dir, "clip.mkv")
		if err := s.encode(ctx, path); err != nil {
			return err
		}
		results := map[string]result{}
		for _, k := range kinds {
			if k.enhanced && !s.compared {
				continue
			}
			r, err := measureApart(ctx, s, k, path)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", s.name, k.name, err)
			}
			results[k.name] = r
			table += r.row(s.name, k.name)
		}
		if !s.compared {
			continue
		}
		peers, err := measurePeers(ctx, dir, path)
		if err != nil {
			return err
		}
		for _, p := range peers {
			table += p.row(s.name, p.name)
		}
		bars = compare(results, peers)
	}
	fmt.Print("\n", table, "Bare is, for the newest and the key picture, the decoding of the very units that it takes, for a warm one colour\n"+
		"conversion and encoding. Else CPU is what the stream takes while nobody captures, in per cent of a core. RSS includes the clip.\n\n")
	for _, b := range bars {
		fmt.Println(b)
	}
	return nil
}

// measureApart runs this program as the process that measures one kind of capture.
func measureApart(ctx context.Context, s scene, k kind, path string) (r result, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, "-n", fmt.Sprint(*n), "-kind", k.name, "-scene", s.name, "-clip", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// report measures one kind of capture and prints the result.
func report(ctx context.Context) error {
	for _, s := range scenes {
		for _, k := range kinds {
			if s.name == *sceneNamed && k.name == *kindNamed {
				r, err := measure(ctx, s, k)
				if err != nil {
					return err
				}
				return json.NewEncoder(os.Stdout).Encode(r)
			}
		}
	}
	return errors.New("no such kind or scene")
}

// A bar is what was asked of a figure.
type bar struct {
	what         string
	value, bound float64
	atLeast      bool
}

func (b bar) String() string {
	verdict, sense := "met", "at most"
	if b.atLeast {
		sense = "at least"
	}
	if b.value != b.bound && b.value < b.bound != !b.atLeast {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%-64s %7.2f, %s %4.1f: %s", b.what, b.value, sense, b.bound, verdict)
}

// compare checks the figures of the scene that is compared with peers against what was asked of them.
func compare(ours map[string]result, peers []result) []bar {
	p50 := func(r result) float64 { return ms(percentile(r.Took, 50)) }
	newest, key := ours["newest"], ours["key"]
	return []bar{
		{"times that newest is faster than an ffmpeg per picture", p50(peers[0]) / p50(newest), 10, true},
		{"times that newest is faster than one that hardly probes", p50(peers[1]) / p50(newest), 2, true},
		{"newest, of the bare decoding of its units", newest.ofBare(), 1.3, false},
		{"key, ms", p50(key), 35, false},
		{"warm, of colour conversion and encoding", ours["warm"].ofBare(), 1.5, false},
	}
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }
