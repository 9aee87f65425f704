//go:build wasip1

package wasm

import (
	"unsafe"

	"runner.dev/sdk/internal/host"
)

//go:wasmimport runner:plugin/kv@0.1.0 get
func kvGet(key string, out unsafe.Pointer)

//go:wasmimport runner:plugin/kv@0.1.0 set
func kvSet(key string, value, len, hasTTL uint32, ttl uint64, out unsafe.Pointer)

//go:wasmimport runner:plugin/kv@0.1.0 compare-and-set
func kvCompareAndSet(key string, hasExpected, expected, expectedLen, hasValue, value, valueLen, hasTTL uint32, ttl uint64, out unsafe.Pointer)

//go:wasmimport runner:plugin/kv@0.1.0 increment
func kvIncrement(key string, by int64, hasTTL uint32, ttl uint64, out unsafe.Pointer)

//go:wasmimport runner:plugin/kv@0.1.0 expire
func kvExpire(key string, hasTTL uint32, ttl uint64, out unsafe.Pointer)

//go:wasmimport runner:plugin/kv@0.1.0 delete
func kvDelete(key string, out unsafe.Pointer)

//go:wasmimport runner:plugin/kv@0.1.0 list-keys
func kvListKeys(prefix string, hasCursor uint32, cursor string, limit uint32, out unsafe.Pointer)

// wideFault is the fault of a result that is aligned like a 64-bit number.
func wideFault() *host.Fault {
	found := result[wide[fault]]()
	if result[resultText]().failed == 0 {
		return nil
	}
	return &host.Fault{Case: found.value.which, Reason: lift(found.value.text)}
}

// is reads a result whose ok case is a boolean.
func is() (bool, *host.Fault) {
	if fault := result[resultFault]().error(); fault != nil {
		return false, fault
	}
	return result[resultFault]().fault.which == 1, nil
}

func (Host) KVGet(key string) (*host.Entry, *host.Fault) {
	defer done()
	kvGet(key, out)
	if fault := wideFault(); fault != nil {
		return nil, fault
	}
	found := result[wide[struct {
		some  uint64
		value list
		ttl   optionU64
	}]]().value
	if uint8(found.some) == 0 {
		return nil, nil
	}
	entry := &host.Entry{Value: append([]byte{}, items[byte](found.value)...)}
	if found.ttl.some == 1 {
		entry.TTL = &found.ttl.value
	}
	return entry, nil
}

func (Host) KVSet(key string, value []byte, ttl *uint64) *host.Fault {
	defer done()
	v, t := lowerList(value), lowerU64(ttl)
	kvSet(key, v.at, v.len, uint32(t.some), t.value, out)
	return result[resultFault]().error()
}

func (Host) KVCompareAndSet(key string, expected, value []byte, ttl *uint64) (bool, *host.Fault) {
	defer done()
	e, v, t := lowerList(expected), lowerList(value), lowerU64(ttl)
	kvCompareAndSet(key, flag(expected != nil), e.at, e.len, flag(value != nil), v.at, v.len, uint32(t.some), t.value, out)
	return is()
}

func (Host) KVIncrement(key string, by int64, ttl *uint64) (int64, *host.Fault) {
	defer done()
	t := lowerU64(ttl)
	kvIncrement(key, by, uint32(t.some), t.value, out)
	if fault := wideFault(); fault != nil {
		return 0, fault
	}
	return result[wide[int64]]().value, nil
}

func (Host) KVExpire(key string, ttl *uint64) (bool, *host.Fault) {
	defer done()
	t := lowerU64(ttl)
	kvExpire(key, uint32(t.some), t.value, out)
	return is()
}

func (Host) KVDelete(key string) (bool, *host.Fault) {
	defer done()
	kvDelete(key, out)
	return is()
}

func (Host) KVList(prefix string, cursor *string, limit uint32) ([]string, *string, *host.Fault) {
	defer done()
	has, at := flag(cursor != nil), ""
	if cursor != nil {
		at = *cursor
	}
	kvListKeys(prefix, has, at, limit, out)
	keys, next, fault := page()
	return liftTexts(keys), next, fault
}

// page reads a result whose ok case is a list and where to go on. The list must be lifted
// before the next call.
func page() (list, *string, *host.Fault) {
	if fault := result[resultFault]().error(); fault != nil {
		return list{}, nil, fault
	}
	found := result[struct {
		failed uint8
		items  list
		cursor optionText
	}]()
	if next, some := liftText(found.cursor); some {
		return found.items, &next, nil
	}
	return found.items, nil, nil
}
