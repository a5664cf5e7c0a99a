package rtmp

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/yutopp/go-rtmp/handshake"
)

// handshake shakes hands in the plain form, RTMP 1.0 section 5.2, which all encoders fall back to. S2 is C1 to the byte, as nginx has it and not
// as the specification: librtmp, and so OBS, compares them. What the encoder echoes is not compared: some echo nothing of use, and it proves
// nothing.
func (c *publisher) handshake() error {
	first, err := c.buffer.Peek(1)
	switch {
	case err != nil:
		return err
	case first[0] == versionTLS:
		return protocolError("the peer speaks TLS, on a listener without")
	case first[0] != version:
		return protocolError("version %d, want %d", first[0], version)
	}
	d, e := handshake.NewDecoder(c.buffer), handshake.NewEncoder(c.wire)
	s0, s1 := handshake.S0C0(version), handshake.S1C1{Time: uint32(time.Now().UnixMilli())}
	_, _ = rand.Read(s1.Random[:]) // it does not fail
	var c0 handshake.S0C0
	var c1 handshake.S1C1
	if err := errors.Join(d.DecodeS0C0(&c0), e.EncodeS0C0(&s0), e.EncodeS1C1(&s1)); err != nil {
		return err
	}
	if err := d.DecodeS1C1(&c1); err != nil {
		return err
	}
	s2 := handshake.S2C2{Time: c1.Time, Time2: binary.BigEndian.Uint32(c1.Version[:]), Random: c1.Random}
	if err := e.EncodeS2C2(&s2); err != nil {
		return err
	}
	var c2 handshake.S2C2
	return d.DecodeS2C2(&c2)
}
