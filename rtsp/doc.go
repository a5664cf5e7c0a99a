// Package rtsp takes in live video over RTSP and RTSPS, and hands each stream to a frame.Handler. A Client pulls one from a camera or a
// server; a Server takes those that encoders push, by ANNOUNCE and RECORD.
//
//	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}}
//	url := "rtsp://user:password@camera/stream"
//	err := (&rtsp.Client{URL: url, Handler: cam}).Run(ctx)
//	err = (&rtsp.Server{Handler: cam}).ListenAndServe(ctx)
//
// The Handler is called once for each stream. It accepts the stream when it ranges over Stream.Units, and refuses it by returning before.
// Until then its context ends, too, if the connection does.
// A Handler that returns while the stream goes on hangs up.
//
// Video may be H.264, H.265, AV1, VP8, VP9, MPEG-4 part 2 and JPEG; of several medias, the first that fits is taken. The protocol is RTSP
// 1.0 (RFC 2326), with RTP over UDP or interleaved with RTSP over TCP, plain or as SRTP, by github.com/bluenviron/gortsplib. Access units
// are made of the packets in this package, which follows their sequence numbers, so that no unit with a part missing passes for a whole
// one.
//
// Much of what cameras have wrong in their answers and descriptions is mended: what can be dispensed with is left out, and what is missing is
// taken to be as it was asked for. A marker bit that comes too early does not end a picture of H.264, H.265 or MPEG-4: once a stream is
// found to send pictures in pieces, each waits for the packet after it. A sender that begins anew, with another SSRC or other sequence
// numbers, goes on with its next key picture; its timestamps go on with those before.
//
// A server that offers it in its description (a=rtcp-fb, nack pli) is asked for a key picture by RTCP, as RFC 4585 has it, when
// Stream.RequestKey is called: a Camera does so for captures that have none to decode from.
//
// How pictures of H.264 and H.265 are to be turned is told by messages of theirs, or by a header extension of 3GPP that the description
// has (a=extmap, urn:3gpp:video-orientation): then key units have such a message, too.
//
// # Loss
//
// A unit is Lost if packets of it did not arrive, or if packets are missing right before it: those may be of either unit. Of H.264,
// H.265 and AV1 the parts that did arrive make a unit too; of the other codecs a damaged frame is left out, and the next is Lost. A key
// unit that is not Lost is whole, and so is what follows it up to the next Lost.
//
// Of H.264 that has no IDR pictures but recovery points (open GOPs, intra refresh), key units are those. The first pictures after one
// may not be clean; package ffmpeg knows which.
//
// A Handler that is slower than the stream loses units, nobody waits for it: when 256 units or 16 MiB are waiting, the newest of
// them is dropped for the next that comes, which is marked Lost, and from there all units up to the next key unit are dropped.
//
// # Time
//
// Units are dated by when they arrive, as frame.Clock does it, until the source tells the time by its own clock, with the sender
// reports of RTCP or in the packets of an ONVIF recording; then SourceTime is set. Time never goes back: while the source's clock is
// behind what was told before, by half a minute at most, time goes on at half its pace; if it is more, arrival goes on to tell. A
// source's clock that is set wrong is believed, but Offset tells how far it is from ours, and without that Time is by arrival again.
// Where units come a second earlier or later than it says, timestamps have jumped, or units were delayed: then arrival tells, and what
// the clock was off by, until it is told anew.
// All that is true across the streams of a Client too, if less than a minute is between them: none is dated before the last, and the
// source's clock is off by what it was until it is told anew.
//
// # Publishers
//
// An encoder that a Server refuses is told why in the line of the status: 403 "Forbidden" for errors of Handlers and of
// Server.Authenticate, 404 "Not Found" for those that wrap fs.ErrNotExist, 401 "Unauthorized" for those that wrap ErrUnauthorized, 453
// when there are too many streams, 415 when there is no video that can be taken. One that leaves with TEARDOWN ends its Units; if its
// connection ends first, over UDP too, Units end with io.ErrUnexpectedEOF or a *net.OpError. That is how GStreamer's sink leaves.
//
// # Security considerations
//
// What a server sends is not trusted: a description has at most 16 KiB, an access unit 8 MiB, its parameter sets 8 KiB; a server that does
// not answer or sends no video is left after Client.Timeout, one that sends packets without a picture in them after ten times as long.
// Over UDP, packets are taken from the ports that the server names; if it names none, from the first port of its host that sends.
// Credentials of the URL are sent to its
// host and port only, not to where a server redirects; they are in no error, log record or frame.Stream. A path or a query that contains a
// password, as some cameras want, is not known for one: the path is the name of the stream. Basic authentication and plain RTSP show
// credentials and video to the network between; rtsps:// does not. Client.Fingerprints trusts certificates that no authority vouches for,
// and no others. A password that is refused is not tried on; where one was accepted, the nonce of Digest may change.
//
// Whoever reaches a Server is served until Authenticate or the Handler refuses them. Until then, and for each connection:
//   - RECORD comes within Server.PublishTimeout, TLS handshake included, and from then on a packet every Server.IdleTimeout.
//   - a request has at most 2 KiB of URL, 255 header lines of 2.5 KiB and 128 KiB of body, of which a description that exceeds
//     Server.MaxSDP is not parsed.
//   - a refusal ends the connection, except for the first request for credentials.
//   - at most 8 MiB of a unit and 16 MiB of units wait for the Handler; the packets of UDP that may still change places are 64.
//   - all requests and units that are under way or wait on a listener have at most a sixteenth of frame.DefaultBudget beside it, 64 MiB by
//     default, of which 64 KiB a connection do not count. Beyond that, the address that has the most loses the connection that has the most.
//   - more than ten times Server.MaxRate within ten seconds ends the connection.
//   - more than twenty malformed packets of RTCP within ten seconds end the connection, or the attempt of a Client; one counts as twenty
//     messages.
//   - at most 16 medias, which have 64 formats in all.
//   - access units and requests are taken no faster than 2,000 a second, of which a publisher may have 10,000 at once after a pause, and
//     packets no faster than if those of Server.MaxRate had 512 bytes. Over TCP, who sends more has to wait; over UDP the rest is dropped,
//     and the next unit is Lost.
//
// Each listener of a Server has all bounds and counts for itself. Server.MaxConns and Server.MaxStreams bound its connections and streams,
// and Server.MaxConnsPerAddr the connections of one address: with the defaults it can have half of the streams. A connection of which no
// packet of video has come yet is evicted for a new one, whatever it has shown or recorded, and for a new stream if there are too many; so
// is a publisher of which none has come for ten seconds. So who only opens connections keeps nobody out. That includes publishers of the
// same address: where one dials without end, a publisher of that address has 60 ms for each of its requests and for its first packet, and
// more time the less those connections say; but 10 ms at worst, if they stand at all steps at once. New connections for which others are
// evicted are accepted at 2,000 a second; meanwhile all new ones wait. The log has at most ten lines of a kind in ten seconds for an address and a
// hundred for all, and then how many were left out.
//
// Wrong guesses are refusals by Authenticate of who has shown credentials or a query, and all by the Handler but fs.ErrExist, as
// capture.ErrLive is: a wrong password, token or name. An address with more than five waits before its next publisher is looked at, for
// up to three seconds or a third of PublishTimeout; a wrong one is forgotten in ten seconds. Meanwhile further publishers of that
// address are refused without being looked at. So who guesses without end keeps new publishers of their own address out, but not those
// that publish already, nor anybody else. Behind a proxy, where MaxConnsPerAddr is negative, all have one address and no guess is
// slowed: Authenticate has to see to that, or the proxy.
//
// A session belongs to the connection that announced it: no other can use it, and it ends with that connection. Over UDP, packets are taken
// from the address of the connection and the ports that it named, which two publishers cannot share; without TLS, whoever can forge that
// address can forge packets. Stream.Name, Stream.Query and Stream.URL are what a publisher says, and not verified. Names are valid UTF-8
// without control characters and marks that reverse text, but may have slashes and dots, so clean them before they become paths. A panic of a
// Handler, of Authenticate or of the code that reads packets ends its own stream only; under a Client it ends Run, except for the code that reads
// packets, which ends the attempt. A Server's Digest is MD5, the only one that encoders know: it hides a password from who listens, not from who can
// guess it.
package rtsp
