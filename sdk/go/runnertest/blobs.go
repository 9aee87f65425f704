package runnertest

import (
	"fmt"
	"maps"
	"time"

	"runner.dev/sdk/internal/host"
	"runner.dev/sdk/runnerblobs"
)

// blobs are the objects by store and key.
type blobs struct {
	stores  map[string]map[string]*blob
	written int
	refuse  *host.Fault
}

type blob struct {
	bytes []byte
	known host.Object
	of    string // its Content-Type
}

// Blob puts an object into a store of runnerblobs.
func (h *Host) Blob(store, key, content string) {
	h.blobs.put(store, key, []byte(content), "")
}

// Blobs returns the objects of a store and their content.
func (h *Host) Blobs(store string) map[string]string {
	all := map[string]string{}
	for key, of := range h.blobs.stores[store] {
		all[key] = string(of.bytes)
	}
	return all
}

// ContentType returns the Content-Type that an object was written with.
func (h *Host) ContentType(store, key string) string {
	if of := h.blobs.stores[store][key]; of != nil {
		return of.of
	}
	return ""
}

// RefuseBlobs refuses every call of runnerblobs from now on.
func (h *Host) RefuseBlobs(fault runnerblobs.Case, reason string) {
	h.blobs.refuse = &host.Fault{Case: uint8(fault), Reason: reason}
}

// AcceptBlobs accepts calls of runnerblobs again.
func (h *Host) AcceptBlobs() { h.blobs.refuse = nil }

func (b *blobs) put(store, key string, bytes []byte, of string) string {
	b.written++
	etag := fmt.Sprint(b.written)
	if b.stores == nil {
		b.stores = map[string]map[string]*blob{}
	}
	if b.stores[store] == nil {
		b.stores[store] = map[string]*blob{}
	}
	known := host.Object{Key: key, Size: uint64(len(bytes)), Modified: uint64(time.Now().UnixMilli()), ETag: etag}
	b.stores[store][key] = &blob{append([]byte{}, bytes...), known, of}
	return etag
}

func (b *blobs) find(store, key string) (*blob, *host.Fault) {
	if b.refuse != nil {
		return nil, b.refuse
	}
	if of := b.stores[store][key]; of != nil {
		return of, nil
	}
	return nil, blobFault(runnerblobs.NotFound, "%q in the store %q", key, store)
}

func (b *blobs) write(store, key string, bytes []byte, o *host.WriteOptions) (string, *host.Fault) {
	if b.refuse != nil {
		return "", b.refuse
	}
	of := b.stores[store][key]
	if o.Condition == 1 && of != nil || o.Condition == 2 && (of == nil || of.known.ETag != o.ETag) {
		return "", blobFault(runnerblobs.Precondition, "%q is not as expected", key)
	}
	return b.put(store, key, bytes, o.ContentType), nil
}

func blobFault(which runnerblobs.Case, format string, arguments ...any) *host.Fault {
	return &host.Fault{Case: uint8(which), Reason: fmt.Sprintf(format, arguments...)}
}

// carried is whether one call may carry so many bytes, by wit/runner/blobs.wit.
func carried(bytes []byte) *host.Fault {
	if len(bytes) > 8<<20 {
		return blobFault(runnerblobs.TooLarge, "%d bytes; a call carries 8 MiB", len(bytes))
	}
	return nil
}

func (f *fake) BlobGet(store, key string, span *host.Range) ([]byte, *host.Object, *host.Fault) {
	defer f.lock()()
	of, fault := f.blobs.find(store, key)
	if fault != nil {
		return nil, nil, fault
	}
	bytes := of.bytes
	if span != nil {
		begin := min(span.Offset, of.known.Size)
		bytes = bytes[begin:min(begin+span.Length, of.known.Size)]
	}
	known := of.known
	return bytes, &known, carried(bytes)
}

func (f *fake) BlobHead(store, key string) (*host.Object, *host.Fault) {
	defer f.lock()()
	of, fault := f.blobs.find(store, key)
	if fault != nil {
		return nil, fault
	}
	known := of.known
	return &known, nil
}

func (f *fake) BlobPut(store, key string, bytes []byte, o *host.WriteOptions) (string, *host.Fault) {
	defer f.lock()()
	if fault := carried(bytes); fault != nil {
		return "", fault
	}
	return f.blobs.write(store, key, bytes, o)
}

func (f *fake) BlobBegin(store, key string, o *host.WriteOptions) (host.Upload, *host.Fault) {
	defer f.lock()()
	if f.blobs.refuse != nil {
		return nil, f.blobs.refuse
	}
	return &upload{f: f, store: store, key: key, options: *o}, nil
}

// upload is an object that is being written.
type upload struct {
	f          *fake
	store, key string
	options    host.WriteOptions
	bytes      []byte
}

func (u *upload) Append(bytes []byte) *host.Fault {
	defer u.f.lock()()
	if u.f.blobs.refuse != nil {
		return u.f.blobs.refuse
	}
	u.bytes = append(u.bytes, bytes...)
	return carried(bytes)
}

func (u *upload) Finish() (string, *host.Fault) {
	defer u.f.lock()()
	return u.f.blobs.write(u.store, u.key, u.bytes, &u.options)
}

func (u *upload) Drop() {}

func (f *fake) BlobDelete(store, key string) *host.Fault {
	defer f.lock()()
	delete(f.blobs.stores[store], key)
	return f.blobs.refuse
}

func (f *fake) BlobList(store, prefix string, cursor *string, limit uint32) ([]host.Object, *string, *host.Fault) {
	defer f.lock()()
	names, next := paged(maps.Keys(f.blobs.stores[store]), prefix, cursor, limit)
	var objects []host.Object
	for _, name := range names {
		objects = append(objects, f.blobs.stores[store][name].known)
	}
	return objects, next, f.blobs.refuse
}

func (f *fake) BlobPresign(store, key string, access uint8, seconds uint32) (string, *host.Fault) {
	defer f.lock()()
	word := [...]string{"read", "write"}[access]
	return fmt.Sprintf("https://%s.test/%s?access=%s&seconds=%d", store, key, word, seconds), f.blobs.refuse
}
