package rtsp_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/rtsp"
)

// BenchmarkIngest measures what a megabit of H.264 costs from the network to the Handler. The publishers' packets are made before;
// their system calls are in the figures. They are several, for a Server takes no more units of one than publishers need.
func BenchmarkIngest(b *testing.B) {
	const fps = 30
	clip := frametest.Clip{Width: 1280, Height: 720, FPS: fps, Noise: 10}
	units := clip.Units(b)
	for _, transport := range []string{"TCP", "UDP"} {
		b.Run(transport, func(b *testing.B) {
			came := make(chan struct{}, 1)
			addr, _ := listen(b, &rtsp.Server{UDPAddr: "127.0.0.1:0", MaxRate: 1 << 40,
				Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
					for _, err := range s.Units {
						if err != nil {
							return err
						}
						came <- struct{}{}
					}
					return nil
				})})
			const publishers = 8
			var sends [publishers]func([]byte)
			var numbers [publishers]uint16
			burst := make([][]byte, len(units)) // the packets of each unit, as they go over TCP
			for k := range publishers {
				r := dial(b, addr, nil)
				r.url += fmt.Sprint(k)
				sends[k] = func(p []byte) { _, _ = r.Write(p) }
				if transport == "TCP" {
					r.record(b, describe(units))
				} else {
					sends[k] = r.overUDP(b, describe(units))
				}
				for i, u := range units {
					burst[i] = interleave(r.packetize(b, u)...)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			busy := cpu(b)
			for n, sent := 0, 0; sent < b.N*1e6; n++ { // an iteration is a megabit
				all, k := burst[n/publishers%len(burst)], n%publishers
				for rest := all; len(rest) > 0; numbers[k]++ {
					const header = 4
					size := header + int(binary.BigEndian.Uint16(rest[2:]))
					packet := rest[header:size]
					binary.BigEndian.PutUint16(packet[2:], numbers[k])
					binary.BigEndian.PutUint32(packet[4:], uint32(n/publishers*90000/fps))
					if transport == "UDP" {
						sends[k](packet)
					}
					rest = rest[size:]
				}
				if transport == "TCP" {
					sends[k](all)
				}
				<-came
				sent += 8 * len(units[n/publishers%len(units)].Data)
			}
			b.ReportMetric(float64(cpu(b)-busy)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpu returns the processor time that the process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
