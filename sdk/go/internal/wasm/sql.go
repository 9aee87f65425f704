//go:build wasip1

package wasm

import (
	"math"
	"unsafe"

	"runner.dev/sdk/internal/host"
)

//go:wasmimport runner:plugin/sql@0.1.0 query
func sqlQuery(database, text string, parameters, len, hasExpect uint32, expect uint64, hasTimeout, timeout uint32, out unsafe.Pointer)

//go:wasmimport runner:plugin/sql@0.1.0 execute
func sqlExecute(database, text string, parameters, len, hasExpect uint32, expect uint64, hasTimeout, timeout uint32, out unsafe.Pointer)

//go:wasmimport runner:plugin/sql@0.1.0 transaction
func sqlTransaction(database string, statements, len, hasTimeout, timeout uint32, out unsafe.Pointer)

// scalar holds a number in `bits`, or the place and the length of a text there.
type scalar struct {
	which uint8
	bits  uint64
}

// value is a scalar: its case, then its bits; or an array: its place and its length in
// `first`. What Go takes for padding would be lost when it copies a scalar.
type value struct {
	which         uint8
	first, second uint64
}

type statement struct {
	text       text
	parameters list
	expect     optionU64
}

type rows struct {
	columns, rows list
	affected      uint64
}

type sqlFault struct {
	kind                uint8
	code, constraint    optionText
	statement, position optionU32
	message             text
}

func bitsOf(t text) uint64 { return uint64(t.at) | uint64(t.len)<<32 }

func textOf(bits uint64) text { return text{uint32(bits), uint32(bits >> 32)} }

func lowerScalar(v *host.Value) scalar {
	lowered := scalar{which: v.Case}
	switch v.Case {
	case host.SQLNull:
	case host.SQLBoolean, host.SQLInteger:
		lowered.bits = uint64(v.Integer)
	case host.SQLFloat:
		lowered.bits = math.Float64bits(v.Float)
	case host.SQLBytes:
		lowered.bits = bitsOf(lowerList(v.Bytes))
	default:
		lowered.bits = bitsOf(lower(v.Text))
	}
	return lowered
}

func lowerValue(v *host.Value) value {
	if !v.IsArray {
		lowered := lowerScalar(v)
		return value{0, uint64(lowered.which), lowered.bits}
	}
	scalars := make([]scalar, len(v.Array))
	for i := range v.Array {
		scalars[i] = lowerScalar(&v.Array[i])
	}
	return value{which: 1, first: bitsOf(lowerList(scalars))}
}

func lowerStatement(s *host.Statement) statement {
	values := make([]value, len(s.Parameters))
	for i := range s.Parameters {
		values[i] = lowerValue(&s.Parameters[i])
	}
	return statement{lower(s.Text), lowerList(values), lowerU64(s.Expect)}
}

func liftScalar(s *scalar) host.Value {
	lifted := host.Value{Case: s.which}
	switch s.which {
	case host.SQLNull:
	case host.SQLBoolean:
		lifted.Integer = int64(s.bits & 0xff)
	case host.SQLInteger:
		lifted.Integer = int64(s.bits)
	case host.SQLFloat:
		lifted.Float = math.Float64frombits(s.bits)
	case host.SQLBytes:
		lifted.Bytes = append([]byte{}, items[byte](textOf(s.bits))...)
	default:
		lifted.Text = lift(textOf(s.bits))
	}
	return lifted
}

func liftValue(v *value) host.Value {
	if v.which == 0 {
		return liftScalar(&scalar{uint8(v.first), v.second})
	}
	scalars := items[scalar](textOf(v.first))
	lifted := host.Value{IsArray: true, Array: make([]host.Value, len(scalars))}
	for i := range scalars {
		lifted.Array[i] = liftScalar(&scalars[i])
	}
	return lifted
}

func liftRows(r *rows) host.Rows {
	lifted := host.Rows{Columns: liftPairs(r.columns), Affected: r.affected}
	for _, row := range items[list](r.rows) {
		values := items[value](row)
		of := make([]host.Value, len(values))
		for i := range values {
			of[i] = liftValue(&values[i])
		}
		lifted.Rows = append(lifted.Rows, of)
	}
	return lifted
}

func liftSQLFault(f *sqlFault) *host.SQLFault {
	lifted := &host.SQLFault{Kind: f.kind, Message: lift(f.message)}
	if f.code.some == 1 {
		lifted.Code = lift(f.code.text)
	}
	if f.constraint.some == 1 {
		lifted.Constraint = lift(f.constraint.text)
	}
	if f.statement.some == 1 {
		lifted.Statement = &[]uint32{f.statement.value}[0]
	}
	if f.position.some == 1 {
		lifted.Position = &[]uint32{f.position.value}[0]
	}
	return lifted
}

// wide is a result that is aligned like a 64-bit number.
type wide[T any] struct {
	failed uint64
	value  T
}

func (Host) SQLQuery(database string, of *host.Statement, timeout *uint32) (*host.Rows, *host.SQLFault) {
	defer done()
	s, t := lowerStatement(of), lowerU32(timeout)
	sqlQuery(database, of.Text, s.parameters.at, s.parameters.len, uint32(s.expect.some), s.expect.value, uint32(t.some), t.value, out)
	if result[resultText]().failed == 1 {
		return nil, liftSQLFault(&result[wide[sqlFault]]().value)
	}
	lifted := liftRows(&result[wide[rows]]().value)
	return &lifted, nil
}

func (Host) SQLExecute(database string, of *host.Statement, timeout *uint32) (uint64, *host.SQLFault) {
	defer done()
	s, t := lowerStatement(of), lowerU32(timeout)
	sqlExecute(database, of.Text, s.parameters.at, s.parameters.len, uint32(s.expect.some), s.expect.value, uint32(t.some), t.value, out)
	if result[resultText]().failed == 1 {
		return 0, liftSQLFault(&result[wide[sqlFault]]().value)
	}
	return result[wide[uint64]]().value, nil
}

func (Host) SQLTransaction(database string, of []host.Statement, timeout *uint32) ([]host.Rows, *host.SQLFault) {
	defer done()
	statements := make([]statement, len(of))
	for i := range of {
		statements[i] = lowerStatement(&of[i])
	}
	l, t := lowerList(statements), lowerU32(timeout)
	sqlTransaction(database, l.at, l.len, uint32(t.some), t.value, out)
	found := result[struct {
		failed uint8
		fault  sqlFault
	}]()
	if found.failed == 1 {
		return nil, liftSQLFault(&found.fault)
	}
	results := items[rows](result[resultText]().text)
	lifted := make([]host.Rows, len(results))
	for i := range results {
		lifted[i] = liftRows(&results[i])
	}
	return lifted, nil
}
