//go:build wasip1

package wasm

import (
	"unsafe"

	"runner.dev/sdk/internal/host"
)

//go:wasmimport runner:plugin/blobs@0.1.0 get
func blobsGet(store, key string, hasRange uint32, offset, length uint64, out unsafe.Pointer)

//go:wasmimport runner:plugin/blobs@0.1.0 head
func blobsHead(store, key string, out unsafe.Pointer)

//go:wasmimport runner:plugin/blobs@0.1.0 put
func blobsPut(store, key string, bytes, len, condition uint32, etag string, hasType uint32, contentType string, out unsafe.Pointer)

//go:wasmimport runner:plugin/blobs@0.1.0 begin
func blobsBegin(store, key string, condition uint32, etag string, hasType uint32, contentType string, out unsafe.Pointer)

//go:wasmimport runner:plugin/blobs@0.1.0 [method]upload.append
func uploadAppend(upload, bytes, len uint32, out unsafe.Pointer)

//go:wasmimport runner:plugin/blobs@0.1.0 [method]upload.finish
func uploadFinish(upload uint32, out unsafe.Pointer)

//go:wasmimport runner:plugin/blobs@0.1.0 [resource-drop]upload
func uploadDrop(upload uint32)

//go:wasmimport runner:plugin/blobs@0.1.0 delete
func blobsDelete(store, key string, out unsafe.Pointer)

//go:wasmimport runner:plugin/blobs@0.1.0 list-objects
func blobsListObjects(store, prefix string, hasCursor uint32, cursor string, limit uint32, out unsafe.Pointer)

//go:wasmimport runner:plugin/blobs@0.1.0 presign
func blobsPresign(store, key string, access, seconds uint32, out unsafe.Pointer)

type object struct {
	key            text
	size, modified uint64
	etag           optionText
}

func liftObject(o *object) host.Object {
	lifted := host.Object{Key: lift(o.key), Size: o.size, Modified: o.modified}
	if o.etag.some == 1 {
		lifted.ETag = lift(o.etag.text)
	}
	return lifted
}

// etag reads a result whose ok case is an optional text.
func etag() (string, *host.Fault) {
	if fault := result[resultFault]().error(); fault != nil {
		return "", fault
	}
	found := result[struct {
		failed uint8
		etag   optionText
	}]().etag
	if found.some == 0 {
		return "", nil
	}
	return lift(found.text), nil
}

func (Host) BlobGet(store, key string, span *host.Range) ([]byte, *host.Object, *host.Fault) {
	defer done()
	var of host.Range
	if span != nil {
		of = *span
	}
	blobsGet(store, key, flag(span != nil), of.Offset, of.Length, out)
	if fault := wideFault(); fault != nil {
		return nil, nil, fault
	}
	found := result[wide[struct {
		bytes  list
		object object
	}]]().value
	known := liftObject(&found.object)
	return append([]byte{}, items[byte](found.bytes)...), &known, nil
}

func (Host) BlobHead(store, key string) (*host.Object, *host.Fault) {
	defer done()
	blobsHead(store, key, out)
	if fault := wideFault(); fault != nil {
		return nil, fault
	}
	known := liftObject(&result[wide[object]]().value)
	return &known, nil
}

func (Host) BlobPut(store, key string, bytes []byte, o *host.WriteOptions) (string, *host.Fault) {
	defer done()
	b := lowerList(bytes)
	blobsPut(store, key, b.at, b.len, uint32(o.Condition), o.ETag, flag(o.ContentType != ""), o.ContentType, out)
	return etag()
}

func (Host) BlobBegin(store, key string, o *host.WriteOptions) (host.Upload, *host.Fault) {
	defer done()
	blobsBegin(store, key, uint32(o.Condition), o.ETag, flag(o.ContentType != ""), o.ContentType, out)
	if fault := result[resultFault]().error(); fault != nil {
		return nil, fault
	}
	handle := result[struct{ failed, handle uint32 }]().handle
	return upload(handle), nil
}

// upload is the handle of the resource.
type upload uint32

func (u upload) Append(bytes []byte) *host.Fault {
	defer done()
	b := lowerList(bytes)
	uploadAppend(uint32(u), b.at, b.len, out)
	return result[resultFault]().error()
}

func (u upload) Finish() (string, *host.Fault) {
	defer done()
	uploadFinish(uint32(u), out)
	return etag()
}

func (u upload) Drop() { uploadDrop(uint32(u)) }

func (Host) BlobDelete(store, key string) *host.Fault {
	defer done()
	blobsDelete(store, key, out)
	return result[resultFault]().error()
}

func (Host) BlobList(store, prefix string, cursor *string, limit uint32) ([]host.Object, *string, *host.Fault) {
	defer done()
	has, at := flag(cursor != nil), ""
	if cursor != nil {
		at = *cursor
	}
	blobsListObjects(store, prefix, has, at, limit, out)
	found, next, fault := page()
	objects := items[object](found)
	lifted := make([]host.Object, len(objects))
	for i := range objects {
		lifted[i] = liftObject(&objects[i])
	}
	return lifted, next, fault
}

func (Host) BlobPresign(store, key string, access uint8, seconds uint32) (string, *host.Fault) {
	defer done()
	blobsPresign(store, key, uint32(access), seconds, out)
	if fault := result[resultFault]().error(); fault != nil {
		return "", fault
	}
	return lift(result[resultText]().text), nil
}
