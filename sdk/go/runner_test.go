package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"runner.dev/sdk"
	"runner.dev/sdk/runnerhttp"
	"runner.dev/sdk/runnertest"
)

type order struct {
	Items []item         `json:"items"`
	Notes map[string]any `json:"notes"`
}

type item struct {
	Quantity uint32 `json:"quantity"`
	SKU      *string
}

func place(context.Context, order) (any, error) { return nil, nil }

func TestAPayloadThatDoesNotFitIsRejectedWithItsPlace(t *testing.T) {
	host := runnertest.New(t)
	for data, want := range map[string]string{
		`{"items":[{"quantity":1},{"quantity":"two"}]}`:                       "data.items[1].quantity: expected uint32, found string",
		`{"notes":{"a":[1]},"items":[{"quantity":1},{"x":[],"quantity":-1}]}`: "data.items[1].quantity: expected uint32, found number -1",
		`{"items":{"a":1}}`: "data.items: expected []runner_test.item, found object",
		`[]`:                "data: expected runner_test.order, found array",
		`{"items":[]} x`:    "data: text after the value at byte 12",
		``:                  "data: it is empty",
	} {
		_, err := host.Run(runner.Typed(place), runnertest.Job("order", data))
		var failure *runner.Failure
		if !errors.As(err, &failure) || failure.Kind != runner.KindReject || failure.Error() != want {
			t.Errorf("%s: %v, not %q", data, err, want)
		}
	}
	for _, broken := range []string{`{"items":[`, `{oops`} {
		_, err := host.Run(runner.Typed(place), runnertest.Job("order", broken))
		if err == nil || !strings.HasPrefix(err.Error(), "data: it is not JSON: ") {
			t.Error(err)
		}
	}
}

func TestNumbersAndTextsStayAsTheyAre(t *testing.T) {
	host := runnertest.New(t)
	data := `{"big":18446744073709551615,"small":-9223372036854775808,"text":"<é>"}`
	echo := func(_ context.Context, value any) (any, error) { return value, nil }
	if result, err := host.Run(runner.Typed(echo), runnertest.Job("echo", data)); err != nil || string(result) != data {
		t.Error(string(result), err)
	}
	raw := func(_ context.Context, job *runner.Job) (any, error) { return job.Data, nil }
	if result, err := host.Run(raw, runnertest.Job("raw", ` [1.10, 1e400 ] `)); err != nil || string(result) != ` [1.10, 1e400 ] ` {
		t.Error(string(result), err)
	}
}

func TestTheFirstFailureAmongTheCausesDecides(t *testing.T) {
	host := runnertest.New(t)
	run := func(err error) error {
		_, err = host.Run(func(context.Context, *runner.Job) (any, error) { return nil, err }, runnertest.Job("x", "{}"))
		return err
	}
	refused := &runnerhttp.Error{Case: runnerhttp.Denied, Reason: "api.example.com is not granted"}
	for _, one := range []struct{ err, want error }{
		{errors.New("disk full"), runner.Retry("disk full")},
		{fmt.Errorf("saving: %w", runner.Reject("no such user")), runner.Reject("saving: no such user")},
		{runner.RetryAfter(time.Second, "slow down: %w", io.EOF), runner.RetryAfter(time.Second, "slow down: EOF")},
		{runner.Snooze(time.Hour, "people sleep"), runner.Snooze(time.Hour, "people sleep")},
		{runner.RateLimit(time.Minute, "429"), runner.RateLimit(time.Minute, "429")},
		{runner.ErrWaitChildren, runner.ErrWaitChildren},
		{fmt.Errorf("sending: %w", refused), runner.Reject("sending: the request was denied: api.example.com is not granted")},
		{runner.Retry("again: %w", refused), runner.Retry("again: the request was denied: api.example.com is not granted")},
		{&runner.QueueError{Case: runner.Unavailable, Reason: "refused"}, runner.Retry("the job may not have been added: refused")},
		{hidden{io.ErrUnexpectedEOF}, runner.Retry("reading failed: unexpected EOF")},
	} {
		if got := run(one.err); !errors.Is(got, one.want) {
			t.Errorf("%v became %v, not %v", one.err, got, one.want)
		}
	}
}

// hidden leaves its cause out of its text.
type hidden struct{ cause error }

func (hidden) Error() string   { return "reading failed" }
func (h hidden) Unwrap() error { return h.cause }

func TestAPanicIsARetryWithItsText(t *testing.T) {
	host := runnertest.New(t)
	_, err := host.Run(func(context.Context, *runner.Job) (any, error) {
		var list []int
		return list[3], nil
	}, runnertest.Job("x", "{}"))
	var panicked *runnertest.Panic
	if !errors.As(err, &panicked) || panicked.Reason != "panic: runtime error: index out of range [3] with length 0" {
		t.Error(err)
	}
}

func TestAFinishedStepIsNotRunAgain(t *testing.T) {
	host := runnertest.New(t)
	ctx := host.Context(runnertest.Job("x", "{}"))
	busy := func(context.Context) (int, error) { return 0, errors.New("busy") }
	if _, err := runner.Step(ctx, "email", busy); err == nil {
		t.Error("the step's own error is lost")
	}
	for range 2 {
		first := true
		seven, err := runner.Step(ctx, "email", func(context.Context) (int, error) {
			if !first {
				t.Error("run twice")
			}
			first = false
			return 7, nil
		})
		if seven != 7 || err != nil {
			t.Error(seven, err)
		}
	}
	_, err := runner.Step(ctx, "email", func(context.Context) (string, error) { return "", nil })
	if !errors.Is(err, runner.Reject(`the step "email" has recorded something else: expected string, found number`)) {
		t.Error(err)
	}
}

func TestWhatIsMissingIsNamedWithTheWayToGrantIt(t *testing.T) {
	host := runnertest.New(t)
	host.Setting("pages", "7")
	host.Setting("age", `"five"`)
	if pages, err := runner.ConfigJSON[int]("pages"); pages != 7 || err != nil {
		t.Error(pages, err)
	}
	_, age := runner.ConfigJSON[int]("age")
	_, sender := runner.RequireConfig("sender")
	_, key := runner.RequireSecret("KEY")
	for _, one := range []struct{ got, want error }{
		{age, runner.Reject(`the setting "age" does not fit: expected int, found string`)},
		{sender, runner.Reject(`the setting "sender" is missing; add it to config under [plugins.<name>] in queues.toml`)},
		{key, runner.Reject("the secret \"KEY\" is not granted; add `secrets = { KEY = \"env:KEY\" }` under [plugins.<name>] in queues.toml")},
	} {
		if !errors.Is(one.got, one.want) {
			t.Errorf("%v, not %v", one.got, one.want)
		}
	}
}

func TestLinesCarryLevelAndFields(t *testing.T) {
	host := runnertest.New(t)
	logger := slog.With("job", 7).WithGroup("http")
	logger.Warn("slow", "ms", 120, slog.Group("peer", "host", "a.example", "error", io.EOF))
	slog.Log(t.Context(), runner.LevelTrace, "a step", "at", time.Unix(0, 0).UTC())
	log.Print("plain")
	var got []string
	for _, line := range host.Logs() {
		got = append(got, line.Level.String()+" "+line.String())
	}
	want := []string{
		"WARN slow job=7 http.ms=120 http.peer.host=a.example http.peer.error=EOF",
		"DEBUG-4 a step at=1970-01-01T00:00:00Z",
		"INFO plain",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestJobsAreAddedWithTheirOptionsAndChildren(t *testing.T) {
	host := runnertest.New(t)
	ctx := host.Context(runnertest.Job("x", "{}"))
	id, err := runner.Add(ctx, "mail", runner.NewJob{
		Name: "welcome", Data: map[string]int{"n": 1}, ID: "w-1", Delay: time.Second, LIFO: true,
		Backoff: &runner.Backoff{Delay: time.Second, Exponential: true}, RemoveOnFail: runner.KeepAge(time.Hour),
	})
	if id != "w-1" || err != nil {
		t.Error(id, err)
	}
	page := func(n int) runner.FlowJob {
		return runner.FlowJob{Queue: "pages", Job: runner.NewJob{Name: "render", Data: n}, OnFailure: runner.IgnoreFailure}
	}
	book := page(0)
	book.Children = []runner.FlowJob{page(1), page(2)}
	if _, err := runner.AddChildren(ctx, book); err != nil {
		t.Error(err)
	}
	want := []runnertest.Added{
		{Queue: "mail", Name: "welcome", Data: `{"n":1}`, Parent: -1, Options: "id=w-1 delay=1000 lifo backoff=exponential/1000/0 removeOnFail=3600s"},
		{Queue: "pages", Name: "render", Data: "0", Child: true, Parent: -1, OnFailure: runner.IgnoreFailure},
		{Queue: "pages", Name: "render", Data: "1", Parent: 1, OnFailure: runner.IgnoreFailure},
		{Queue: "pages", Name: "render", Data: "2", Parent: 1, OnFailure: runner.IgnoreFailure},
	}
	if !reflect.DeepEqual(host.Added(), want) {
		t.Errorf("%+v", host.Added())
	}
	host.RefuseAdds(runner.UnknownQueue, `no queue "mial"`)
	_, err = runner.AddBulk(ctx, "mial", []runner.NewJob{{Name: "x"}})
	var fault *runner.QueueError
	if !errors.As(err, &fault) || fault.Error() != `the job was not added: no queue "mial"` {
		t.Error(err)
	}
	if _, err := runner.Add(ctx, "mail", runner.NewJob{Name: "x", Data: func() {}}); err == nil {
		t.Error("expected JSON, found function")
	}
}

func TestChildrenAreReadAsAType(t *testing.T) {
	host := runnertest.New(t)
	host.ChildCompleted("bull:pages:1", 3)
	host.ChildIgnored("bull:pages:2", "no paper")
	job := runnertest.Job("x", "{}")
	values, err := runner.ChildrenValues[int](job)
	if err != nil || !reflect.DeepEqual(values, map[string]int{"bull:pages:1": 3}) {
		t.Error(values, err)
	}
	if reasons, _ := job.IgnoredFailures(); reasons["bull:pages:2"] != "no paper" {
		t.Error(reasons)
	}
	_, err = runner.ChildrenValues[string](job)
	if !errors.Is(err, runner.Reject("the result of child bull:pages:1: expected string, found number")) {
		t.Error(err)
	}
}

func TestNetHTTPGoesThroughRunner(t *testing.T) {
	host := runnertest.New(t)
	host.Reply("POST", "https://a.example/orders", runnertest.Text(302, "").Header("location", "/orders/7"))
	host.Reply("GET", "https://a.example/orders/7", runnertest.JSON(200, 7))
	host.Reply("GET", "https://a.example/busy", runnertest.Text(503, "full").Header("retry-after", "7"))
	host.Reply("GET", "https://a.example/gone", runnertest.Fault(runnerhttp.TimedOut, "30 s"))
	ctx := runnerhttp.WithIdempotencyKey(t.Context())
	request, _ := http.NewRequestWithContext(ctx, "POST", "https://a.example/orders", strings.NewReader(`{"sku":1}`))
	request.Header.Set("Authorization", "Bearer x")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(response.Body); string(body) != "7" || response.Request.URL.Path != "/orders/7" {
		t.Error(string(body), response.Request.URL)
	}
	first := host.Requests()[0]
	if first.Body != `{"sku":1}` || !first.Idempotent || first.Header.Get("Authorization") != "Bearer x" {
		t.Errorf("%+v", first)
	}
	busy, err := http.Get("https://a.example/busy")
	if err != nil {
		t.Fatal(err)
	}
	var status *runnerhttp.StatusError
	if err := runnerhttp.CheckStatus(busy); !errors.As(err, &status) || status.RetryAfter != 7*time.Second ||
		err.Error() != "a.example answered 503: full" {
		t.Error(err)
	}
	_, err = http.Get("https://a.example/gone")
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	request, _ = http.NewRequestWithContext(cancelled, "GET", "https://a.example/never", nil)
	if _, err := http.DefaultClient.Do(request); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAHandlerHasItsDeadlineAndItsJob(t *testing.T) {
	host := runnertest.New(t)
	host.TimeLeft(time.Minute)
	result, err := host.Run(func(ctx context.Context, job *runner.Job) (any, error) {
		deadline, _ := ctx.Deadline()
		left := time.Until(deadline)
		return runner.FromContext(ctx) == job && left > 58*time.Second && left <= time.Minute, nil
	}, runnertest.Job("x", "{}"))
	if err != nil || string(result) != "true" {
		t.Error(string(result), err)
	}
	runner.Progress(140)
	runner.ProgressMessage(40, "page 2 of 5")
	if err := runner.ProgressValue([]int{1}); err != nil {
		t.Error(err)
	}
	if want := []string{"100", `{"percent":40,"message":"page 2 of 5"}`, "[1]"}; !reflect.DeepEqual(host.Progress(), want) {
		t.Error(host.Progress())
	}
	job := runnertest.Job("x", "{}")
	if err := job.UpdateData(json.RawMessage(`{"a":1}`)); err != nil || host.Updates()[0] != `{"a":1}` {
		t.Error(err, host.Updates())
	}
}
