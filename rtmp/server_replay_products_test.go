package rtmp_test

import (
	"bytes"
	"encoding/binary"

	"github.com/livestill/livestill/rtmp"
)

const (
	fmle    = "FMLE/3.0 (compatible; FMSc/1.0)" // what encoders call themselves, since servers look for it
	liveURL = "rtmp://host/live"
)

// Products and what they are known for. Above each stands where it is known from: its source, or what a server's makers wrote and
// were told when the product did not work with it.
var products = []struct {
	name string
	play func(e *encoder)
	at   []uint32 // the times of the units in ms
}{
	// obsproject/obs-studio, plugins/obs-outputs/librtmp/rtmp.c and ../rtmp-stream.c; fourCcList: veovera.org, enhanced RTMP v1.
	{"OBS Studio sets its chunk size before connect, and leaves without a wait", func(e *encoder) {
		e.control(setChunkSize, 4096)
		e.size = 4096
		e.connect("app", "live", "type", "nonprivate", "flashVer", fmle, "swfUrl", liveURL, "tcUrl", liveURL,
			"fourCcList", array{"av01", "hvc1"})
		e.invoke(3, 0, "releaseStream", 2, nil, "key")
		e.invoke(3, 0, "FCPublish", 3, nil, "key")
		stream := e.create(4)
		e.invoke(4, stream, "publish", 5, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		e.write(4, rtmp.Message{Kind: data, Stream: stream, Body: amf("@setDataFrame", "onMetaData", ecmaArray{
			"duration", 0, "width", 1280, "videocodecid", 7, "stereo", true, "encoder", "obs-output module"})})
		e.sound(4, stream, 0, true)
		e.pictures(4, stream, 0, 33)
		e.invoke(3, 0, "FCUnpublish", 6, nil, "key")
		e.invoke(3, 0, "deleteStream", 7, nil, int(stream))
	}, []uint32{0, 33}},

	// Order in the status: arut/nginx-rtmp-module 75020e9 and c418e9c. Acknowledgements: ossrs/srs issue 795. The end:
	// arut/nginx-rtmp-module issues 538 and 789, where publish is seen again with no name, which is NetStream.publish(false).
	{"Wirecast wants a status to begin with its level, acknowledgements unasked, and leaves by publishing nothing", func(e *encoder) {
		e.connect("app", "live", "flashVer", "Wirecast/FM 1.0", "tcUrl", liveURL)
		e.invoke(3, 0, "releaseStream", 2, nil, "key")
		e.invoke(3, 0, "FCPublish", 3, nil, "key")
		stream := e.create(4)
		e.invoke(3, stream, "publish", 5, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		if level, code := bytes.Index(e.body, []byte("level")), bytes.Index(e.body, []byte("code")); level > code {
			e.t.Errorf("the code of a status comes before its level")
		}
		e.write(4, rtmp.Message{Kind: video, Stream: stream, Body: sequenceHeader})
		e.write(4, rtmp.Message{Kind: video, Stream: stream, Body: picture(true, 3_000_000)})
		_ = e.send()
		if n := binary.BigEndian.Uint32(e.message(acknowledge, "acknowledgement").Body); n < 2_000_000 || n > 3_200_000 {
			e.t.Errorf("%d bytes acknowledged", n)
		}
		e.invoke(3, stream, "publish", 0, nil, false)
		e.awaitsStatus("NetStream.Unpublish.Success")
	}, []uint32{0}},

	// ossrs/srs trunk/src/protocol/srs_protocol_rtmp_stack.cpp (it tells Haivision apart) and issue 844; what happens without the
	// answer to FCPublish: sergey-dryabzhinsky/nginx-rtmp-module issue 38.
	{"Haivision checks the bandwidth unasked, and waits for the answer to an FCPublish after createStream", func(e *encoder) {
		e.connect("app", "live", "flashVer", "LNX 10,0,32,18", "tcUrl", liveURL)
		e.invoke(3, 0, "_checkbw", 2, nil)
		e.awaits("_result", 2)
		stream := e.create(3)
		e.invoke(3, 0, "FCPublish", 4, nil, "key")
		e.awaits("_result", 4)
		e.invoke(3, stream, "publish", 5, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		e.pictures(6, stream, 0, 40)
		e.invoke(3, 0, "FCUnpublish", 6, nil, "key")
		e.invoke(3, 0, "deleteStream", 7, nil, int(stream))
	}, []uint32{0, 40}},

	// membraneframework/membrane_rtmp_plugin pull request 115.
	{"Livestream Studio waits for each answer by its id", func(e *encoder) {
		e.connect("app", "live", "type", "nonprivate", "flashVer", fmle, "tcUrl", liveURL)
		e.invoke(3, 0, "releaseStream", 2, nil, "key")
		e.awaits("_result", 2)
		e.invoke(3, 0, "FCPublish", 3, nil, "key")
		e.awaits("_result", 3)
		stream := e.create(4)
		e.invoke(8, stream, "publish", 5, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		e.pictures(8, stream, 0)
		e.invoke(3, 0, "deleteStream", 6, nil, int(stream))
	}, []uint32{0}},

	// ossrs/srs trunk/src/protocol/srs_protocol_rtmp_stack.cpp: read_message_header on c4 bytes, start_fmle_publish,
	// fmle_unpublish; extended timestamps: trunk/src/kernel/srs_kernel_utility.cpp.
	{"Flash Media Live Encoder opens messages with type 3 chunks, and waits for FCUnpublish", func(e *encoder) {
		e.connect("app", "live", "flashVer", fmle, "swfUrl", liveURL, "tcUrl", liveURL)
		e.invoke(3, 0, "releaseStream", 2, nil, "key")
		e.awaits("_result", 2)
		e.invoke(3, 0, "FCPublish", 3, nil, "key")
		e.awaits("_result", 3)
		stream := e.create(4)
		e.invoke(8, stream, "publish", 0, nil, "key", "live")
		e.awaits("onFCPublish", 0)
		e.awaitsStatus("NetStream.Publish.Start")
		e.pictures(4, stream)
		e.begin(4, 0, rtmp.Message{Kind: video, Stream: stream, Time: 26, Body: picture(true, 100)})
		e.out = append(append(e.out, 0xc4), picture(false, 100)...)
		e.begin(4, 0, rtmp.Message{Kind: video, Stream: stream, Time: 1<<24 + 5, Body: picture(false, 200)})
		e.more(4) // with the timestamp in full again
		e.invoke(3, 0, "FCUnpublish", 5, nil, "key")
		e.awaits("_result", 5)
		e.awaitsStatus("NetStream.Unpublish.Success")
	}, []uint32{26, 52, 1<<24 + 5}},

	// arut/nginx-rtmp-module issue 1043, iizukanao/node-rtsp-rtmp-server issue 36: metadata with an AMF3 object in it.
	{"ActionScript speaks AMF3 in commands and in metadata", func(e *encoder) {
		call := func(stream uint32, values ...any) {
			e.write(3, rtmp.Message{Kind: commandAMF3, Stream: stream, Body: append([]byte{0}, amf(values...)...)})
			_ = e.send()
		}
		e.connect("app", "live", "flashVer", "WIN 21,0,0,213", "tcUrl", liveURL, "pageUrl", undefined{}, "objectEncoding", 3)
		call(0, "createStream", 2, nil)
		e.awaits("_result", 2)
		call(1, "publish", 0, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		meta := amf("@setDataFrame", "onMetaData", switched("\x0a\x0b\x01\x0bwidth\x04\x8a\x00\x01"))
		e.write(8, rtmp.Message{Kind: data, Stream: 1, Body: meta})
		const dataAMF3 = 15
		e.write(8, rtmp.Message{Kind: dataAMF3, Stream: 1, Body: append([]byte{0}, meta...)})
		e.pictures(8, 1, 0, 40)
		call(1, "closeStream", 0, nil)
		e.awaitsStatus("NetStream.Unpublish.Success")
	}, []uint32{0, 40}},

	// ant-media/Ant-Media-Server issue 2578.
	{"Ricoh Theta V sends commands on chunk stream 5 and before the name a slash", func(e *encoder) {
		e.connect("app", "live", "tcUrl", liveURL)
		e.invoke(5, 0, "releaseStream", 2, nil, "/key")
		e.invoke(5, 0, "FCPublish", 3, nil, "/key")
		stream := e.create(4)
		e.invoke(5, stream, "publish", 5, nil, "/key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		e.pictures(6, stream, 0)
		e.invoke(5, 0, "FCUnpublish", 6, nil, "/key")
	}, []uint32{0}},

	// bluenviron/mediamtx issue 928 (packet 6), iizukanao/node-rtsp-rtmp-server issue 27 (_checkbw).
	{"DJI limits the server's bandwidth, checks its own unasked, and sends sound before pictures", func(e *encoder) {
		const setPeerBandwidth = 6
		e.connect("app", "live", "type", "nonprivate", "flashVer", fmle, "tcUrl", liveURL)
		e.write(2, rtmp.Message{Kind: setPeerBandwidth, Body: []byte{0, 0x26, 0x25, 0xa0, 2}})
		e.control(windowSize, 2_500_000)
		e.invoke(3, 0, "_checkbw", 2, nil)
		e.awaits("_result", 2)
		stream := e.create(3)
		e.invoke(8, stream, "publish", 4, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		e.sound(4, stream, 0, true)
		for i := range uint32(20) {
			e.sound(4, stream, 23*i, false)
		}
		e.pictures(6, stream, 460, 493)
		e.invoke(3, 0, "deleteStream", 5, nil, int(stream))
	}, []uint32{460, 493}},

	// bluenviron/mediamtx issue 4807 and pull request 2806.
	{"PTZOptics uses chunk stream ids of two and three bytes", func(e *encoder) {
		e.invoke(64, 0, "connect", 1, object{"app", "live", "tcUrl", liveURL})
		e.awaits("_result", 1)
		stream := e.create(2)
		e.invoke(319, stream, "publish", 3, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		e.sound(320, stream, 0, true)
		e.pictures(65599, stream, 0, 40)
		e.invoke(3, 0, "deleteStream", 4, nil, int(stream))
	}, []uint32{0, 40}},

	// HaishinKit/HaishinKit.swift, HaishinKit/Sources/RTMP/RTMPConnection.swift, RTMPStream.swift and RTMPChunk.swift.
	{"HaishinKit sets its chunk size after connect, calls without a wait, and waits for what closeStream does", func(e *encoder) {
		e.connect("app", "live", "flashVer", fmle, "swfUrl", nil, "tcUrl", liveURL, "fpad", false, "capabilities", 239,
			"audioCodecs", 1024, "videoCodecs", 128, "videoFunction", 1, "pageUrl", nil, "objectEncoding", 0)
		e.control(setChunkSize, 1024*8)
		e.size = 1024 * 8
		e.invoke(3, 0, "releaseStream", 2, nil, "key")
		e.invoke(3, 0, "FCPublish", 3, nil, "key")
		stream := e.create(4)
		e.invoke(3, stream, "publish", 0, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		e.write(8, rtmp.Message{Kind: data, Stream: stream, Body: amf("@setDataFrame", "onMetaData", object{"width", 720})})
		e.sound(4, stream, 0, true)
		e.pictures(5, stream, 0, 33)
		e.invoke(3, stream, "closeStream", 0, nil)
		e.awaitsStatus("NetStream.Unpublish.Success")
		e.invoke(3, 0, "FCUnpublish", 5, nil, "key")
		e.invoke(3, 0, "deleteStream", 6, nil, int(stream))
	}, []uint32{0, 33}},

	// ossrs/srs trunk/src/protocol/srs_protocol_rtmp_stack.cpp: read_message_header on 42 bytes.
	{"librtmp pings on a chunk stream that begins with a type 1 chunk", func(e *encoder) {
		e.connect("app", "live", "type", "nonprivate", "flashVer", fmle, "tcUrl", liveURL)
		stream := e.create(2)
		e.invoke(4, stream, "publish", 3, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		e.out = append(e.out, "\x42\x00\x00\x00\x00\x00\x06\x04\x00\x06\x00\x00\x0d\x0f"...)
		e.pictures(4, stream, 0)
		if pong := e.message(userControl, "pong").Body; !bytes.Equal(pong, []byte{0, 7, 0, 0, 13, 15}) {
			e.t.Errorf("the pong is %x", pong)
		}
		e.invoke(3, 0, "deleteStream", 4, nil, int(stream))
	}, []uint32{0}},

	// RTMP 1.0 §7.1.6; parts whose times are on another scale than the whole's, as a recording's are.
	{"Adobe Media Server pushes aggregates", func(e *encoder) {
		e.connect("app", "live", "flashVer", "FMS/5,0,3,3029", "tcUrl", liveURL)
		stream := e.create(2)
		e.invoke(3, stream, "publish", 3, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		var whole []byte
		for _, part := range []rtmp.Message{
			{Kind: video, Time: 7000, Body: sequenceHeader}, {Kind: audio, Time: 7000, Body: []byte{0xaf, 0, 0x12, 0x10}},
			{Kind: video, Time: 7000, Body: picture(true, 500)}, {Kind: video, Time: 7040, Body: picture(false, 300)},
		} {
			n := len(part.Body)
			whole = append(whole, part.Kind, byte(n>>16), byte(n>>8), byte(n), 0, byte(part.Time>>8), byte(part.Time), 0, 0, 0, 0)
			whole = binary.BigEndian.AppendUint32(append(whole, part.Body...), uint32(11+n))
		}
		e.write(5, rtmp.Message{Kind: aggregate, Stream: stream, Time: 1000, Body: whole})
		e.invoke(3, 0, "deleteStream", 4, nil, int(stream))
	}, []uint32{1000, 1040}},

	// RTMP 1.0 §7.2.1.1, the message flow of connect.
	{"a publisher by the book waits for Stream Begin between the bandwidth and the answer to connect", func(e *encoder) {
		e.invoke(3, 0, "connect", 1, object{"app", "live", "tcUrl", liveURL})
		e.message(windowSize, "window")
		if begin := e.message(userControl, "Stream Begin").Body; !bytes.Equal(begin, make([]byte, 6)) {
			e.t.Errorf("user control %x, want Stream Begin", begin)
		}
		e.awaits("_result", 1)
		stream := e.create(2)
		e.invoke(3, stream, "publish", 3, nil, "key", "live")
		e.awaitsStatus("NetStream.Publish.Start")
		e.pictures(4, stream, 0)
		e.invoke(3, 0, "deleteStream", 4, nil, int(stream))
	}, []uint32{0}},
}
