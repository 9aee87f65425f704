package runnertest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"runner.dev/sdk/internal/host"
	"runner.dev/sdk/runnerkv"
)

// keys are those of runnerkv, which end by the clock of the test.
type keys struct {
	held   map[string]held
	now    uint64
	refuse *host.Fault
}

type held struct {
	value []byte
	end   *uint64
}

// Advance lets time pass for the keys of runnerkv.
func (h *Host) Advance(by time.Duration) { h.kv.now += uint64(by.Milliseconds()) }

// KV returns the keys of runnerkv and their values.
func (h *Host) KV() map[string]string {
	all := map[string]string{}
	for key, held := range h.kv.lasting() {
		all[key] = string(held.value)
	}
	return all
}

// RefuseKV refuses every call of runnerkv from now on.
func (h *Host) RefuseKV(fault runnerkv.Case, reason string) {
	h.kv.refuse = &host.Fault{Case: uint8(fault), Reason: reason}
}

// AcceptKV accepts calls of runnerkv again.
func (h *Host) AcceptKV() { h.kv.refuse = nil }

func (k *keys) lasting() map[string]held {
	if k.held == nil {
		k.held = map[string]held{}
	}
	maps.DeleteFunc(k.held, func(_ string, of held) bool { return of.end != nil && *of.end <= k.now })
	return k.held
}

func (k *keys) end(ttl *uint64) *uint64 {
	if ttl == nil {
		return nil
	}
	end := k.now + *ttl
	return &end
}

// asked is the keys, for a call that is not refused.
func (k *keys) asked(key string) (map[string]held, *host.Fault) {
	// The bound of wit/runner/kv.wit.
	switch {
	case k.refuse != nil:
		return nil, k.refuse
	case len(key) < 1 || len(key) > 512:
		return nil, invalidKV("a key has 1 to 512 bytes, not %d", len(key))
	}
	return k.lasting(), nil
}

func invalidKV(format string, arguments ...any) *host.Fault {
	return &host.Fault{Case: uint8(runnerkv.Invalid), Reason: fmt.Sprintf(format, arguments...)}
}

func (f *fake) KVGet(key string) (*host.Entry, *host.Fault) {
	defer f.lock()()
	all, fault := f.kv.asked(key)
	of, there := all[key]
	if !there {
		return nil, fault
	}
	entry := &host.Entry{Value: of.value}
	if of.end != nil {
		left := *of.end - f.kv.now
		entry.TTL = &left
	}
	return entry, nil
}

func (f *fake) KVSet(key string, value []byte, ttl *uint64) *host.Fault {
	defer f.lock()()
	all, fault := f.kv.asked(key)
	if fault == nil {
		all[key] = held{append([]byte{}, value...), f.kv.end(ttl)}
	}
	return fault
}

func (f *fake) KVCompareAndSet(key string, expected, value []byte, ttl *uint64) (bool, *host.Fault) {
	defer f.lock()()
	all, fault := f.kv.asked(key)
	of, there := all[key]
	if fault != nil || there != (expected != nil) || !bytes.Equal(of.value, expected) {
		return false, fault
	}
	if value == nil {
		delete(all, key)
	} else {
		all[key] = held{append([]byte{}, value...), f.kv.end(ttl)}
	}
	return true, nil
}

func (f *fake) KVIncrement(key string, by int64, ttl *uint64) (int64, *host.Fault) {
	defer f.lock()()
	all, fault := f.kv.asked(key)
	if fault != nil {
		return 0, fault
	}
	of, there := all[key]
	if !there {
		of = held{[]byte("0"), f.kv.end(ttl)}
	}
	n, err := strconv.ParseInt(string(of.value), 10, 64)
	if err != nil {
		return 0, invalidKV("%q holds no integer", key)
	}
	sum := n + by
	if (sum > n) != (by > 0) && by != 0 {
		return 0, invalidKV("%q would exceed 64 bits", key)
	}
	of.value = strconv.AppendInt(nil, sum, 10)
	all[key] = of
	return sum, nil
}

func (f *fake) KVExpire(key string, ttl *uint64) (bool, *host.Fault) {
	defer f.lock()()
	all, fault := f.kv.asked(key)
	of, there := all[key]
	if there {
		of.end = f.kv.end(ttl)
		all[key] = of
	}
	return there, fault
}

func (f *fake) KVDelete(key string) (bool, *host.Fault) {
	defer f.lock()()
	all, fault := f.kv.asked(key)
	_, there := all[key]
	delete(all, key)
	return there, fault
}

func (f *fake) KVList(prefix string, cursor *string, limit uint32) ([]string, *string, *host.Fault) {
	defer f.lock()()
	all, fault := f.kv.asked("any")
	page, next := paged(maps.Keys(all), prefix, cursor, limit)
	return page, next, fault
}

// paged is one page of the names that begin with prefix, in their order; the cursor is
// the last of the page before.
func paged(names func(func(string) bool), prefix string, cursor *string, limit uint32) ([]string, *string) {
	var rest []string
	for name := range names {
		if strings.HasPrefix(name, prefix) && (cursor == nil || name > *cursor) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	if len(rest) <= int(limit) {
		return rest, nil
	}
	return rest[:limit], &rest[limit-1]
}
