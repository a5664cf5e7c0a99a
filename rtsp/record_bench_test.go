package rtsp_test

import (
	"context"
	"encoding/binary"
	"syscall"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/rtsp"
)

// BenchmarkIngest measures what a megabit of H.264 costs from the network to the Handler. The publisher's packets are made before;
// its system calls are in the figures.
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
			r := dial(b, addr, nil)
			send := func(p []byte) { _, _ = r.Write(p) }
			if transport == "TCP" {
				r.record(b, describe(units))
			} else {
				send = r.overUDP(b, describe(units))
			}
			burst := make([][]byte, len(units)) // the packets of each unit, as they go over TCP
			for i, u := range units {
				burst[i] = interleave(r.packetize(b, u)...)
			}
			number := uint16(0)
			b.ReportAllocs()
			b.ResetTimer()
			busy := cpu(b)
			for n, sent := 0, 0; sent < b.N*1e6; n++ { // an iteration is a megabit
				all := burst[n%len(burst)]
				for rest := all; len(rest) > 0; number++ {
					const header = 4
					size := header + int(binary.BigEndian.Uint16(rest[2:]))
					packet := rest[header:size]
					binary.BigEndian.PutUint16(packet[2:], number)
					binary.BigEndian.PutUint32(packet[4:], uint32(n*90000/fps))
					if transport == "UDP" {
						send(packet)
					}
					rest = rest[size:]
				}
				if transport == "TCP" {
					send(all)
				}
				<-came
				sent += 8 * len(units[n%len(units)].Data)
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
