package rtsp

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"

	"github.com/livestill/livestill/rtsp/internal/digest"
	"github.com/livestill/livestill/rtsp/internal/mend"
)

const maxRedirects = 8 // of one attempt; balancers make one or two

// The answers of a server are looked at before the library does, and what cameras have wrong in them is mended. All of this belongs to the
// library's goroutine, and to whoever has asked it for something and got an answer.
type answers struct {
	begun     bool              // a connection was asked something
	asked     base.Method       // the newest request
	open      bool              // it was not answered
	url       url.URL           // that it was for
	cseq      int               // of it
	miscounts bool              // the server has answered with a wrong number
	newest    []byte            // answer, as it came
	transport headers.Transport // that the newest SETUP asked for
	described bool              // it was answered with a description
	body      []byte            // that
	size      int               // of that as it came, in bytes
	unranged  bool              // PLAY goes without a range
	again     bool              // and has to be asked for once more
	redirects int
}

// ask looks at a request before it is sent.
func (p *pull) ask(req *base.Request) {
	p.answers.asked, p.answers.open, p.answers.url = req.Method, true, url.URL(*req.URL)
	p.answers.cseq, _ = strconv.Atoi(req.Header["CSeq"][0]) // the library's own
	if p.answers.cseq == 1 {                                // of a connection
		if p.answers.begun { // another: old answers would count as wrong ones
			p.credentials = digest.Credentials{User: p.credentials.User}
		}
		p.answers.begun, p.answers.miscounts, p.answers.newest = true, false, nil
	}
	if req.Method == base.Play {
		p.dialler.plays.Store(true)
		req.Header["Range"] = base.HeaderValue{"npt=0.000-"} // as most players write it: some servers know no other
		if p.answers.unranged {
			delete(req.Header, "Range")
		}
	}
	if req.Method == base.Setup {
		p.answers.transport = headers.Transport{}
		_ = p.answers.transport.Unmarshal(req.Header["Transport"]) // the library's own
		if p.setsUpUDP() {
			p.silence.Reset(p.udpTimeout())
		}
	}
	p.credentials.Authorize(req)
}

// asked looks at what a server asks of us. The library takes nothing but OPTIONS, and would hang up on others, such as the SET_PARAMETER of
// some cameras.
func asked(req *base.Request) {
	if req.Method != base.Teardown {
		req.Method = base.Options
	}
}

// answer looks at what a server answers.
func (p *pull) answer(res *base.Response) {
	if p.repeats(res) {
		return
	}
	delete(res.Header, "CSeq") // one request at a time waits for an answer: this is it, whatever its number
	p.answers.open = false
	p.credentials.Answered(p.answers.asked, res)
	if session := res.Header["Session"]; len(session) > 0 {
		res.Header["Session"] = base.HeaderValue{mend.Session(session[0])}
	}
	if base.StatusOK < res.StatusCode && res.StatusCode < 300 { // RFC 2326 section 11: success
		res.StatusCode = base.StatusOK
	}
	p.answers.described = p.answers.asked == base.Describe && res.StatusCode == base.StatusOK
	switch p.answers.asked {
	case base.Options:
		answerOptions(res)
	case base.Describe:
		p.answerDescribe(res)
	case base.Setup:
		p.answerSetup(res)
	case base.Play:
		p.answerPlay(res)
	default:
	}
}

// repeats reports whether a server sends the answer before once more, which the library passes over for its number. That is believed of a
// server that has numbered all answers rightly. Missing credentials are no such case: two requests may well be refused in the same words.
func (p *pull) repeats(res *base.Response) bool {
	whole, _ := res.Marshal() // it came off the wire
	if !p.answers.miscounts && res.StatusCode != base.StatusUnauthorized && bytes.Equal(whole, p.answers.newest) {
		return true
	}
	p.answers.newest = whole
	if values := res.Header["CSeq"]; len(values) == 1 {
		n, err := strconv.Atoi(strings.TrimSpace(values[0]))
		p.answers.miscounts = p.answers.miscounts || err != nil || n != p.answers.cseq
	}
	return false
}

// refuses reports whether a status refuses a request for another reason than missing credentials.
func refuses(status base.StatusCode) bool {
	return status >= base.StatusBadRequest && status != base.StatusUnauthorized
}

// mayBeTCP reports whether what is refused over UDP may be had over TCP.
func (p *pull) mayBeTCP(status base.StatusCode) bool {
	return refuses(status) && p.transport == nil && p.answers.transport.Protocol == headers.TransportProtocolUDP
}

// setsUpUDP reports whether the newest request is SETUP over UDP, and TCP may be used instead.
func (p *pull) setsUpUDP() bool {
	return p.answers.asked == base.Setup && p.transport == nil && p.answers.transport.Protocol == headers.TransportProtocolUDP
}

// answerOptions makes a refusal of OPTIONS an answer: who does not know it may know everything else. Such a connection is kept alive by
// GET_PARAMETER.
func answerOptions(res *base.Response) {
	if refuses(res.StatusCode) {
		res.StatusCode, res.Header["Public"] = base.StatusOK, base.HeaderValue{string(base.GetParameter)}
	}
}

func (p *pull) answerDescribe(res *base.Response) {
	if len(res.Header["Location"]) > 0 {
		if to, err := p.answers.url.Parse(strings.TrimSpace(res.Header["Location"][0])); err == nil { // it may be relative
			res.Header["Location"] = base.HeaderValue{to.String()}
		}
		if p.answers.redirects++; p.answers.redirects > maxRedirects {
			delete(res.Header, "Location") // the library takes the status for an error then
		}
	}
	if !p.answers.described {
		return
	}
	if p.answers.size = len(res.Body); p.answers.size > defaultMaxSDP { // the library takes seconds for large ones of a certain kind
		res.Body = nil
		return
	}
	if url, ok := mend.ContentBase(res.Header["Content-Base"]); ok {
		res.Header["Content-Base"] = base.HeaderValue{url}
	} else {
		delete(res.Header, "Content-Base")
	}
	if body, ok := mend.Description(res.Body, isTaken); ok {
		res.Body = body
		p.log.Info("what is malformed in the description is left out")
	}
	if kind := res.Header["Content-Type"]; len(kind) == 0 || mayBeSDP(strings.ToLower(kind[0]), res.Body) {
		res.Header["Content-Type"] = base.HeaderValue{"application/sdp"}
	}
	p.answers.body = res.Body
}

// mayBeSDP reports whether a body is a description by its type, or begins as one does (RFC 8866 section 5.1) and is of no other type.
func mayBeSDP(kind string, body []byte) bool {
	untold := kind == "" || strings.HasPrefix(kind, "text/plain")
	return strings.Contains(kind, "sdp") || untold && bytes.HasPrefix(bytes.TrimSpace(body), []byte("v=0"))
}

func (p *pull) answerSetup(res *base.Response) {
	const useTCP = base.StatusUnsupportedTransport // has the library do so
	p.silence.Reset(p.timeout)
	switch {
	case p.mayBeTCP(res.StatusCode):
		res.StatusCode = useTCP
		return
	case res.StatusCode != base.StatusOK:
		return
	}
	asked := p.answers.transport
	got := mend.Transport(res.Header["Transport"], asked)
	res.Header["Transport"] = got.Marshal()
	if asked.Protocol != headers.TransportProtocolUDP || *asked.Delivery != headers.TransportDeliveryUnicast || got.Protocol != asked.Protocol {
		return
	}
	if *got.Delivery != headers.TransportDeliveryUnicast && p.transport == nil {
		res.StatusCode = useTCP
	}
	if got.ServerPorts == nil {
		p.conn.AnyPortEnable = true // the library reads it after this
	}
}

// answerPlay has what is refused asked for without a range, which RFC 2326 section 10.5 does not ask for, and over TCP.
func (p *pull) answerPlay(res *base.Response) {
	switch {
	case res.StatusCode == base.StatusInvalidRange || res.StatusCode == base.StatusHeaderFieldNotValidForResource:
		p.answers.again, p.answers.unranged = !p.answers.unranged, true
	case p.mayBeTCP(res.StatusCode):
		res.StatusCode = base.StatusOK // when nothing has come then, the library tries TCP
	}
}
