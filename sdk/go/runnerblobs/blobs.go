// Package runnerblobs reads and writes objects in the stores that are granted to the
// plugin: S3, Google Cloud Storage, Azure, a directory.
//
//	[plugins.documents.blobs]
//	inbox = "s3://uploads/incoming"
//	results = { url = "s3://results", write = true }
//
// A plugin knows a store by its name there. [Get] and [Put] take up to 8 MiB at once,
// [Open] and [Create] objects of any size:
//
//	from, err := runnerblobs.Open(ctx, "inbox", key)
//	if err != nil {
//		return nil, err
//	}
//	to, err := runnerblobs.Create(ctx, "results", key, runnerblobs.Options{})
//	if err != nil {
//		return nil, err
//	}
//	defer to.Abort()
//	if _, err := io.Copy(to, from); err != nil {
//		return nil, err
//	}
//	etag, err := to.Finish()
package runnerblobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"

	"runner.dev/sdk/internal/host"
)

// Case is why it was not done.
type Case uint8

// Why it was not done.
const (
	Denied       Case = iota // the store is not granted, or only for reading, or refuses Runner
	NotFound                 // there is no such object, or no such bucket
	Precondition             // the object is there already, or was changed
	Invalid                  // the key, a range or an argument is wrong
	TooLarge                 // more bytes than a call may carry or the grant allows
	TimedOut                 // it took longer than it may
	Unavailable              // the store is not there, or failed
)

// Error is why it was not done. When a handler returns it, TimedOut and Unavailable retry
// the job; the others reject it.
type Error struct {
	Case   Case
	Reason string
}

// Error is the reason.
func (e *Error) Error() string { return e.Reason }

// Timeout is whether it took too long.
func (e *Error) Timeout() bool { return e.Case == TimedOut }

// Verdict is what the error does to the job, when the handler returns it.
func (e *Error) Verdict() (host.Kind, time.Duration) {
	if e.Case == TimedOut || e.Case == Unavailable {
		return host.Retry, 0
	}
	return host.Reject, 0
}

// Object is what is known of an object.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
	ETag     string // changes with its content; "" where the store has none
}

// Options are how an object is written. The zero value replaces one that is there.
type Options struct {
	// IfAbsent writes it only if there is no object of this key.
	IfAbsent bool
	// IfUnchanged writes it only if the object has this ETag.
	IfUnchanged string
	// ContentType is its Content-Type, where the store keeps one.
	ContentType string
}

// part is how many bytes one call of a stream carries: few calls, and a small part of a
// plugin's memory.
const part = 1 << 20

// Get reads an object of at most 8 MiB; [Open] reads larger ones. The error of all
// functions is an [*Error], or that of the context.
func Get(ctx context.Context, store, key string) ([]byte, error) {
	return get(ctx, store, key, nil)
}

// GetRange reads at most length bytes of an object, up to 8 MiB, from offset on.
func GetRange(ctx context.Context, store, key string, offset, length int64) ([]byte, error) {
	if offset < 0 || length < 0 {
		return nil, &Error{Invalid, "a range has an offset and a length from 0"}
	}
	return get(ctx, store, key, &host.Range{Offset: uint64(offset), Length: uint64(length)})
}

func get(ctx context.Context, store, key string, span *host.Range) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	bytes, _, fault := host.Get().BlobGet(store, key, span)
	return bytes, lift(fault)
}

// Head returns what is known of an object, without its content.
func Head(ctx context.Context, store, key string) (*Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	known, fault := host.Get().BlobHead(store, key)
	if fault != nil {
		return nil, lift(fault)
	}
	return liftObject(known), nil
}

// Put writes an object of at most 8 MiB, whole or not at all. It returns its ETag, where
// the store has one.
func Put(ctx context.Context, store, key string, bytes []byte, options Options) (etag string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	lowered, err := options.lower()
	if err != nil {
		return "", err
	}
	etag, fault := host.Get().BlobPut(store, key, bytes, lowered)
	return etag, lift(fault)
}

// Delete removes an object. It is no error if there is none.
func Delete(ctx context.Context, store, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return lift(host.Get().BlobDelete(store, key))
}

// List are the objects whose key begins with prefix, in the order of their keys. They are
// asked for page by page. An error is the last that comes.
func List(ctx context.Context, store, prefix string) iter.Seq2[*Object, error] {
	return func(yield func(*Object, error) bool) {
		for cursor, more := (*string)(nil), true; more; more = cursor != nil {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			objects, next, fault := host.Get().BlobList(store, prefix, cursor, 1000)
			if fault != nil {
				yield(nil, lift(fault))
				return
			}
			for i := range objects {
				if !yield(liftObject(&objects[i]), nil) {
					return
				}
			}
			cursor = next
		}
	}
}

// Access is what a signed URL allows.
type Access uint8

// What a signed URL allows.
const (
	Read  Access = iota // to get the object
	Write               // to put it
)

// Presign returns a URL with which anybody can read or write this one object for so long,
// in whole seconds, at most 7 days.
func Presign(ctx context.Context, store, key string, access Access, valid time.Duration) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	seconds := uint32(min(max(0, valid/time.Second), math.MaxUint32))
	url, fault := host.Get().BlobPresign(store, key, uint8(access), seconds)
	return url, lift(fault)
}

// Reader reads an object of any size, part by part; an io.ReadSeeker and io.ReaderAt.
type Reader struct {
	ctx        context.Context
	store      string
	known      *Object
	at, begins int64
	bytes      []byte
}

// Open begins to read an object. One that is changed meanwhile is an error with the case
// Precondition.
func Open(ctx context.Context, store, key string) (*Reader, error) {
	known, err := Head(ctx, store, key)
	if err != nil {
		return nil, err
	}
	return &Reader{ctx: ctx, store: store, known: known}, nil
}

// Object is what is known of the object.
func (r *Reader) Object() *Object { return r.known }

// Read reads on from where the last call ended.
func (r *Reader) Read(into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	if r.at >= r.known.Size {
		return 0, io.EOF
	}
	if r.at < r.begins || r.at >= r.begins+int64(len(r.bytes)) {
		bytes, err := r.fetch(r.at, part)
		if err != nil {
			return 0, err
		}
		r.bytes, r.begins = bytes, r.at
	}
	n := copy(into, r.bytes[r.at-r.begins:])
	r.at += int64(n)
	return n, nil
}

// ReadAt reads from a place of the object.
func (r *Reader) ReadAt(into []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, errors.New("runnerblobs: a position before the object")
	}
	for n < len(into) {
		if at+int64(n) >= r.known.Size {
			return n, io.EOF
		}
		bytes, err := r.fetch(at+int64(n), min(part, len(into)-n))
		if err != nil {
			return n, err
		}
		n += copy(into[n:], bytes)
	}
	return n, nil
}

func (r *Reader) fetch(at int64, length int) ([]byte, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	span := &host.Range{Offset: uint64(at), Length: uint64(length)}
	bytes, now, fault := host.Get().BlobGet(r.store, r.known.Key, span)
	if fault != nil {
		return nil, lift(fault)
	}
	if *liftObject(now) != *r.known || len(bytes) == 0 {
		return nil, &Error{Precondition, fmt.Sprintf("%q was changed while it was read", r.known.Key)}
	}
	return bytes, nil
}

// Seek sets where the next Read begins.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	at := offset + [...]int64{0, r.at, r.known.Size}[whence]
	if at < 0 {
		return 0, errors.New("runnerblobs: a position before the object")
	}
	r.at = at
	return at, nil
}

// Writer writes an object of any size, part by part. It appears, whole, with Finish;
// until then, and if it is aborted or the job ends, there is no trace of it.
type Writer struct {
	ctx    context.Context
	upload host.Upload
	bytes  []byte
}

// Create begins to write an object.
func Create(ctx context.Context, store, key string, options Options) (*Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lowered, err := options.lower()
	if err != nil {
		return nil, err
	}
	upload, fault := host.Get().BlobBegin(store, key, lowered)
	if fault != nil {
		return nil, lift(fault)
	}
	return &Writer{ctx: ctx, upload: upload}, nil
}

var errEnded = &Error{Invalid, "the object was written or aborted already"}

// Write adds bytes at the end.
func (w *Writer) Write(bytes []byte) (int, error) {
	if w.upload == nil {
		return 0, errEnded
	}
	for n := 0; n < len(bytes); {
		take := min(part-len(w.bytes), len(bytes)-n)
		w.bytes = append(w.bytes, bytes[n:n+take]...)
		if len(w.bytes) == part {
			if err := w.send(); err != nil {
				return n, err
			}
		}
		n += take
	}
	return len(bytes), nil
}

func (w *Writer) send() error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if len(w.bytes) == 0 {
		return nil
	}
	fault := w.upload.Append(w.bytes)
	w.bytes = w.bytes[:0]
	return lift(fault)
}

// Finish writes the object. It returns its ETag, where the store has one.
func (w *Writer) Finish() (etag string, err error) {
	if w.upload == nil {
		return "", errEnded
	}
	defer w.Abort()
	if err := w.send(); err != nil {
		return "", err
	}
	etag, fault := w.upload.Finish()
	return etag, lift(fault)
}

// Abort leaves no trace of an object that is not finished; after Finish it does nothing.
// Call it with defer.
func (w *Writer) Abort() {
	if w.upload != nil {
		w.upload.Drop()
		w.upload, w.bytes = nil, nil
	}
}

func (o Options) lower() (*host.WriteOptions, error) {
	lowered := &host.WriteOptions{ETag: o.IfUnchanged, ContentType: o.ContentType}
	switch {
	case o.IfAbsent && o.IfUnchanged != "":
		return nil, &Error{Invalid, "an object is written if it is absent or if it is unchanged, not both"}
	case o.IfAbsent:
		lowered.Condition = 1
	case o.IfUnchanged != "":
		lowered.Condition = 2
	}
	return lowered, nil
}

func liftObject(o *host.Object) *Object {
	return &Object{Key: o.Key, Size: int64(o.Size), Modified: time.UnixMilli(int64(o.Modified)), ETag: o.ETag}
}

func lift(fault *host.Fault) error {
	if fault == nil {
		return nil
	}
	return &Error{Case(fault.Case), fault.Reason}
}
