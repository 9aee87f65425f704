package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"testing"
	"time"

	"runner.dev/sdk"
	"runner.dev/sdk/runnerblobs"
	"runner.dev/sdk/runnerkv"
	"runner.dev/sdk/runnersql"
	"runner.dev/sdk/runnertest"
)

type invoice struct {
	ID      uint64
	Total   runnersql.Decimal
	Rate    float64
	PaidAt  *time.Time
	Note    *string
	State   string `db:"status"`
	Items   []struct{ SKU string }
	Meta    json.RawMessage
	Tags    []string
	Seal    []byte
	Locked  bool
	Day     time.Time
	Other   any
	Ignored string `db:"-"`
}

func TestRowsBecomeStructsExactly(t *testing.T) {
	host := runnertest.New(t)
	at := time.Date(2026, 11, 28, 23, 59, 59, 123456000, time.UTC)
	host.Statement("main", "from invoices where", runnertest.RowsOf(
		runnertest.Columns{"id", "total", "rate", "paid_at", "note", "status", "items", "meta", "tags", "seal", "locked", "day", "other", "more"},
		[]any{7, runnersql.Decimal("12.340"), runnersql.Decimal("0.25"), at, nil, runnersql.Other("paid"),
			json.RawMessage(`[{"sku":"B-7"}]`), json.RawMessage(`{"n":18446744073709551615}`), []string{"a", "b"},
			[]byte{1, 2}, 1, runnersql.Date("2026-11-28"), runnersql.UUID("u"), "dropped"},
	))
	got, err := runnersql.Get[invoice](host.Context(runnertest.Job("x", "{}")), "main", "select *\n\tfrom   invoices where id = $1", 7)
	if err != nil {
		t.Fatal(err)
	}
	want := invoice{
		ID: 7, Total: "12.340", Rate: 0.25, PaidAt: &at, State: "paid", Items: []struct{ SKU string }{{"B-7"}},
		Meta: json.RawMessage(`{"n":18446744073709551615}`), Tags: []string{"a", "b"}, Seal: []byte{1, 2}, Locked: true,
		Day: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC), Other: runnersql.UUID("u"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if asked := host.Statements()[0]; !reflect.DeepEqual(asked.Parameters, []any{int64(7)}) || asked.Place != -1 {
		t.Error(asked)
	}
}

func TestRowsAreScannedAndMisfitsNamed(t *testing.T) {
	host := runnertest.New(t)
	ctx := host.Context(runnertest.Job("x", "{}"))
	two := runnertest.RowsOf(runnertest.Columns{"id", "name"}, []any{1, "Ada"}, []any{int64(math.MaxInt64), nil})
	for range 4 {
		host.Statement("main", "users", two)
	}
	ask := func() *runnersql.Rows {
		rows, err := runnersql.Query(ctx, "main", "select from users")
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	var names []string
	rows := ask()
	for rows.Next() {
		var id int64
		var name *string
		if err := rows.Scan(&id, &name); err != nil {
			t.Fatal(err)
		}
		if name != nil {
			names = append(names, fmt.Sprint(id, *name))
		}
	}
	if rows.Len() != 2 || !reflect.DeepEqual(names, []string{"1Ada"}) {
		t.Error(names)
	}
	_, err := runnersql.All[struct {
		ID   int32
		Name string
	}](ask())
	if err == nil || err.Error() != `row 2, column "id": an integer does not fit into int32` {
		t.Error(err)
	}
	_, err = runnersql.All[struct{ Name string }](ask())
	if err == nil || err.Error() != `row 2, column "name": null does not fit into string: use a pointer` {
		t.Error(err)
	}
	_, err = runnersql.All[struct{ Age int }](ask())
	var wrong *runnersql.Error
	if !errors.As(err, &wrong) || wrong.Case != runnersql.Content || wrong.Message != `there is no column for the field Age of struct { Age int } ("Age")` {
		t.Error(err)
	}
	host.Statement("main", "count", runnertest.RowsOf(runnertest.Columns{"n"}, []any{3}))
	if n, err := runnersql.Get[int](ctx, "main", "select count(*)"); n != 3 || err != nil {
		t.Error(n, err)
	}
	if _, err = runnersql.Exec(ctx, "main", "select $1, $2", 1, make(chan int)); err == nil || err.Error() != "parameter 2: a chan int is no value of SQL" {
		t.Error(err)
	}
}

func TestATransactionNamesTheStatementThatFailed(t *testing.T) {
	host := runnertest.New(t)
	ctx := host.Context(runnertest.Job("x", "{}"))
	host.Statement("main", "update stock", runnertest.Changed(1))
	host.Statement("main", "insert into orders", runnertest.RowsOf(runnertest.Columns{"id"}, []any{7}))
	results, err := runnersql.Begin("main").
		Add("update stock set n = n - 1").Expect(1).
		Add("insert into orders (sku) values ($1) returning id", "B-7").
		Commit(ctx)
	if err != nil || len(results) != 2 || results[0].Affected() != 1 || results[1].Len() != 1 {
		t.Fatal(results, err)
	}
	host.Statement("main", "insert", runnertest.Changed(1))
	host.Statement("main", "update", runnertest.Changed(0))
	_, err = runnersql.Begin("main").Add("insert into orders").Add("update stock").Expect(1).Commit(ctx)
	var failed *runnersql.Error
	if !errors.As(err, &failed) || failed.Case != runnersql.Expectation || failed.Statement != 1 {
		t.Error(err)
	}
}

func TestWhatMayWorkLaterIsRetried(t *testing.T) {
	host := runnertest.New(t)
	verdict := func(err error) runner.Kind {
		_, err = host.Run(func(context.Context, *runner.Job) (any, error) { return nil, err }, runnertest.Job("x", "{}"))
		var failure *runner.Failure
		if !errors.As(err, &failure) {
			t.Fatal(err)
		}
		return failure.Kind
	}
	ctx := host.Context(runnertest.Job("x", "{}"))
	retried := map[runnersql.Case]bool{runnersql.Conflict: true, runnersql.TimedOut: true, runnersql.Unavailable: true, runnersql.Uncertain: true, runnersql.Failed: true}
	for which := runnersql.Denied; which <= runnersql.Failed; which++ {
		host.Statement("main", "select", runnertest.SQLError(which, "main: no"))
		_, err := runnersql.Query(ctx, "main", "select 1")
		if (verdict(err) == runner.KindRetry) != retried[which] {
			t.Error(which, err)
		}
	}
	for which := runnerkv.Denied; which <= runnerkv.Unavailable; which++ {
		host.RefuseKV(which, "no")
		_, err := runnerkv.Get(ctx, "a")
		if (verdict(err) == runner.KindRetry) != (which >= runnerkv.Lost) {
			t.Error(which, err)
		}
	}
	for which := runnerblobs.Denied; which <= runnerblobs.Unavailable; which++ {
		host.RefuseBlobs(which, "no")
		_, err := runnerblobs.Open(ctx, "box", "a")
		if (verdict(err) == runner.KindRetry) != (which >= runnerblobs.TimedOut) {
			t.Error(which, err)
		}
	}
}

func TestKeysEndByTheClockOfTheTest(t *testing.T) {
	host := runnertest.New(t)
	ctx := host.Context(runnertest.Job("x", "{}"))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(runnerkv.Set(ctx, "a", []byte("x"), time.Second))
	must(runnerkv.SetJSON(ctx, "b", []int{1}, runnerkv.Forever))
	host.Advance(400 * time.Millisecond)
	entry, err := runnerkv.GetEntry(ctx, "a")
	if err != nil || string(entry.Value) != "x" || entry.TTL != 600*time.Millisecond {
		t.Error(entry, err)
	}
	host.Advance(600 * time.Millisecond)
	if value, err := runnerkv.Get(ctx, "a"); value != nil || err != nil {
		t.Error(value, err)
	}
	if value, ok, err := runnerkv.GetJSON[[]int](ctx, "b"); !ok || err != nil || value[0] != 1 {
		t.Error(value, ok, err)
	}
	if got := host.KV(); !reflect.DeepEqual(got, map[string]string{"b": "[1]"}) {
		t.Error(got)
	}
	for _, want := range []int64{2, -3} {
		n, err := runnerkv.Increment(ctx, "n", want-map[bool]int64{true: 0, false: 2}[want == 2], time.Second)
		if n != want || err != nil {
			t.Error(n, err)
		}
	}
	if _, err := runnerkv.Increment(ctx, "b", 1, 0); err == nil || err.Error() != `"b" holds no integer` {
		t.Error(err)
	}
	for _, one := range []struct {
		expected, value []byte
		done            bool
	}{{nil, []byte("1"), true}, {nil, []byte("2"), false}, {[]byte("1"), nil, true}} {
		if done, err := runnerkv.CompareAndSet(ctx, "c", one.expected, one.value, 0); done != one.done || err != nil {
			t.Error(one, done, err)
		}
	}
	held, err := runnerkv.Delete(ctx, "b")
	if !held || err != nil {
		t.Error(held, err)
	}
	for i := range 1500 {
		must(runnerkv.Set(ctx, fmt.Sprintf("k/%04d", i), nil, 0))
	}
	n := 0
	for key, err := range runnerkv.Keys(ctx, "k/") {
		must(err)
		if key != fmt.Sprintf("k/%04d", n) {
			t.Fatal(key, n)
		}
		n++
	}
	if n != 1500 {
		t.Error(n)
	}
}

func TestObjectsAreWrittenAndReadInParts(t *testing.T) {
	host := runnertest.New(t)
	ctx := host.Context(runnertest.Job("x", "{}"))
	etag, err := runnerblobs.Put(ctx, "box", "a", []byte("hello"), runnerblobs.Options{IfAbsent: true, ContentType: "text/plain"})
	if err != nil || host.ContentType("box", "a") != "text/plain" {
		t.Fatal(err)
	}
	if got, err := runnerblobs.GetRange(ctx, "box", "a", 1, 3); string(got) != "ell" || err != nil {
		t.Error(string(got), err)
	}
	var failed *runnerblobs.Error
	if _, err = runnerblobs.Put(ctx, "box", "a", nil, runnerblobs.Options{IfAbsent: true}); !errors.As(err, &failed) || failed.Case != runnerblobs.Precondition {
		t.Error(err)
	}
	if _, err = runnerblobs.Put(ctx, "box", "a", []byte("bye"), runnerblobs.Options{IfUnchanged: etag}); err != nil {
		t.Error(err)
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), 9<<16)
	to, err := runnerblobs.Create(ctx, "box", "big", runnerblobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Abort()
	if _, err := io.Copy(to, bytes.NewReader(content)); err != nil || len(host.Blobs("box")) != 1 {
		t.Error(err)
	}
	if _, err := to.Finish(); err != nil {
		t.Error(err)
	}
	if _, err = runnerblobs.Get(ctx, "box", "big"); !errors.As(err, &failed) || failed.Case != runnerblobs.TooLarge {
		t.Error(err)
	}
	from, err := runnerblobs.Open(ctx, "box", "big")
	if err != nil {
		t.Fatal(err)
	}
	if read, err := io.ReadAll(from); err != nil || !bytes.Equal(read, content) {
		t.Error(len(read), err)
	}
	tail := make([]byte, 4)
	if _, err := from.ReadAt(tail, from.Object().Size-4); err != nil || string(tail) != "cdef" {
		t.Error(string(tail), err)
	}
	host.Blob("box", "big", "other")
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		t.Error(err)
	}
	from.Seek(-1, io.SeekEnd)
	if _, err := from.ReadAt(tail, 0); !errors.As(err, &failed) || failed.Error() != `"big" was changed while it was read` {
		t.Error(err)
	}
	var keys []string
	for object, err := range runnerblobs.List(ctx, "box", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, object.Key)
	}
	if !reflect.DeepEqual(keys, []string{"a", "big"}) {
		t.Error(keys)
	}
	url, err := runnerblobs.Presign(ctx, "box", "a", runnerblobs.Read, time.Minute)
	if url != "https://box.test/a?access=read&seconds=60" || err != nil {
		t.Error(url, err)
	}
}
