// Package rtsp takes in live video over RTSP and RTSPS: a Client pulls from a camera or a server, and hands the stream to a
// frame.Handler.
//
//	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}}
//	err := (&rtsp.Client{URL: "rtsp://user:password@camera/stream", Handler: cam}).Run(ctx)
//
// The protocol is that of github.com/bluenviron/gortsplib: RTSP 1.0 (RFC 2326), RTP over UDP or interleaved with RTSP over TCP,
// plain or as SRTP. Access units are made of the packets in this package, which follows their sequence numbers, so that no unit
// with a part missing passes for a whole one.
//
// # Loss
//
// A unit is Lost if packets of it did not arrive, or if packets are missing right before it: those may be of either unit. The
// parts that did arrive make a unit too. A key unit that is not Lost is whole, and so is what follows it up to the next Lost.
//
// A Handler that is slower than the stream loses units, the server never waits: when 256 units or 16 MiB are waiting, the newest of
// them gives way to the next that comes, which is marked Lost, and from there all units up to the next key unit are dropped.
//
// # Security considerations
//
// What a server sends is not trusted: an access unit has at most 8 MiB, its parameter sets 64 KiB; a server that does not answer or
// sends no video is left after Client.Timeout. Credentials of the URL are sent to its host and port only, not to where a server
// redirects; they are in no error, log record or frame.Stream. A path or a query that holds a password, as some cameras want, is not
// known for one: the path is the name of the stream. Basic authentication and plain RTSP show credentials and video to the network
// between; rtsps:// does not.
package rtsp
