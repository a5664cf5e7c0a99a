package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// A Store keeps finished stills. One of your own is a method, or a StoreFunc; capturetest.TestStore checks all that follows, and package
// store has ready-made ones.
//
// A still's key is its Stream, ID, Variant, Time, Type and Request.By together. None is trusted: a Stream is called what its publisher
// likes, with slashes, dots, line feeds or two thousand bytes in it, and an ID what the caller likes. A Store makes of the key a name
// that is safe where it keeps things, and of different keys different names; store.Template does. A still without an ID is rejected.
//
// When Put returns nil, the still is as safe as the Store can make it: a disk has flushed it, a service has acknowledged it. Not
// before: Capture tells its caller then that the picture is kept. location says where it is: a path, a URL, an object's key.
//
// Put is idempotent. Of a still whose key is there already it replaces the file: nobody finds two, and who reads meanwhile finds the
// old one or the new one, whole. So a Put that failed may be tried again, although it may have stored the still before it failed, as
// when only the answer was lost. A still that is half written is not to be found, neither by List nor by whoever reads the medium.
//
// Put is safe for concurrent use, of the same key too: one of the files is there in the end. It does not write to s, and does not
// keep it, but may keep s.Data and s.Picture, which are immutable.
//
// When ctx is done, Put returns soon, with an error for which errors.Is tells context.Cause(ctx), or with nil if the still was stored.
// A Put whose ctx is done already stores nothing.
//
// An error for which errors.Is tells ErrRejected is about this one still, for good: no repetition helps, as with a name that is too
// long or a file that is too large. All others are worth trying again, even a refusal: disks are cleared, networks mended, credentials
// renewed.
type Store interface {
	Put(ctx context.Context, s *Still) (location string, err error)
}

// ErrRejected ends the attempts to store a still: see Store.
var ErrRejected = errors.New("the store will never take this still")

// Reject returns the error with which a Store rejects a still for good. It is an ErrRejected, and err.
func Reject(err error) error { return fmt.Errorf("%w: %w", ErrRejected, err) }

// StoreFunc makes a Store of a function.
type StoreFunc func(ctx context.Context, s *Still) (location string, err error)

// Put calls f.
func (f StoreFunc) Put(ctx context.Context, s *Still) (string, error) { return f(ctx, s) }

// StoreStats are what a store's Puts have come to since it was made. What is there, and what Puts of other processes came to, it does not know:
// see Lister, and Progress of a Spool.
type StoreStats struct {
	Putting  int           `json:"putting"`      // Puts under way
	Put      int64         `json:"put"`          // that ended well
	Failed   int64         `json:"failed"`       // worth trying again
	Rejected int64         `json:"rejected"`     // for good
	Bytes    int64         `json:"bytes"`        // of the image files put
	Took     time.Duration `json:"took_seconds"` // by all, together
}

type (
	bareStoreStats StoreStats // without methods
	storeStatsJSON struct {
		*bareStoreStats
		Took seconds `json:"took_seconds"`
	}
)

// MarshalJSON writes Took in seconds.
func (s StoreStats) MarshalJSON() ([]byte, error) {
	return json.Marshal(storeStatsJSON{(*bareStoreStats)(&s), seconds(s.Took)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *StoreStats) UnmarshalJSON(b []byte) error {
	j := storeStatsJSON{(*bareStoreStats)(s), seconds(s.Took)}
	err := json.Unmarshal(b, &j)
	s.Took = time.Duration(j.Took)
	return err
}

// A Locator is a Store that knows beforehand where it would put a still.
type Locator interface {
	Store
	Locate(s *Still) (location string, err error)
}

// An Opener is a Store that gives back what was put into it, whoever put it and however long ago.
//
// Open opens the still at a location that Put or List named. The location may come from a stranger: what is no still of this Store's is not
// there, wherever it leads. Of what is not there errors.Is tells fs.ErrNotExist; any other error is worth trying again. Whoever opens a still
// closes it.
//
// An Opener keeps what Put was told of a still for as long as it keeps the file, and replaces both together: whoever opens a still finds the
// truth of the very bytes that he reads. It takes Labels of MaxLabels, and rejects a still with more.
type Opener interface {
	Store
	Open(ctx context.Context, location string) (*Opened, error)
}

// MaxLabels is how many bytes of Labels a Store takes of one still, names and values together, all in UTF-8. More is an ErrRejected.
const MaxLabels = 8 << 10

// An Opened is a still that is being read, by one goroutine at a time. With http.ServeContent an app shows it:
//
//	w.Header().Set("Content-Type", opened.Still.Type)
//	http.ServeContent(w, r, "", opened.Modified, opened)
type Opened struct {
	// The image file. When the still is replaced or deleted meanwhile, it
	// goes on to be the file that was opened, or Read fails. Read may also
	// fail when the context of Open has ended.
	io.ReadSeekCloser

	Size     int64     // of the image file, in bytes
	Modified time.Time // when it was put, by the store's clock

	// Still is what Put was told, as far as JSON has it, with Location set:
	// so without Data and pictures. It is the caller's. Of a still that was
	// put before stores kept it, it is what the name tells.
	Still *Still
}

// A Lister is a Store that tells what it has.
//
// List yields the stills that match, in any order, and an error as its last pair when it cannot go on. What is put or deleted
// meanwhile may be missed or not. A store of several yields each still once, as the first of them has it.
type Lister interface {
	Store
	List(ctx context.Context, which Selection) iter.Seq2[Stored, error]
}

// A Deleter is a Store that can forget, as the law, or a user, wants of it.
//
// Delete deletes all copies and variants of all stills that match, of those whose Put returned before, and says how many files
// those were. When it returns nil none is left. To delete what is not there is no error. After an error some may be left, and Delete
// may be tried again. A Selection that selects all is refused with ErrSelectsAll. What the medium itself keeps, such as older versions in
// a bucket with versioning, is its owner's affair.
type Deleter interface {
	Store
	Delete(ctx context.Context, which Selection) (files int, err error)
}

// A DeleteWatcher is a Deleter that tells beforehand what it deletes, so that nobody puts it back: Camera.Refine wants that.
//
// OnDelete has selected called by each Delete of this value that selects s, before anything is deleted and on Delete's goroutine, with Delete's
// context, until stop is called. Delete waits for it to return. It goes by s's key, whether s is there or not, and does not keep s. Deletes of
// others, such as other programs, it does not know. A store of several asks each, and those that cannot tell do not. A Put that deletes, to make
// room, hands its context on to Delete: else that would wait for the Put, ten seconds.
type DeleteWatcher interface {
	Deleter
	OnDelete(s *Still, selected func(ctx context.Context)) (stop func())
}

// ErrSelectsAll is Delete's refusal to delete all there is, for want of a field in its Selection.
var ErrSelectsAll = errors.New("selection selects every still")

// A Selection selects stills by their key and by who asked for them: those that match all fields that are not zero. The zero Selection
// selects all.
type Selection struct {
	Stream string    // exactly
	ID     string    // of the still: all variants
	By     string    // Request.By
	Since  time.Time // those whose Time is not before it
	Before time.Time // those whose Time is before it

	// Since and Before are cut to what the Store keeps, a millisecond or better.
}

// All reports whether w selects all stills.
func (w Selection) All() bool { return w == Selection{} }

// A Stored is a still that a Lister has.
type Stored struct {
	Location string `json:"location"` // as Put returned it
	Stream   string `json:"stream"`
	ID       string `json:"id"`
	Variant  string `json:"variant,omitempty"`

	// By is what stands for Request.By in the store's names: not who asked,
	// but the same for the same; empty for nobody.
	By string `json:"by,omitempty"`

	// Time is in UTC; zero if the store's Template does not keep it.
	Time time.Time `json:"time"`

	Type string `json:"type"` // media type; empty if unknown
	Size int64  `json:"size"` // bytes
}
