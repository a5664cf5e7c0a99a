// Package mend makes sense of what RTSP servers send that the protocol library refuses: descriptions, fields of answers, and lines.
package mend

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"
	psdp "github.com/pion/sdp/v3"
)

// A description is not needed for these: the stream has parameter sets of its own, or else no picture comes of it. Cameras are known
// to send some that are cut off, or of another profile than the library knows.
const dispensable = " sprop-parameter-sets sprop-vps sprop-sps sprop-pps config profile-level-id "

// Description makes a description that the library refuses one that it takes, without what can be dispensed with, and without medias other
// than video that are malformed all the same. Videos in which no format is taken are mended too. It returns false if there is nothing to
// mend.
func Description(body []byte, takes func(format.Format) bool) (mended []byte, ok bool) {
	var s sdp.SessionDescription
	if s.Unmarshal(body) != nil {
		s, ok = sdp.SessionDescription{}, true
		if s.Unmarshal(essence(string(body))) != nil {
			return nil, false
		}
	}
	ok = medias(&s, takes) || ok
	ok = control(&s) || ok
	if new(description.Session).Unmarshal(&s) != nil {
		ungroup(&s)
		ok = true
	}
	if !ok {
		return nil, false
	}
	o := &s.Origin // it is written with what is missing
	o.Username, o.NetworkType, o.AddressType, o.UnicastAddress = "-", "IN", "IP4", "0.0.0.0"
	mended, err := s.Marshal()
	return mended, err == nil
}

// essence returns what a description tells of its medias, and no more: of the rest, nothing is needed.
func essence(body string) []byte {
	b := []byte("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")
	taken := true // the lines of this section
	for _, line := range strings.FieldsFunc(body, func(r rune) bool { return r == '\r' || r == '\n' }) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "m" {
			value, taken = mediaName(value)
		}
		if taken && (key == "m" || key == "a") {
			b = append(b, key+"="+value+"\r\n"...)
		}
	}
	return b
}

// mediaName returns the name of a media without what the library may not know; false if it is of none that it knows:
//
//	video 0 RTP/AVP 96
func mediaName(value string) (mended string, ok bool) {
	fields := strings.Fields(value)
	if len(fields) < 4 || !slices.Contains([]string{"video", "audio", "application"}, strings.ToLower(fields[0])) {
		return "", false
	}
	mended = strings.ToLower(fields[0]) + " 0 RTP/AVP"
	if strings.Contains(fields[2], "SAVP") {
		mended = strings.ToLower(fields[0]) + " 0 RTP/SAVP"
	}
	for _, format := range fields[3:] {
		if _, err := strconv.ParseUint(format, 10, 7); err == nil {
			mended, ok = mended+" "+format, true
		}
	}
	return mended, ok
}

// medias mends the medias that the library refuses, and videos in which no format is taken. It leaves out what cannot be mended, but no
// video.
func medias(s *sdp.SessionDescription, takes func(format.Format) bool) (ok bool) {
	kept := s.MediaDescriptions[:0]
	for i, m := range s.MediaDescriptions {
		parses, known := read(s, i, takes)
		if !parses || !known {
			ok = ok || !parses
			media(s, i, parses)
			if parses, known = read(s, i, takes); !parses { // now that the codec is known
				media(s, i, false)
				parses, known = read(s, i, takes)
			}
			ok = ok || parses && known
		}
		if parses || m.MediaName.Media == string(description.MediaTypeVideo) {
			kept = append(kept, m)
		}
	}
	s.MediaDescriptions = kept
	return ok
}

// read tells whether the library takes a media, and whether a format of it is taken if it is video.
func read(s *sdp.SessionDescription, i int, takes func(format.Format) bool) (parses, known bool) {
	var m description.Media
	parses = m.Unmarshal(s.MediaDescriptions[i]) == nil
	known = m.Type != description.MediaTypeVideo
	for _, f := range m.Formats {
		known = known || takes(f)
	}
	return parses, known
}

// media mends the attributes of a media, of which the library takes all parameters or not.
func media(s *sdp.SessionDescription, i int, parses bool) {
	m := s.MediaDescriptions[i]
	var guess string
	for i, a := range m.Attributes {
		switch a.Key {
		case "fmtp":
			guess = cmp.Or(guess, guessMap(a.Value))
			if !parses {
				m.Attributes[i].Value = dispense(a.Value)
			}
		case "rtpmap":
			m.Attributes[i].Value = mapped(a.Value)
		}
	}
	if _, isMapped := m.Attribute("rtpmap"); !isMapped && guess != "" {
		a := m.Attributes[0]
		a.Key, a.Value = "rtpmap", guess
		m.Attributes = append(m.Attributes, a)
	}
	if !parses {
		undescribed(m)
	}
}

// undescribed leaves out the formats of a media that the library refuses since nothing says what they are, unless there is no other.
func undescribed(m *psdp.MediaDescription) {
	var kept []string
	for _, payloadType := range m.MediaName.Formats {
		if _, err := format.Unmarshal(m, payloadType); err == nil {
			kept = append(kept, payloadType)
		}
	}
	if len(kept) > 0 {
		m.MediaName.Formats = kept
	}
}

// codecNames are names of codecs, and what the library calls them.
var codecNames = map[string]string{
	"H264": "H264", "H.264": "H264", "AVC": "H264", "H265": "H265", "H.265": "H265", "HEVC": "H265", "MP4V-ES": "MP4V-ES", "JPEG": "JPEG",
	"MJPEG": "JPEG", "VP8": "VP8", "VP9": "VP9", "AV1": "AV1",
}

// mapped returns the value of an rtpmap attribute, RFC 8866 section 6.6, with the name and the clock rate that the codec has by its RFC:
//
//	96 H264/90000
func mapped(value string) string {
	fields := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\t' || r == '/' })
	if len(fields) < 2 || codecNames[strings.ToUpper(fields[1])] == "" {
		return value
	}
	return fields[0] + " " + codecNames[strings.ToUpper(fields[1])] + "/90000"
}

// guessMap returns an rtpmap attribute by the names of parameters in an fmtp attribute; empty if they do not tell.
func guessMap(fmtp string) string {
	payloadType, parameters, _ := strings.Cut(strings.TrimSpace(fmtp), " ")
	switch {
	case strings.Contains(parameters, "sprop-vps"):
		return payloadType + " H265/90000"
	case strings.Contains(parameters, "sprop-parameter-sets"), strings.Contains(parameters, "packetization-mode"):
		return payloadType + " H264/90000"
	}
	return ""
}

// control leaves out the control attribute of a whole session that is no URL: the Content-Base takes its place.
func control(s *sdp.SessionDescription) (ok bool) {
	kept := s.Attributes[:0]
	for _, a := range s.Attributes {
		if a.Key == "control" && a.Value != "*" {
			if u, err := base.ParseURL(a.Value); err != nil || u.Hostname() == "" {
				ok = true
				continue
			}
		}
		kept = append(kept, a)
	}
	s.Attributes = kept
	return ok
}

// ungroup leaves out what relates medias to one another, which we do not use, and is not as it should be.
func ungroup(s *sdp.SessionDescription) {
	kept := s.Attributes[:0]
	for _, a := range s.Attributes {
		if a.Key != "group" {
			kept = append(kept, a)
		}
	}
	s.Attributes = kept
	for _, m := range s.MediaDescriptions {
		kept := m.Attributes[:0]
		for _, a := range m.Attributes {
			if a.Key != "mid" {
				kept = append(kept, a)
			}
		}
		m.Attributes = kept
	}
}

// dispense leaves out of the value of an fmtp attribute, RFC 8866 section 6.15, what can be dispensed with:
//
//	96 packetization-mode=1; sprop-parameter-sets=...
func dispense(fmtp string) string {
	payloadType, parameters, _ := strings.Cut(strings.TrimSpace(fmtp), " ")
	kept := slices.DeleteFunc(strings.Split(parameters, ";"), func(p string) bool {
		name, _, _ := strings.Cut(strings.TrimSpace(p), "=")
		return name != "" && strings.Contains(dispensable, " "+strings.ToLower(name)+" ")
	})
	return payloadType + " " + strings.Join(kept, ";")
}
