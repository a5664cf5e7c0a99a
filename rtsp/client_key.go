package rtsp

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	psdp "github.com/pion/sdp/v3"
)

// takesPLI reports whether a sender takes Picture Loss Indications, by the attributes of its media (RFC 4585 section 4.2).
func takesPLI(attributes []psdp.Attribute, payloadType uint8) bool {
	return slices.ContainsFunc(attributes, func(a psdp.Attribute) bool {
		f := strings.Fields(a.Value)
		return a.Key == "rtcp-fb" && len(f) == 3 && (f[0] == "*" || f[0] == strconv.Itoa(int(payloadType))) && f[1] == "nack" && f[2] == "pli"
	})
}

// Senders are asked no more often than this: an encoder that gives each viewer all the key pictures that it wants has no bits left for others.
const keyRequestInterval = time.Second

// keyRequests returns what asks the server for a key picture; nil if it does not take that.
func (p *pull) keyRequests() func() {
	if !p.takesPLI {
		return nil
	}
	var mu sync.Mutex
	var asked time.Time
	own := rand.Uint32()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		sender, ok := p.source.Sender()
		if !ok || time.Since(asked) < keyRequestInterval {
			return
		}
		asked = time.Now()
		// Feedback comes behind a report and a name, RFC 4585 section 3.1. The connection may have ended.
		_ = p.conn.WritePacketRTCP(p.media, &rtcp.CompoundPacket{
			&rtcp.ReceiverReport{SSRC: own},
			rtcp.NewCNAMESourceDescription(own, "livestill"),
			&rtcp.PictureLossIndication{SenderSSRC: own, MediaSSRC: sender},
		})
	}
}
