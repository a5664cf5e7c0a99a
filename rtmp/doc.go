// Package rtmp takes in live video over RTMP and RTMPS: encoders push their streams to a Server, which hands each to a frame.Handler.
// A Client pulls a stream from a server, and hands it to a frame.Handler the same way.
//
// # Why not all of go-rtmp
//
// The handshake, the message types and status codes, and the AMF0 encoder are those of github.com/yutopp/go-rtmp and its go-amf0.
// Its chunk layer and its AMF0 decoder are not used. That chunk layer ends legal streams (extended timestamps on type 3 chunks come after 4 h
// 39 min; empty messages, Abort, aggregates and unknown types come at any time) and bounds neither memory nor time; the decoder
// knows no undefined and no long strings, and 25 bytes that claim an array of 2^31-1 elements end the process where no recover
// helps. A guard in front of both was the other way. It has to parse all that anyway, so a reader that simply keeps what it parsed
// is less code, and faster: one goroutine per connection, on which the Handler's range over Stream.Units pulls from the socket. No
// channel, no second goroutine, no copy but from the socket to a message and from there to the access unit.
//
// # Security considerations
//
// Whoever reaches the port is served until the Handler refuses them, so everything before that is small and short. Per connection:
//   - TLS and RTMP handshakes end within Server.HandshakeTimeout, the commands up to publish within Server.PublishTimeout; from then
//     on a whole message must arrive every Server.IdleTimeout, and replies must be taken in the same time.
//   - a message has at most 16 KiB before the Handler accepts and Server.MaxMessage after; the messages that are under way
//     together have at most a quarter more. Memory is taken as bytes arrive, never because a header announces them.
//   - at most 64 chunk streams; commands of at most 16 KiB, nested at most 16 deep, with at most 1024 values.
//   - one publish. Replies are bounded by what was received, and wait for the peer to take them.
//   - messages are read no faster than 2,000 a second, of which a publisher may have 10,000 at once after a pause; many chunks, many
//     bytes and large commands count as several. Who sends more has to wait, and is not hung up on.
//
// Server.MaxConns bounds the connections, and Server.MaxConnsPerAddr those of one address: with the defaults it takes eight addresses to
// fill a Server. A connection that does not publish yet gives way to a new one, so who only holds connections keeps nobody out. That
// includes publishers of the same address: where one dials without end, a publisher of that address has 60 ms for each step of its
// handshake and commands, and more time the less those connections say. Who has sent publish stays until the Handler decides. New
// connections that others give way to are accepted at 2,000 a second; meanwhile all new ones wait for their turn. The log has at most
// ten lines of a kind in ten seconds for an address and a hundred for all, and then how many were left out.
//
// What a publisher says (Stream.Name, Stream.Query) is its own claim: names are valid UTF-8 without control characters, but may hold
// slashes and dots, so clean them before they become paths. Plain RTMP carries keys and video in clear text; set Server.TLSConfig for
// RTMPS. A panic of the Handler ends its own stream only.
//
// What a Client pulls from is not trusted either: the same bounds hold for it, of Client.MaxMessage and Client.Timeout. Credentials of
// the URL go to its host and port only, and never in clear text, but Adobe's authentication lets who listens to plain RTMP guess at
// the password. The key and its query go in clear text, and go along where the server redirects to, which may be any address; from
// rtmps it is never one without TLS. No credentials and no query are in errors, log records or Stream.URL. In errors, what does not
// print of a server's text is escaped.
package rtmp
