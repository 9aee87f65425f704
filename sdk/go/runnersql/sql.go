// Package runnersql runs statements on the databases that are granted to the plugin.
//
//	[plugins.billing.sql]
//	main = "env:DATABASE_URL"
//
// A plugin knows a database by its name there:
//
//	type invoice struct {
//		ID    int64
//		Total runnersql.Decimal
//		Paid  *time.Time `db:"paid_at"`
//	}
//	invoices, err := runnersql.Select[invoice](ctx, "main",
//		"select id, total, paid_at from invoices where customer = $1", 7)
//
// The placeholders are the database's own: $1 in Postgres, ? in MySQL and SQLite.
//
// Parameters are Go's numbers, strings, bytes and booleans, time.Time (a point in time),
// nil and pointers, slices (an array of Postgres), maps and structs (JSON), and the types
// of this package. A statement ends with its context.
package runnersql

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"runner.dev/sdk/internal/host"
)

// Case is what kind of error it is.
type Case uint8

// What kinds of errors there are; wit/runner/sql.wit says more.
const (
	Denied      Case = iota // the database is not granted, or only for reading
	Invalid                 // the statement is wrong, or a value does not fit its type
	Constraint              // a key, a check or `not null` forbids it: often it was done already
	Expectation             // another number of rows than expected; nothing was changed
	Conflict                // it met another transaction
	Limit                   // more rows, bytes, statements or parameters than granted
	TimedOut                // it took longer than it may; nothing was changed
	Unavailable             // the database is not there; nothing was changed
	Uncertain               // the connection broke in the commit: it may have been done
	Failed                  // the database failed in another way, named by Code
	Content                 // the rows do not fit what they were read into
)

// Error is why there is no result. When a handler returns it, Conflict, TimedOut,
// Unavailable, Uncertain and Failed retry the job; the others reject it. It holds no value
// of a parameter or a row.
type Error struct {
	Case Case
	// Code is the SQLSTATE of Postgres and MySQL, the extended result code of SQLite.
	Code string
	// Constraint is what forbids it, where the database names it.
	Constraint string
	// Statement is the index of the statement in its transaction; -1 if it is none's.
	Statement int
	// Position is the byte of the statement's text at which the error is; -1 if the
	// database names none.
	Position int
	// Message is what went wrong, with the name of the database.
	Message string
}

// Error is what went wrong.
func (e *Error) Error() string { return e.Message }

// Timeout is whether it took too long.
func (e *Error) Timeout() bool { return e.Case == TimedOut }

// Verdict is what the error does to the job, when the handler returns it.
func (e *Error) Verdict() (host.Kind, time.Duration) {
	switch e.Case {
	case Conflict, TimedOut, Unavailable, Uncertain, Failed:
		return host.Retry, 0
	}
	return host.Reject, 0
}

// Rows is what a statement returned.
type Rows struct {
	raw  host.Rows
	next int
}

// Query runs a statement and reads all its rows. A change is committed before it returns.
// The error is an [*Error].
func Query(ctx context.Context, database, text string, parameters ...any) (*Rows, error) {
	statement, err := lowerStatement(text, parameters)
	if err != nil {
		return nil, err
	}
	limit, err := timeLeft(ctx)
	if err != nil {
		return nil, err
	}
	rows, fault := host.Get().SQLQuery(database, &statement, limit)
	if fault != nil {
		return nil, lift(fault)
	}
	return &Rows{raw: *rows}, nil
}

// Exec runs a statement for its effect, and returns how many rows it changed. The error
// is an [*Error].
func Exec(ctx context.Context, database, text string, parameters ...any) (int64, error) {
	statement, err := lowerStatement(text, parameters)
	if err != nil {
		return 0, err
	}
	limit, err := timeLeft(ctx)
	if err != nil {
		return 0, err
	}
	changed, fault := host.Get().SQLExecute(database, &statement, limit)
	if fault != nil {
		return 0, lift(fault)
	}
	return int64(changed), nil
}

// Select runs a statement and reads each row into a T; see [All].
func Select[T any](ctx context.Context, database, text string, parameters ...any) ([]T, error) {
	rows, err := Query(ctx, database, text, parameters...)
	if err != nil {
		return nil, err
	}
	return All[T](rows)
}

// Get runs a statement that returns one row, and reads it into a T; see [All]. With none
// or several the error is an [*Error] with the case Expectation.
func Get[T any](ctx context.Context, database, text string, parameters ...any) (T, error) {
	var one T
	all, err := Select[T](ctx, database, text, parameters...)
	if err != nil {
		return one, err
	}
	if len(all) != 1 {
		return one, wrong(Expectation, "one row was expected, and the statement returned %d", len(all))
	}
	return all[0], nil
}

// Transaction is statements of which all take effect or none does.
type Transaction struct {
	database   string
	statements []host.Statement
	err        error
}

// Begin begins a list of statements. Nothing is sent before [Transaction.Commit].
func Begin(database string) *Transaction { return &Transaction{database: database} }

// Add adds a statement.
func (t *Transaction) Add(text string, parameters ...any) *Transaction {
	statement, err := lowerStatement(text, parameters)
	if err != nil && t.err == nil {
		err.(*Error).Statement = len(t.statements)
		t.err = err
	}
	t.statements = append(t.statements, statement)
	return t
}

// Expect says how many rows the statement added last must return or change. With another
// number, all are undone, and the error has the case Expectation.
func (t *Transaction) Expect(rows uint64) *Transaction {
	if len(t.statements) == 0 {
		panic("runnersql: Expect is about a statement: call Add first")
	}
	t.statements[len(t.statements)-1].Expect = &rows
	return t
}

// Commit runs all statements, and returns what each returned. The error is an [*Error]
// that names the statement that failed; all are undone then, unless it is Uncertain.
func (t *Transaction) Commit(ctx context.Context) ([]*Rows, error) {
	if t.err != nil {
		return nil, t.err
	}
	limit, err := timeLeft(ctx)
	if err != nil {
		return nil, err
	}
	results, fault := host.Get().SQLTransaction(t.database, t.statements, limit)
	if fault != nil {
		return nil, lift(fault)
	}
	all := make([]*Rows, len(results))
	for i := range results {
		all[i] = &Rows{raw: results[i]}
	}
	return all, nil
}

// Affected is how many rows were returned or changed.
func (r *Rows) Affected() int64 { return int64(r.raw.Affected) }

// Len is how many rows were returned.
func (r *Rows) Len() int { return len(r.raw.Rows) }

// Columns are the names of the columns. Two may have one name.
func (r *Rows) Columns() []string {
	names := make([]string, len(r.raw.Columns))
	for i, column := range r.raw.Columns {
		names[i] = column.Name
	}
	return names
}

// Kinds are the database's own names of the columns' types; "" where it has none.
func (r *Rows) Kinds() []string {
	kinds := make([]string, len(r.raw.Columns))
	for i, column := range r.raw.Columns {
		kinds[i] = column.Value
	}
	return kinds
}

// Next goes to the next row, for [Rows.Scan]; false after the last.
func (r *Rows) Next() bool {
	if r.next >= len(r.raw.Rows) {
		return false
	}
	r.next++
	return true
}

// Scan reads the columns of the row into what the destinations point to: numbers,
// strings, bytes, booleans (also from 0 and 1), time.Time, pointers (nil for null),
// slices (from an array), anything that encoding/json reads (from JSON), a [Scanner], or
// any. The error is an [*Error].
func (r *Rows) Scan(destinations ...any) error {
	if r.next == 0 {
		panic("runnersql: Scan reads a row: call Next first")
	}
	row := r.raw.Rows[r.next-1]
	if len(destinations) != len(row) {
		return wrong(Content, "the row has %d columns, and Scan was given %d destinations", len(row), len(destinations))
	}
	for i := range row {
		to := reflect.ValueOf(destinations[i])
		if to.Kind() != reflect.Pointer || to.IsNil() {
			return wrong(Content, "destination %d is a %T, not a pointer", i+1, destinations[i])
		}
		if err := scan(&row[i], to); err != nil {
			return r.misfit(r.next-1, i, err)
		}
	}
	return nil
}

// All reads the rows into values of T. A struct has a field for each column that it
// needs, of its name without regard to case and underscores or with the tag `db:"name"`;
// further columns are left out. Of any other T the rows have one column. The types are
// those of [Rows.Scan].
func All[T any](r *Rows) ([]T, error) {
	all := make([]T, len(r.raw.Rows))
	kind := reflect.TypeFor[T]()
	if !isRow(kind) {
		if len(r.raw.Rows) > 0 && len(r.raw.Columns) != 1 {
			return nil, wrong(Content, "the rows have %d columns, and a %s takes one", len(r.raw.Columns), kind)
		}
		for i := range all {
			if err := scan(&r.raw.Rows[i][0], reflect.ValueOf(&all[i])); err != nil {
				return nil, r.misfit(i, 0, err)
			}
		}
		return all, nil
	}
	places, err := r.places(kind)
	if err != nil {
		return nil, err
	}
	for i := range all {
		to := reflect.ValueOf(&all[i]).Elem()
		for _, place := range places {
			if err := scan(&r.raw.Rows[i][place.column], to.FieldByIndex(place.field).Addr()); err != nil {
				return nil, r.misfit(i, place.column, err)
			}
		}
	}
	return all, nil
}

// isRow is whether a type takes a row, and not the value of one column.
func isRow(kind reflect.Type) bool {
	_, scans := reflect.New(kind).Interface().(Scanner)
	return kind.Kind() == reflect.Struct && !scans && kind != reflect.TypeFor[time.Time]()
}

// place is a column, and the field that takes it.
type place struct {
	column int
	field  []int
}

// places finds a column for each field that must have one.
func (r *Rows) places(kind reflect.Type) ([]place, error) {
	var places []place
	for _, field := range reflect.VisibleFields(kind) {
		tag, tagged := field.Tag.Lookup("db")
		if !field.IsExported() || field.Anonymous || tag == "-" {
			continue
		}
		found := -1
		for i, column := range r.raw.Columns {
			if tagged && column.Name == tag || !tagged && folded(column.Name) == folded(field.Name) {
				found = i
			}
		}
		if found < 0 {
			if len(r.raw.Columns) == 0 {
				continue
			}
			name := field.Name
			if tagged {
				name = tag
			}
			return nil, wrong(Content, "there is no column for the field %s of %s (%q)", field.Name, kind, name)
		}
		places = append(places, place{found, field.Index})
	}
	return places, nil
}

func folded(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func (r *Rows) misfit(row, column int, err error) error {
	return wrong(Content, "row %d, column %q: %v", row+1, r.raw.Columns[column].Name, err)
}

func wrong(which Case, format string, arguments ...any) error {
	return &Error{Case: which, Statement: -1, Position: -1, Message: fmt.Sprintf(format, arguments...)}
}

func lift(fault *host.SQLFault) error {
	lifted := &Error{
		Case: Case(fault.Kind), Code: fault.Code, Constraint: fault.Constraint,
		Statement: -1, Position: -1, Message: fault.Message,
	}
	if fault.Statement != nil {
		lifted.Statement = int(*fault.Statement)
	}
	if fault.Position != nil {
		lifted.Position = int(*fault.Position)
	}
	return lifted
}

func lowerStatement(text string, parameters []any) (host.Statement, error) {
	values, err := Lower(parameters)
	return host.Statement{Text: text, Parameters: values}, err
}

// Lower is for runnertest: values as the host takes them.
func Lower(values []any) ([]host.Value, error) {
	var all []host.Value
	for i, value := range values {
		lowered, err := lower(value)
		if err != nil {
			return nil, wrong(Invalid, "parameter %d: %v", i+1, err)
		}
		all = append(all, lowered)
	}
	return all, nil
}

// Plain is for runnertest: values as destinations of type any have them.
func Plain(values []host.Value) []any {
	all := make([]any, len(values))
	for i := range values {
		all[i] = plain(&values[i])
	}
	return all
}

// timeLeft is what the deadline of a context leaves, if that is less than the job's own:
// that one, and the grant's, are the host's business.
func timeLeft(ctx context.Context) (*uint32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil, nil
	}
	const jitter = 50 // between when the job's deadline was read and now
	left := (time.Until(deadline) + time.Millisecond - 1).Milliseconds()
	if left+jitter >= int64(min(host.Get().TimeLeft(), math.MaxInt64)) {
		return nil, nil
	}
	limit := uint32(min(max(1, left), math.MaxUint32))
	return &limit, nil
}
