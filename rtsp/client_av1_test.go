package rtsp_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtsp"
)

// encodeAV1 encodes two seconds with a real encoder, which puts frames that are shown later into the unit of one that is shown first.
func encodeAV1(t *testing.T) (units [][]byte, e encoding) {
	t.Helper()
	path, _ := encode(t, "320x176", "clip.ivf", "libsvtav1", "-preset", "12")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	large, several := 0, 0
	const head, unitHead = 32, 12
	for b := file[head:]; len(b) > 0; {
		size := unitHead + binary.LittleEndian.Uint32(b)
		u := bytes.TrimPrefix(b[unitHead:size], []byte{0x12, 0}) // a temporal delimiter, which is not sent over RTP
		units, b = append(units, u), b[size:]
		if len(u) > 3*1500 {
			large++
		}
		if len(obus(t, u)) > 1 {
			several++
		}
	}
	if large < 5 || several < 5 {
		t.Fatalf("%d units need more than three packets, %d have more than one OBU", large, several)
	}
	return units, encoding{codec: frame.AV1, ordered: true, same: func(u frame.AccessUnit, packet []byte) bool {
		const sequenceHeader = 0x0a
		return bytes.Equal(u.Data, packet) && (u.Data[0] == sequenceHeader) == u.Key
	}}
}

// obus returns the OBUs of a unit, without their sizes.
func obus(t *testing.T, unit []byte) (obus av1.Bitstream) {
	t.Helper()
	if err := obus.Unmarshal(unit); err != nil {
		t.Fatal(err)
	}
	return obus
}

// recordAV1 records units over and over with the protocol library's client, since ffmpeg cannot, until the test ends or the server
// hangs up.
func recordAV1(t *testing.T, url string, transport gortsplib.Transport, units [][]byte) {
	t.Helper()
	f := &format.AV1{PayloadTyp: 96}
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
	packer, err := f.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	packer.PayloadMaxSize = 1200
	packets := make([][][]byte, len(units))
	for i, u := range units {
		packets[i] = obus(t, u)
	}
	c := gortsplib.Client{Transport: &transport, ReadTimeout: ample, WriteTimeout: ample, WriteQueueSize: 8192}
	if err := c.StartRecording(url, &description.Session{Medias: []*description.Media{media}}); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	stop := make(chan struct{})
	running.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for n := uint32(0); ; n++ {
			ps, err := packer.Encode(packets[int(n)%len(packets)])
			for _, p := range ps {
				p.Timestamp = 3000 * n
				if err == nil {
					err = c.WritePacketRTP(media, p)
				}
			}
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		running.Wait()
		c.Close()
	})
}

// TestAV1 publishes and pulls what a real encoder made.
func TestAV1(t *testing.T) {
	units, e := encodeAV1(t)
	for _, transport := range []gortsplib.Transport{gortsplib.TransportTCP, gortsplib.TransportUDP} {
		t.Run("published over "+transport.String(), func(t *testing.T) {
			t.Parallel()
			got := make(taker, 1)
			addr, _ := listen(t, &rtsp.Server{Handler: takeSome{got, len(units)}, UDPAddr: "127.0.0.1:0"})
			recordAV1(t, "rtsp://"+addr+"/live/cam", transport, units)
			e.came(t, <-got, units, 0)
		})
		t.Run("pulled over "+transport.String(), func(t *testing.T) {
			t.Parallel()
			var s server
			s.start(t, "", transport == gortsplib.TransportUDP)
			recordAV1(t, s.url(), gortsplib.TransportTCP, units)
			<-s.live
			stream, pulled := collect(t, &rtsp.Client{URL: s.url()}, len(units))
			first := slices.IndexFunc(units, func(u []byte) bool { return bytes.Equal(u, pulled[0].Data) })
			e.came(t, taking{stream: stream, units: pulled, ended: time.Now()}, slices.Concat(units[max(first, 0):], units[:max(first, 0)]), 0)
		})
	}
}
