//go:build wasip1

package wasm

import "unsafe"

// The host writes the arguments of the export and what the imports return into memory
// that it asks for with `cabi_realloc`. While it does, nothing may call it back. Go's
// garbage collector would (it reads the clock), so this memory is not the collector's:
// it comes from below Go's heap.

//go:linkname sbrk runtime.sbrk
func sbrk(n uintptr) unsafe.Pointer

// least is how much is asked for at a time: one page of Wasm.
const least = 64 << 10

// arena gives out memory until it is reset, and then the same memory again.
type arena struct {
	chunks [32]chunk // each at least twice as large as the one before: 32 are beyond 4 GiB
	len    int       // how many there are
	now    int       // the one in use
	used   uintptr   // of the one in use
}

type chunk struct {
	at   unsafe.Pointer
	size uintptr
}

// returned is for arguments and results; each is copied before the next call.
var returned arena

func (a *arena) reset() { a.now, a.used = 0, 0 }

func (a *arena) alloc(align, size uintptr) unsafe.Pointer {
	for ; a.now < a.len; a.now, a.used = a.now+1, 0 {
		from := (a.used + align - 1) &^ (align - 1)
		if from+size <= a.chunks[a.now].size {
			a.used = from + size
			return unsafe.Add(a.chunks[a.now].at, from)
		}
	}
	want := max(size, least)
	if a.len > 0 {
		want = max(want, 2*a.chunks[a.len-1].size)
	}
	if a.len == len(a.chunks) {
		return nil
	}
	at := sbrk(want)
	if at == nil && want > size {
		want = size
		at = sbrk(want)
	}
	if at == nil {
		panic("out of memory")
	}
	a.chunks[a.len] = chunk{at, want}
	a.now, a.used = a.len, size
	a.len++
	return at
}

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	at := returned.alloc(uintptr(align), uintptr(size))
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(at), size), unsafe.Slice((*byte)(old), oldSize))
	}
	return at
}

// The adapter of WASI keeps its state and its stack for good, and asks for them before
// Go is initialised.
//
//go:wasmexport cabi_realloc_adapter
func reallocAdapter(_ unsafe.Pointer, _, _, size uint32) unsafe.Pointer {
	return sbrk(uintptr(size))
}
