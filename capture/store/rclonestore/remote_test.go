package rclonestore_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pkg/sftp"
	"github.com/rclone/rclone/fs/config/obscure"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
	"golang.org/x/net/webdav"

	_ "github.com/rclone/rclone/backend/local"
	_ "github.com/rclone/rclone/backend/memory"
	_ "github.com/rclone/rclone/backend/sftp"
	_ "github.com/rclone/rclone/backend/webdav"

	"github.com/livestill/livestill/internal/disktest"
)

const user, password = "camera", "p,a:s's\"w ord"

// stills is the folder that the WebDAV server's Remote names.
const stills = "stills"

// A gate is open until it is shut.
type gate struct {
	mu      sync.Mutex
	shut    chan struct{} // nil if open
	reached chan struct{} // gets the first that waits
}

// close shuts the gate until open is called, once or more.
func (g *gate) close() (open func()) {
	shut := make(chan struct{})
	g.mu.Lock()
	g.shut, g.reached = shut, make(chan struct{}, 1)
	g.mu.Unlock()
	return sync.OnceFunc(func() {
		g.mu.Lock()
		g.shut = nil
		g.mu.Unlock()
		close(shut)
	})
}

// pass waits until the gate is open.
func (g *gate) pass() {
	g.mu.Lock()
	shut, reached := g.shut, g.reached
	g.mu.Unlock()
	if shut == nil {
		return
	}
	select {
	case reached <- struct{}{}:
	default:
	}
	<-shut
}

// serveWebDAV serves dir by WebDAV behind wrap, and returns its Remote.
func serveWebDAV(t *testing.T, dir string, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	handler := &webdav.Handler{FileSystem: webdav.Dir(dir), LockSystem: webdav.NewMemLS()}
	var making sync.Mutex // a folder: this server refuses all but one who make it at once, and rclone tries again just twice
	dav := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "MKCOL" {
			making.Lock()
			defer making.Unlock()
		}
		handler.ServeHTTP(w, r)
	}))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		dav.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return fmt.Sprintf(":webdav,url='%s',user=%s,pass=%s,pacer_min_sleep=0:%s", server.URL, user, obscure.MustObscure(password), stills)
}

// renames has MOVE replace at once; that of x/net/webdav deletes first, as the standard has it.
func renames(dir string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != "MOVE" {
				next.ServeHTTP(w, r)
				return
			}
			to, err := url.Parse(r.Header.Get("Destination"))
			if err == nil {
				err = rename(dir, strings.TrimPrefix(r.URL.Path, "/"), strings.TrimPrefix(to.Path, "/"))
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
	}
}

func rename(dir, from, to string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	return errors.Join(root.Rename(from, to), root.Close())
}

// serveSFTP serves the file system by SFTP to who comes through the gate, and returns the Remote of dir.
func serveSFTP(t *testing.T, dir string, gate *gate) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		if c.User() != user || string(p) != password {
			return nil, errors.New("who are you?")
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				_ = serveSSH(gated{conn, gate}, config) // until the client goes
			})
		}
	})
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	address := listener.Addr().String()
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte(knownhosts.Line([]string{address}, signer.PublicKey())), 0o600); err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(":sftp,host=%s,port=%s,user=%s,pass=%s,known_hosts_file=%s:%s",
		host, port, user, obscure.MustObscure(password), known, dir)
}

// gated is a connection that is read when the gate is open.
type gated struct {
	net.Conn
	gate *gate
}

func (g gated) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	g.gate.pass()
	return n, err
}

// serveSSH serves SFTP, and no shell.
func serveSSH(conn net.Conn, config *ssh.ServerConfig) error {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	go ssh.DiscardRequests(requests)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return err
		}
		sessions.Go(func() {
			for r := range requests {
				isSFTP := r.Type == "subsystem" && strings.HasSuffix(string(r.Payload), "sftp")
				if r.WantReply && r.Reply(isSFTP, nil) != nil || !isSFTP {
					continue
				}
				server, err := sftp.NewServer(channel)
				if err != nil {
					return
				}
				sessions.Go(func() {
					_ = server.Serve() // until the client closes the session
					_ = server.Close()
				})
			}
		})
	}
	return nil
}

// filesIn reads all visible files of a folder, if there is one, by their locations, which begin with at.
func filesIn(dir, at string) func() (map[string][]byte, error) {
	return func() (map[string][]byte, error) { return disktest.Files(dir, at+"/") }
}
