package runnertest

import (
	"fmt"
	"strings"

	"runner.dev/sdk/internal/host"
	"runner.dev/sdk/runnersql"
)

// Outcome is what a statement comes to.
type Outcome struct {
	rows  host.Rows
	fault *host.SQLFault
}

// Columns are the names of the columns of [RowsOf].
type Columns []string

// RowsOf is rows, each with a value for each column. It panics if they do not fit.
//
//	runnertest.RowsOf(runnertest.Columns{"id", "name"}, []any{1, "Ada"}, []any{2, nil})
func RowsOf(columns Columns, rows ...[]any) Outcome {
	outcome := Outcome{rows: host.Rows{Affected: uint64(len(rows))}}
	for _, name := range columns {
		outcome.rows.Columns = append(outcome.rows.Columns, host.Pair{Name: name})
	}
	for _, row := range rows {
		if len(row) != len(columns) {
			panic(fmt.Sprintf("runnertest: a row has %d values for the columns %q", len(row), columns))
		}
		values, err := runnersql.Lower(row)
		if err != nil {
			panic("runnertest: " + err.Error())
		}
		outcome.rows.Rows = append(outcome.rows.Rows, values)
	}
	return outcome
}

// Changed is that so many rows were changed, and none returned.
func Changed(rows uint64) Outcome { return Outcome{rows: host.Rows{Affected: rows}} }

// SQLError is an error.
func SQLError(which runnersql.Case, message string) Outcome {
	return Outcome{fault: &host.SQLFault{Kind: uint8(which), Message: message}}
}

// Statement is a statement that was run.
type Statement struct {
	Database, Text string
	Parameters     []any // as a destination of type any would have them
	Expect         int64 // how many rows it had to return or change; -1 for any number
	Place          int   // its place in its transaction; -1 if it was run by itself
}

// statement is one that is expected.
type statement struct {
	database, part string
	outcome        Outcome
	used           bool
}

// Statement expects a statement that contains part, however it is broken into lines, and
// answers it. Of several that a statement meets, the first is taken; each is met once. A
// statement that nobody expects fails the test, and so does one that is expected and not
// run.
func (h *Host) Statement(database, part string, outcome Outcome) {
	h.expected = append(h.expected, &statement{database: database, part: part, outcome: outcome})
}

// Statements returns the statements run so far, also those that failed.
func (h *Host) Statements() []Statement { return h.statements }

func (f *fake) run(database string, of *host.Statement, place int) (*host.Rows, *host.SQLFault) {
	defer f.lock()()
	asked := Statement{Database: database, Text: of.Text, Parameters: runnersql.Plain(of.Parameters), Expect: -1, Place: place}
	if of.Expect != nil {
		asked.Expect = int64(*of.Expect)
	}
	f.statements = append(f.statements, asked)
	text := spaced(of.Text)
	for _, left := range f.expected {
		if left.used || left.database != database || !strings.Contains(text, spaced(left.part)) {
			continue
		}
		left.used = true
		fault := left.outcome.fault
		if rows := &left.outcome.rows; fault == nil && of.Expect != nil && *of.Expect != rows.Affected {
			fault = &host.SQLFault{
				Kind:    uint8(runnersql.Expectation),
				Message: fmt.Sprintf("the statement had %d rows instead of %d", rows.Affected, *of.Expect),
			}
		}
		if fault == nil {
			return &left.outcome.rows, nil
		}
		if placed := uint32(place); place >= 0 && fault.Statement == nil {
			fault.Statement = &placed
		}
		return nil, fault
	}
	reason := fmt.Sprintf("runnertest: no outcome for the statement on %q: %s", database, text)
	f.t.Error(reason)
	return nil, &host.SQLFault{Message: reason}
}

func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }

func (f *fake) SQLQuery(database string, of *host.Statement, _ *uint32) (*host.Rows, *host.SQLFault) {
	return f.run(database, of, -1)
}

func (f *fake) SQLExecute(database string, of *host.Statement, _ *uint32) (uint64, *host.SQLFault) {
	rows, fault := f.run(database, of, -1)
	if fault != nil {
		return 0, fault
	}
	return rows.Affected, nil
}

func (f *fake) SQLTransaction(database string, of []host.Statement, _ *uint32) ([]host.Rows, *host.SQLFault) {
	var results []host.Rows
	for place := range of {
		rows, fault := f.run(database, &of[place], place)
		if fault != nil {
			return nil, fault
		}
		results = append(results, *rows)
	}
	return results, nil
}
