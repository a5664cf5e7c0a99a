package digest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/livestill/livestill/rtsp/internal/digest"
)

// TestExamples has the examples of the RFCs.
func TestExamples(t *testing.T) {
	const cnonce7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	const digest7616 = `Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ` +
		`opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", algorithm=`
	for _, test := range []struct{ about, header, password, cnonce, response string }{
		{"RFC 2617 section 3.5", `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ` +
			`opaque="5ccc069c403ebaf9f0171e9517f40e41"`, "Circle Of Life", "0a4f113b", "6629fae49393a05397450978507c4ef1"},
		{"RFC 7616 section 3.9.1, MD5", digest7616 + "MD5", "Circle of Life", cnonce7616, "8ca523f5e9506fed4657c9700eebdbec"},
		{"RFC 7616 section 3.9.1, SHA-256", digest7616 + "SHA-256", "Circle of Life", cnonce7616,
			"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	} {
		answer := digest.Answer(test.header, url.UserPassword("Mufasa", test.password), "GET", "/dir/index.html", test.cnonce)
		for _, want := range []string{`response="` + test.response + `"`, "qop=auth,", "nc=00000001", `cnonce="` + test.cnonce + `"`, `opaque="`} {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: %s; want %s", test.about, answer, want)
			}
		}
	}
	if answer := digest.Answer(`Basic realm="x"`, url.UserPassword("Aladdin", "open sesame"), "GET", "/", ""); answer != "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" {
		t.Errorf("RFC 7617 section 2: %s", answer)
	}
}
