// Package runnerkv keeps values that outlive the job, in the Redis of its queue.
//
//	[plugins.sender]
//	kv = true
//
// Every plugin has its own keys in each of its queues. Each function is one step, which
// no other job can come between:
//
//	// At most five messages an hour to one number.
//	sent, err := runnerkv.Increment(ctx, "sent/"+phone, 1, time.Hour)
//	if err != nil {
//		return nil, err
//	}
//	if sent > 5 {
//		return nil, runner.Snooze(time.Hour, "too many messages to one number")
//	}
package runnerkv

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"runner.dev/sdk/internal/host"
)

// Case is why it was not done.
type Case uint8

// Why it was not done.
const (
	Denied      Case = iota // the plugin was not granted kv
	Invalid                 // the key, the value or an argument is wrong
	Limit                   // more keys or bytes than the plugin may have
	Lost                    // the job's lock was lost, so it may not write
	Unavailable             // Redis could not be reached, or its answer was lost: it may have been done
)

// Error is why it was not done. When a handler returns it, Lost and Unavailable retry the
// job; the others reject it.
type Error struct {
	Case   Case
	Reason string
}

// Error is the reason.
func (e *Error) Error() string { return e.Reason }

// Verdict is what the error does to the job, when the handler returns it.
func (e *Error) Verdict() (host.Kind, time.Duration) {
	if e.Case == Lost || e.Case == Unavailable {
		return host.Retry, 0
	}
	return host.Reject, 0
}

// Forever is the time of a value that stays.
const Forever time.Duration = 0

// Entry is a value and how long it stays.
type Entry struct {
	Value []byte
	TTL   time.Duration // [Forever] if it stays
}

// Get returns the value of a key; nil if there is none, or its time is over. The error of
// all functions is an [*Error], or that of the context.
func Get(ctx context.Context, key string) ([]byte, error) {
	entry, err := GetEntry(ctx, key)
	if entry == nil {
		return nil, err
	}
	return entry.Value, nil
}

// GetEntry returns the value of a key and how long it stays; nil if there is none.
func GetEntry(ctx context.Context, key string) (*Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found, fault := host.Get().KVGet(key)
	if found == nil {
		return nil, lift(fault)
	}
	entry := &Entry{Value: found.Value}
	if found.TTL != nil {
		entry.TTL = time.Duration(*found.TTL) * time.Millisecond
	}
	return entry, nil
}

// GetJSON reads the value of a key as JSON; ok is false if there is none.
func GetJSON[T any](ctx context.Context, key string) (value T, ok bool, err error) {
	text, err := Get(ctx, key)
	if text == nil {
		return value, false, err
	}
	if err := json.Unmarshal(text, &value); err != nil {
		return value, true, &Error{Invalid, fmt.Sprintf("the value of %q does not fit: %v", key, err)}
	}
	return value, true, nil
}

// Set sets a value, for ttl or [Forever]. What the key held, and for how long, is
// replaced.
func Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return lift(host.Get().KVSet(key, value, millis(ttl)))
}

// SetJSON sets a value, written as JSON.
func SetJSON(ctx context.Context, key string, value any, ttl time.Duration) error {
	text, err := json.Marshal(value)
	if err != nil {
		return &Error{Invalid, fmt.Sprintf("the value of %q cannot be written as JSON: %v", key, err)}
	}
	return Set(ctx, key, text, ttl)
}

// CompareAndSet sets a value if the key holds exactly expected; nil: if it holds nothing.
// A nil value removes it. It returns whether it was done.
func CompareAndSet(ctx context.Context, key string, expected, value []byte, ttl time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	done, fault := host.Get().KVCompareAndSet(key, expected, value, millis(ttl))
	return done, lift(fault)
}

// Increment adds by, which may be negative, to an integer; a key that holds nothing
// counts as 0. It returns the sum. The ttl counts from when the key is made, so that a
// key is a window of time.
func Increment(ctx context.Context, key string, by int64, ttl time.Duration) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	sum, fault := host.Get().KVIncrement(key, by, millis(ttl))
	return sum, lift(fault)
}

// Expire lets a key end after ttl, or with [Forever] not at all. It returns whether the
// key held something.
func Expire(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	held, fault := host.Get().KVExpire(key, millis(ttl))
	return held, lift(fault)
}

// Delete removes a key. It returns whether it held something.
func Delete(ctx context.Context, key string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	held, fault := host.Get().KVDelete(key)
	return held, lift(fault)
}

// Keys are the keys that begin with prefix, in the order of their bytes. They are asked
// for page by page. An error is the last that comes.
func Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for cursor, more := (*string)(nil), true; more; more = cursor != nil {
			if err := ctx.Err(); err != nil {
				yield("", err)
				return
			}
			keys, next, fault := host.Get().KVList(prefix, cursor, 1000)
			if fault != nil {
				yield("", lift(fault))
				return
			}
			for _, key := range keys {
				if !yield(key, nil) {
					return
				}
			}
			cursor = next
		}
	}
}

func lift(fault *host.Fault) error {
	if fault == nil {
		return nil
	}
	return &Error{Case(fault.Case), fault.Reason}
}

// millis is a time in whole milliseconds, at least one; nil for [Forever].
func millis(ttl time.Duration) *uint64 {
	if ttl <= Forever {
		return nil
	}
	whole := uint64(max(1, ttl.Milliseconds()))
	return &whole
}
