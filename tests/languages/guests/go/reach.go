package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"runner.dev/sdk"
	"runner.dev/sdk/runnersql"
)

var _ = has(map[string]runner.Handler{"sql": runner.Typed(statements)})

var kinds = [...]string{
	"denied", "invalid", "constraint", "expectation", "conflict", "limit", "timeout",
	"unavailable", "uncertain", "failed", "content",
}

func statements(ctx context.Context, data struct {
	Database   string `json:"database"`
	Statements []struct {
		Text   string            `json:"text"`
		Values []json.RawMessage `json:"values"`
		Expect *uint64           `json:"expect"`
	} `json:"statements"`
}) (any, error) {
	if data.Database == "" {
		data.Database = "main"
	}
	all := runnersql.Begin(data.Database)
	for _, of := range data.Statements {
		var values []any
		for _, value := range of.Values {
			var number int64
			var text *string
			if json.Unmarshal(value, &text) == nil {
				values = append(values, text)
			} else if err := json.Unmarshal(value, &number); err != nil {
				return nil, err
			} else {
				values = append(values, number)
			}
		}
		all.Add(of.Text, values...)
		if of.Expect != nil {
			all.Expect(*of.Expect)
		}
	}
	done, err := all.Commit(ctx)
	var failed *runnersql.Error
	if errors.As(err, &failed) {
		told := object{"error": kinds[failed.Case], "message": failed.Message, "statement": nil}
		if failed.Statement >= 0 {
			told["statement"] = failed.Statement
		}
		return told, nil
	}
	if err != nil {
		return nil, err
	}
	last := done[len(done)-1]
	rows := [][]any{}
	for last.Next() {
		row := make([]any, len(last.Columns()))
		to := make([]any, len(row))
		for i := range row {
			to[i] = &row[i]
		}
		if err := last.Scan(to...); err != nil {
			return nil, err
		}
		for i, value := range row {
			if value != nil {
				row[i] = fmt.Sprint(value)
			}
		}
		rows = append(rows, row)
	}
	return object{"affected": last.Affected(), "rows": rows}, nil
}
