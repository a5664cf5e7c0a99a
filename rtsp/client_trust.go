package rtsp

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A CertificateError says that the certificate of a server is not trusted. It ends Client.Run, unless all that is wrong is the date.
type CertificateError struct {
	// Fingerprint is of the certificate, SHA-256. It may go into
	// Client.Fingerprints, once it is known to be the right one.
	Fingerprint string

	// Err is often a *tls.CertificateVerificationError.
	Err error
}

func (e *CertificateError) Error() string {
	return "certificate not trusted: " + e.Err.Error() + "; its SHA-256 fingerprint is " + e.Fingerprint
}

// Unwrap returns e.Err.
func (e *CertificateError) Unwrap() error { return e.Err }

// distrusts tells whether err is of a certificate that will not be trusted later either. One with wrong dates may be: certificates
// are renewed, and the clock of a machine that has just started may not be set yet.
func distrusts(err error) bool {
	var cert *CertificateError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &cert) && (!errors.As(err, &invalid) || invalid.Reason != x509.Expired)
}

func untrusted(leaf *x509.Certificate, err error) error {
	sum := sha256.Sum256(leaf.Raw)
	hexed := strings.ToUpper(hex.EncodeToString(sum[:]))
	var pairs []string
	for pair := range slices.Chunk([]byte(hexed), 2) {
		pairs = append(pairs, string(pair))
	}
	return &CertificateError{strings.Join(pairs, ":"), err}
}

// trust returns the TLS configuration to dial with.
func (c *Client) trust(scheme string) (*tls.Config, error) {
	config := c.TLSConfig.Clone()
	switch {
	case len(c.Fingerprints) == 0:
		return config, nil
	case scheme != "rtsps":
		return nil, errPlain
	}
	pins := make(map[[sha256.Size]byte]bool)
	for _, f := range c.Fingerprints {
		sum, err := hex.DecodeString(strings.ReplaceAll(f, ":", ""))
		if err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("not a SHA-256 fingerprint: %q", f)
		}
		pins[[sha256.Size]byte(sum)] = true
	}
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.InsecureSkipVerify = true // of authorities, names and dates; VerifyConnection is called for resumed connections too
	verify := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		leaf := state.PeerCertificates[0]
		switch {
		case !pins[sha256.Sum256(leaf.Raw)]:
			return untrusted(leaf, errPins)
		case verify != nil:
			return verify(state)
		}
		return nil
	}
	return config, nil
}
