package blobstore_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/memblob" // s3blob for "s3://stills?region=eu-central-1"; azureblob, gcsblob

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/blobstore"
)

// A camera's Store may be a bucket. Here it is used as the camera does.
func Example() {
	ctx := context.Background()
	bucket, err := blob.OpenBucket(ctx, "mem://")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bucket.Close() }()
	stills := &blobstore.Store{Bucket: bucket, Base: "https://cdn.example.com/"}

	location, err := stills.Put(ctx, &capture.Still{
		Stream: "live/alice", ID: "KXW3B4TM2J", Request: capture.Request{By: "carol"},
		Time: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC), Type: "image/jpeg", Data: []byte("a JPEG"),
	})
	fmt.Println(location, err)

	for s, err := range stills.List(ctx, capture.Selection{Stream: "live/alice"}) {
		fmt.Println(s.ID, s.Time, s.Type, s.Size, err)
	}

	files, err := stills.Delete(ctx, capture.Selection{By: "carol"})
	fmt.Println(files, err)
	// Output:
	// https://cdn.example.com/live/alice/20260506_070809.000_KXW3B4TM2J~4c26d9074c27d89e.jpg <nil>
	// KXW3B4TM2J 2026-05-06 07:08:09 +0000 UTC image/jpeg 6 <nil>
	// 1 <nil>
}
