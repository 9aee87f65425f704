//go:build wasip1

// Package wasm is the host as a component has it: the imports and the export of the
// world `runner:plugin/plugin`, by the canonical ABI of the component model. Only the
// SDK's root may call it; it knows nothing of handlers.
package wasm

import (
	"errors"
	"unsafe"

	"runner.dev/sdk/internal/host"
)

// The types below have the layout that the canonical ABI gives to those of the WIT:
// Go aligns the fields of a struct on this architecture as it does.

type text struct{ at, len uint32 }

type list = text

type pair struct{ name, value text }

type optionText struct {
	some uint8
	text text
}

type optionU32 struct {
	some  uint8
	value uint32
}

type optionU64 struct {
	some  uint8
	value uint64
}

// resultText is a `result<_, string>`, or one whose ok case is a list.
type resultText struct {
	failed uint8
	text   text
}

// resultFault is a result whose error is a variant of texts.
type resultFault struct {
	failed uint8
	fault  fault
}

type fault struct {
	which uint8
	text  text
}

// area is where the host writes what an import returns. One is enough: nothing else
// runs between a call and the reading of its result.
var area [16]uint64

func result[T any]() *T { return (*T)(unsafe.Pointer(&area)) }

// kept are the values that the arguments of the running call point to, by addresses
// that the garbage collector does not see.
var kept []unsafe.Pointer

// done ends a call: its arguments may go, and so may what the host has returned.
func done() {
	clear(kept)
	kept = kept[:0]
	returned.reset()
}

func keep(at unsafe.Pointer, n int) text {
	if n == 0 {
		return text{}
	}
	kept = append(kept, at)
	return text{uint32(uintptr(at)), uint32(n)}
}

func lower(s string) text { return keep(unsafe.Pointer(unsafe.StringData(s)), len(s)) }

func lowerList[T any](items []T) list {
	return keep(unsafe.Pointer(unsafe.SliceData(items)), len(items))
}

func lowerPairs(pairs []host.Pair) list {
	out := make([]pair, len(pairs))
	for i, p := range pairs {
		out[i] = pair{lower(p.Name), lower(p.Value)}
	}
	return lowerList(out)
}

func lowerText(s *string) (out optionText) {
	if s != nil {
		out = optionText{1, lower(*s)}
	}
	return out
}

func lowerU32(n *uint32) (out optionU32) {
	if n != nil {
		out = optionU32{1, *n}
	}
	return out
}

func lowerU64(n *uint64) (out optionU64) {
	if n != nil {
		out = optionU64{1, *n}
	}
	return out
}

func items[T any](l list) []T {
	if l.len == 0 {
		return nil
	}
	return unsafe.Slice((*T)(address(l.at)), l.len)
}

func address(at uint32) unsafe.Pointer {
	base := unsafe.Pointer(nil)
	return unsafe.Add(base, uintptr(at))
}

// lift copies a text out of the memory that the next call uses again.
func lift(t text) string { return string(items[byte](t)) }

func liftText(t optionText) (string, bool) { return lift(t.text), t.some == 1 }

func liftPairs(l list) []host.Pair {
	pairs := items[pair](l)
	out := make([]host.Pair, len(pairs))
	for i, p := range pairs {
		out[i] = host.Pair{Name: lift(p.name), Value: lift(p.value)}
	}
	return out
}

func liftTexts(l list) []string {
	texts := items[text](l)
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = lift(t)
	}
	return out
}

func (r *resultText) error() error {
	if r.failed == 0 {
		return nil
	}
	return errors.New(lift(r.text))
}

func (r *resultFault) error() *host.Fault {
	if r.failed == 0 {
		return nil
	}
	return &host.Fault{Case: r.fault.which, Reason: lift(r.fault.text)}
}
