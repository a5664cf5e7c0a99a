// Package rtmp takes in live video over RTMP and RTMPS, and hands each stream to a frame.Handler. A Server takes the streams that encoders
// push; a Client pulls one from another server.
//
//	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}}
//	err := (&rtmp.Server{Addr: ":1935", Handler: cam}).ListenAndServe(ctx)
//	err = (&rtmp.Client{URL: "rtmp://host/live/key", Handler: cam}).Run(ctx)
//
// The Handler is called once for each stream. It accepts the stream when it ranges over Stream.Units, and refuses it by returning before.
// Until then its context ends, too, if the connection is evicted for another.
// An encoder then hears "NetStream.Publish.BadName" with the text of the Handler's error. A Handler that returns while the stream goes on
// hangs up.
//
// Video may be H.264, and H.265, AV1, VP8 and VP9 by enhanced RTMP (versions 1 and 2) or, of H.265, by codec id 12. Sound is passed over.
// H.264 and H.265 are told by their parameter sets, whatever the encoder calls them. Metadata and cue points go to Stream.OnCue; what metadata say
// of the orientation of pictures goes into the units of H.264 and H.265, too, and what they say of colours into all. The name of a stream is
// app/key; what follows a question mark in either is Stream.Query.
//
// # Time
//
// Timestamps that wrap or jump back go on without a jump. Units are dated by when they arrive.
//
// # What encoders get wrong
//
// A malformed message costs no more than itself: what can be read of it is a unit, and the unit that lacks something is Lost, or else the next
// one. The log says what it was, in one line for all of ten seconds. NAL units may come with start codes in place of lengths, or behind them, and
// parameter sets in band without a sequence header. A picture may come in several messages. As long as pictures come whole, none waits. Once
// one did not, each waits for the message in which the next begins, or for 100 ms; the rest of that first one is left out, unless it is the
// first of the stream. Stream.Lacks and the log tell why a stream has no picture at all. A codec that is not supported ends a stream.
//
// # Security considerations
//
// Whoever reaches the port is served until the Handler refuses them, so everything before that is small and short. Per connection:
//   - TLS and RTMP handshakes end within Server.HandshakeTimeout, the commands up to publish within Server.PublishTimeout; from then
//     on a whole message must arrive every Server.IdleTimeout, and replies must be taken in the same time.
//   - a message has at most 16 KiB before the Handler accepts and Server.MaxMessage after; the messages that are under way
//     together have at most a quarter more. Memory is taken as bytes arrive, never because a header announces them.
//   - at most 64 chunk streams; commands of at most 16 KiB, nested at most 16 deep, with at most 1024 values.
//   - all messages that are under way on a listener have at most a sixteenth of frame.DefaultBudget beside it, 64 MiB by default, of which
//     64 KiB a connection do not count. Beyond that, the address that has the most loses the connection that has the most.
//   - one publish. Replies wait for the peer to take them; who asks for more than 64 KiB of them at once is hung up on.
//   - messages are read no faster than 2,000 a second, of which a publisher may have 10,000 at once after a pause; many chunks, many
//     bytes and large commands count as several. Who sends more has to wait, and is not hung up on.
//
// Each listener of a Server has all bounds and counts for itself. Server.MaxConns bounds its connections, and Server.MaxConnsPerAddr those
// of one address: with the defaults it takes eight addresses to fill it. A connection of which no video has come yet is evicted for a
// new one, accepted or not, and so is a publisher of which none has come for ten seconds; who was refused and does not hang up is the first.
// So who only opens connections keeps nobody out. That includes publishers of the same address: where one dials without end, a publisher of
// that address has 60 ms for each step of its handshake and commands and for its first picture, and more time the less those connections
// say; but 10 ms at worst, if they stand at all steps at once. New connections for which others are evicted are accepted at 2,000 a second;
// meanwhile all new ones wait. The log has at most ten lines of a kind in ten seconds for an address and a hundred for all, and then how
// many were left out.
//
// A refusal by the Handler counts as a wrong guess, at a token or at a name, unless it is an fs.ErrExist, as capture.ErrLive is. An
// address with more than five waits before the Handler is asked about its next publisher, for up to three seconds or a third of
// PublishTimeout; a wrong one is forgotten in ten seconds. Meanwhile further publishers of that address are refused without being asked
// about. So who guesses without end keeps new publishers of their own address out, but not those that publish already, nor anybody else.
// Behind a proxy, where MaxConnsPerAddr is negative, all have one address and no guess is slowed: the Handler has to see to that, or the
// proxy.
//
// What a publisher says (Stream.Name, Stream.Query) is not verified. Names are valid UTF-8 without control characters and marks that
// reverse text, but may have slashes and dots, so clean them before they become paths. Plain RTMP carries keys and video in clear
// text; set Server.TLSConfig for RTMPS. A panic of the Handler ends its own stream only, or Client.Run.
//
// What a Client pulls from is not trusted either: the same bounds are for it, of Client.MaxMessage and Client.Timeout. Credentials of
// the URL go to its host and port only, and never in clear text, but Adobe's authentication lets who listens to plain RTMP guess at
// the password. The key and its query go in clear text, and go along where the server redirects to, which may be any address; from
// rtmps it is never one without TLS. No credentials and no query are in errors, log records or Stream.URL. In errors, what does not
// print of a server's text is escaped.
package rtmp
