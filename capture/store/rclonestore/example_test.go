package rclonestore_test

import (
	"context"
	"fmt"
	"log"
	"time"

	_ "github.com/rclone/rclone/backend/memory" // backend/drive for Google Drive, backend/smb for a NAS

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/rclonestore"
)

func Example() {
	ctx := context.Background()
	stills := &rclonestore.Store{Remote: ":memory:stills"} // "drive:stills", after rclone config has made a remote named drive

	location, err := stills.Put(ctx, &capture.Still{
		ID: "KXW3B4TM2J", Stream: "live/alice", Data: []byte("a picture"), Type: "image/jpeg",
		Time: time.Date(2026, 5, 6, 7, 8, 9, 123e6, time.UTC), Request: capture.Request{By: "bob"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(location)

	n, err := stills.Delete(ctx, capture.Selection{By: "bob"})
	fmt.Println(n, err)
	// Output:
	// memory:stills/live/alice/20260506_070809.123_KXW3B4TM2J~81b637d8fcd2c6da.jpg
	// 1 <nil>
}
