// Package store has ready-made stores for stills, and what turns several into one:
//
//   - Dir, a folder of a disk, a drive or a NAS, and Mem, this process's memory;
//   - Tee, which puts into all of its stores, Failover, which puts into the first that works, Retry, which tries again, and Spool, which
//     keeps stills on the local disk until a slower store has taken them.
//
// Nested modules, with go.mod files of their own, bring further dependencies: blobstore (S3, Google Cloud Storage, Azure) and rclonestore
// (all that rclone knows). List, Open, Delete and Locate do what a Store can, or say that it cannot. Template names stills, for a store of your
// own too.
package store
