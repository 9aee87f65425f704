package runnersql

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"runner.dev/sdk/internal/host"
)

// The types of databases that Go has not. As parameters they say what a text is.
type (
	// Decimal is an exact decimal, "12.340".
	Decimal string
	// UUID is "123e4567-e89b-12d3-a456-426614174000".
	UUID string
	// Date is "2026-11-28". Postgres also has "infinity" and "0044-03-15 BC".
	Date string
	// TimeOfDay is "23:59:59.123456".
	TimeOfDay string
	// Timestamp is a date and time without zone, "2026-11-28T23:59:59.123456".
	Timestamp string
	// Other is a value of another type in the database's own form: an enum, an interval.
	Other string
)

// Array is an array of Postgres as a parameter; any slice of its elements' type is, too.
type Array []any

var textCases = map[reflect.Type]uint8{
	reflect.TypeFor[Decimal]():   host.SQLNumeric,
	reflect.TypeFor[UUID]():      host.SQLUUID,
	reflect.TypeFor[Date]():      host.SQLDate,
	reflect.TypeFor[TimeOfDay](): host.SQLTime,
	reflect.TypeFor[Timestamp](): host.SQLTimestamp,
	reflect.TypeFor[Other]():     host.SQLOther,
}

// instant is a point in time as the host has it.
const instant = "2006-01-02T15:04:05.999999Z"

// lower makes a parameter of a value.
func lower(value any) (host.Value, error) {
	switch v := value.(type) {
	case nil:
		return host.Value{}, nil
	case []byte:
		if v == nil {
			return host.Value{}, nil
		}
		return host.Value{Case: host.SQLBytes, Bytes: v}, nil
	case json.RawMessage:
		return host.Value{Case: host.SQLJSON, Text: string(v)}, nil
	case time.Time:
		return host.Value{Case: host.SQLTimestamptz, Text: v.UTC().Format(instant)}, nil
	case fmt.Stringer:
		if reflect.ValueOf(value).Kind() == reflect.Array && reflect.TypeOf(value).Len() == 16 {
			return host.Value{Case: host.SQLUUID, Text: v.String()}, nil
		}
	}
	of := reflect.ValueOf(value)
	if which, known := textCases[of.Type()]; known {
		return host.Value{Case: which, Text: of.String()}, nil
	}
	switch of.Kind() {
	case reflect.Pointer, reflect.Interface:
		if of.IsNil() {
			return host.Value{}, nil
		}
		return lower(of.Elem().Interface())
	case reflect.Bool:
		lowered := host.Value{Case: host.SQLBoolean}
		if of.Bool() {
			lowered.Integer = 1
		}
		return lowered, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return host.Value{Case: host.SQLInteger, Integer: of.Int()}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := of.Uint(); n >= 1<<63 {
			return host.Value{Case: host.SQLNumeric, Text: strconv.FormatUint(n, 10)}, nil
		}
		return host.Value{Case: host.SQLInteger, Integer: int64(of.Uint())}, nil
	case reflect.Float32, reflect.Float64:
		return host.Value{Case: host.SQLFloat, Float: of.Float()}, nil
	case reflect.String:
		return host.Value{Case: host.SQLText, Text: of.String()}, nil
	case reflect.Slice:
		return lowerArray(of)
	case reflect.Map, reflect.Struct:
		text, err := json.Marshal(value)
		return host.Value{Case: host.SQLJSON, Text: string(text)}, err
	}
	return host.Value{}, fmt.Errorf("a %s is no value of SQL", of.Type())
}

func lowerArray(of reflect.Value) (host.Value, error) {
	lowered := host.Value{IsArray: true}
	for i := range of.Len() {
		one, err := lower(of.Index(i).Interface())
		if err != nil {
			return lowered, err
		}
		if one.IsArray {
			return lowered, fmt.Errorf("an array in an array is no value of SQL")
		}
		lowered.Array = append(lowered.Array, one)
	}
	return lowered, nil
}

// plain is a value as Go has it, for a destination of type any.
func plain(v *host.Value) any {
	if v.IsArray {
		all := make([]any, len(v.Array))
		for i := range v.Array {
			all[i] = plain(&v.Array[i])
		}
		return all
	}
	switch v.Case {
	case host.SQLNull:
		return nil
	case host.SQLBoolean:
		return v.Integer == 1
	case host.SQLInteger:
		return v.Integer
	case host.SQLFloat:
		return v.Float
	case host.SQLBytes:
		return v.Bytes
	case host.SQLJSON:
		return json.RawMessage(v.Text)
	case host.SQLTimestamptz:
		if at, err := time.Parse(time.RFC3339Nano, v.Text); err == nil {
			return at
		}
	}
	for of, which := range textCases {
		if which == v.Case {
			return reflect.ValueOf(v.Text).Convert(of).Interface()
		}
	}
	return v.Text
}

// Scanner is that of database/sql: a destination that reads a value itself. It gets what a
// destination of type any would hold, and texts as string.
type Scanner interface {
	Scan(source any) error
}

// scan stores a value in what dest points to.
func scan(v *host.Value, dest reflect.Value) error {
	if scanner, ok := dest.Interface().(Scanner); ok {
		source := plain(v)
		if of := reflect.ValueOf(source); of.IsValid() && of.Kind() == reflect.String {
			source = of.String()
		}
		return scanner.Scan(source)
	}
	to := dest.Elem()
	null := !v.IsArray && v.Case == host.SQLNull
	if to.Kind() == reflect.Pointer {
		if null {
			to.SetZero()
			return nil
		}
		fresh := reflect.New(to.Type().Elem())
		if err := scan(v, fresh); err != nil {
			return err
		}
		to.Set(fresh)
		return nil
	}
	if to.Kind() == reflect.Interface && to.NumMethod() == 0 {
		if of := reflect.ValueOf(plain(v)); of.IsValid() {
			to.Set(of)
		} else {
			to.SetZero()
		}
		return nil
	}
	misfit := fmt.Errorf("%s does not fit into %s", told(v), to.Type())
	if null {
		return fmt.Errorf("null does not fit into %s: use a pointer", to.Type())
	}
	if v.IsArray {
		return scanArray(v, to, misfit)
	}
	return scanScalar(v, to, misfit)
}

func scanArray(v *host.Value, to reflect.Value, misfit error) error {
	if to.Kind() != reflect.Slice {
		return misfit
	}
	all := reflect.MakeSlice(to.Type(), len(v.Array), len(v.Array))
	for i := range v.Array {
		if err := scan(&v.Array[i], all.Index(i).Addr()); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	to.Set(all)
	return nil
}

func scanScalar(v *host.Value, to reflect.Value, misfit error) error {
	if at, ok := to.Addr().Interface().(*time.Time); ok {
		return scanTime(v, at, misfit)
	}
	if v.Case == host.SQLJSON && to.Type() != reflect.TypeFor[json.RawMessage]() && to.Kind() != reflect.String {
		if err := json.Unmarshal([]byte(v.Text), to.Addr().Interface()); err != nil {
			return fmt.Errorf("%w: %w", misfit, err)
		}
		return nil
	}
	isText := v.Case == host.SQLNumeric || v.Case == host.SQLText || v.Case >= host.SQLJSON
	switch kind := to.Kind(); {
	case kind == reflect.Bool && v.Case <= host.SQLInteger && v.Integer>>1 == 0:
		to.SetBool(v.Integer == 1)
	case kind == reflect.String && isText:
		to.SetString(v.Text)
	case kind == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8 && v.Case == host.SQLBytes:
		to.SetBytes(v.Bytes)
	case kind == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8 && isText:
		to.SetBytes([]byte(v.Text))
	case kind >= reflect.Int && kind <= reflect.Float64:
		return scanNumber(v, to, misfit)
	default:
		return misfit
	}
	return nil
}

func scanNumber(v *host.Value, to reflect.Value, misfit error) error {
	var text string
	switch v.Case {
	case host.SQLInteger:
		text = strconv.FormatInt(v.Integer, 10)
	case host.SQLFloat:
		text = strconv.FormatFloat(v.Float, 'g', -1, 64)
	case host.SQLNumeric:
		text = v.Text
	default:
		return misfit
	}
	bits := to.Type().Bits()
	switch {
	case to.CanInt():
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return misfit
		}
		to.SetInt(n)
	case to.CanUint():
		n, err := strconv.ParseUint(text, 10, bits)
		if err != nil {
			return misfit
		}
		to.SetUint(n)
	default:
		n, err := strconv.ParseFloat(text, bits)
		if err != nil {
			return misfit
		}
		to.SetFloat(n)
	}
	return nil
}

func scanTime(v *host.Value, to *time.Time, misfit error) error {
	layout := ""
	switch v.Case {
	case host.SQLTimestamptz:
		layout = time.RFC3339Nano
	case host.SQLTimestamp:
		layout = "2006-01-02T15:04:05.999999999"
	case host.SQLDate:
		layout = time.DateOnly
	}
	at, err := time.Parse(layout, v.Text)
	if layout == "" || err != nil {
		return misfit
	}
	*to = at
	return nil
}

var caseNames = [...]string{
	"null", "a boolean", "an integer", "a float", "a numeric", "a text", "bytes", "JSON", "a UUID",
	"a date", "a time", "a timestamp", "a timestamptz", "a value of another type",
}

// told names the type of a value, not the value, which may be personal.
func told(v *host.Value) string {
	if v.IsArray {
		return "an array"
	}
	return caseNames[v.Case]
}
