package blobstore_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

const (
	user   = "livestill"
	secret = "no secret"
	first  = "stills-1"      // the first bucket's name
	soon   = 5 * time.Minute // for what has to happen; no measure of speed
)

// A gateway is a versitygw, an S3 server that keeps its buckets in a folder.
type gateway struct {
	socket  string // Unix; a port might be another's by the time the gateway listens
	buckets atomic.Int32

	program string
	folder  string
	output  *os.File
	process *os.Process   // nil while there is none
	ended   chan struct{} // closed when it has ended
}

// startGateway starts one that lasts as long as the test.
func startGateway(tb testing.TB) *gateway {
	tb.Helper()
	program, err := filepath.Abs("../../../bin/versitygw")
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		tb.Fatalf("%v: the S3 server that the tests need; make test installs it", err)
	}
	dir := tb.TempDir()
	g := &gateway{socket: filepath.Join(dir, "socket"), program: program, folder: filepath.Join(dir, "buckets")}
	if g.output, err = os.Create(filepath.Join(dir, "output")); err != nil {
		tb.Fatal(err)
	}
	if err := os.Mkdir(g.folder, 0o700); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		g.kill()
		_ = g.output.Close()
	})
	if err := g.start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return g
}

// start starts the program, and waits until it listens.
func (g *gateway) start(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // it lasts until kill
	cmd := exec.CommandContext(ctx, g.program, "--port", g.socket, "--quiet", "posix", g.folder)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+user, "ROOT_SECRET_KEY="+secret)
	cmd.Stdout, cmd.Stderr = g.output, g.output
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	g.process, g.ended = cmd.Process, ended
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed
	}()

	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		if conn, err := new(net.Dialer).DialContext(ctx, "unix", g.socket); err == nil {
			return conn.Close()
		}
		select {
		case <-again.C:
			continue
		case <-ended:
		case <-ctx.Done():
		}
		said, _ := os.ReadFile(g.output.Name())
		return fmt.Errorf("%s does not listen: %s", g.program, said)
	}
}

// kill ends the program at once, if it runs.
func (g *gateway) kill() {
	if g.process != nil {
		_ = g.process.Kill()
		<-g.ended
		g.process = nil
	}
	_ = os.Remove(g.socket) // which would be in the way of the next one
}

// client returns one that signs as a user with its secret, and tries again quickly unless asDefault.
func client(tb testing.TB, url, secret string, asDefault bool) *s3.Client {
	tb.Helper()
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return newClient(url, secret, asDefault, transport)
}

func newClient(url, secret string, asDefault bool, transport *http.Transport) *s3.Client {
	o := s3.Options{
		BaseEndpoint: aws.String(url),
		UsePathStyle: true,
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider(user, secret, ""),
		HTTPClient:   &http.Client{Transport: transport},
	}
	if !asDefault {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
	return s3.New(o)
}

// newBucket makes a bucket behind a proxy of its own.
func (g *gateway) newBucket(tb testing.TB) (*blob.Bucket, *proxy) {
	tb.Helper()
	p := newProxy(tb, "unix", g.socket)
	c := client(tb, p.URL, secret, false)
	name := fmt.Sprintf("stills-%d", g.buckets.Add(1))
	if _, err := c.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		tb.Fatal(err)
	}
	return open(tb, c, name), p
}

// open opens a bucket of a client.
func open(tb testing.TB, c *s3.Client, name string) *blob.Bucket {
	tb.Helper()
	bucket, err := s3blob.OpenBucket(tb.Context(), c, name, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := bucket.Close(); err != nil {
			tb.Error(err)
		}
	})
	return bucket
}
