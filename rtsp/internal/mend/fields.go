package mend

import (
	"net"
	"strconv"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
)

// ContentBase returns what a Content-Base says, if it is a URL of RTSP or an absolute path. Otherwise the URL of the request takes its place,
// RFC 2326 section C.1.1.
func ContentBase(values base.HeaderValue) (url string, ok bool) {
	for _, v := range values {
		v = strings.Trim(v, " \t\"<>")
		absolute := v
		if strings.HasPrefix(v, "/") {
			absolute = "rtsp://host" + v
		}
		if u, err := base.ParseURL(absolute); err == nil && u.Hostname() != "" {
			return v, true
		}
	}
	return "", false
}

// Session returns the identifier of a session, and its timeout if that is one:
//
//	12345678;timeout=60
func Session(value string) string {
	id, parameters, _ := strings.Cut(value, ";")
	mended := headers.Session{Session: strings.TrimSpace(id)}
	for _, p := range strings.Split(parameters, ";") {
		name, number, _ := strings.Cut(strings.TrimSpace(p), "=")
		if seconds, err := strconv.ParseUint(strings.TrimSpace(number), 10, 16); err == nil && strings.EqualFold(strings.TrimSpace(name), "timeout") {
			timeout := uint(seconds)
			mended.Timeout = &timeout
		}
	}
	return mended.Marshal()[0]
}

// Transport returns the transport that an answer to SETUP tells of. What it does not tell is as it was asked for.
func Transport(values base.HeaderValue, asked headers.Transport) headers.Transport {
	got := headers.Transport{Protocol: asked.Protocol, Secure: asked.Secure, Delivery: asked.Delivery}
	var first string
	if len(values) > 0 {
		first, _, _ = strings.Cut(values[0], ",")
	}
	for _, field := range strings.Split(first, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		parameter(&got, strings.ToLower(strings.TrimSpace(name)), strings.Trim(value, " \t\""))
	}
	if asked.Protocol == headers.TransportProtocolTCP && (got.Protocol == asked.Protocol || got.InterleavedIDs != nil) {
		got.Protocol = asked.Protocol // "RTP/AVP" alone says nothing where there are channels
		if got.InterleavedIDs == nil {
			got.InterleavedIDs = asked.InterleavedIDs
		}
	}
	return got
}

// parameter takes in a parameter of a Transport header, RFC 2326 section 12.39, if it is well-formed.
func parameter(t *headers.Transport, name, value string) {
	if profile, ok := strings.CutPrefix(name, "rtp/"); ok {
		profile, lower, _ := strings.Cut(profile, "/")
		t.Secure = strings.HasPrefix(profile, "savp")
		t.Protocol = headers.TransportProtocolUDP
		if lower == "tcp" {
			t.Protocol = headers.TransportProtocolTCP
		}
		return
	}
	switch name {
	case "unicast", "multicast":
		delivery := headers.TransportDeliveryUnicast
		if name == "multicast" {
			delivery = headers.TransportDeliveryMulticast
		}
		t.Delivery = &delivery
	case "interleaved":
		t.InterleavedIDs = pairOf(value, 0, 0xff)
	case "server_port":
		t.ServerPorts = pairOf(value, 2, 0xffff) // some say zero or one if any will do
	case "port":
		t.Ports = pairOf(value, 1, 0xffff)
	case "source":
		t.Source = address(value)
	case "destination":
		t.Destination = address(value)
	}
}

// pairOf returns two consecutive numbers of which a parameter tells at least the first; nil if that is not in the range.
func pairOf(value string, least, most int) *[2]int {
	first, _, _ := strings.Cut(value, "-")
	n, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || n < least || n+1 > most {
		return nil
	}
	return &[2]int{n, n + 1}
}

// address returns an IP address that is one host's or group's; nil if it is none.
func address(value string) *net.IP {
	ip := net.ParseIP(value)
	if ip == nil || ip.IsUnspecified() {
		return nil
	}
	return &ip
}
