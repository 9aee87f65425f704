// Package runnertest runs handlers in plain go test, on the machine you sit at, without
// Wasm, Redis or a network: a [Host] answers whatever the plugin asks of Runner.
//
//	func TestForecast(t *testing.T) {
//		host := runnertest.New(t)
//		host.Reply("GET", "https://api.example.com/weather/Oslo", runnertest.Text(200, "rain"))
//		result, err := host.Run(forecast, runnertest.Job("forecast", `{"city": "Oslo"}`))
//		if err != nil || string(result) != `"rain"` {
//			t.Fatal(result, err)
//		}
//	}
package runnertest

import (
	"context"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"runner.dev/sdk"
	"runner.dev/sdk/internal/host"
	"runner.dev/sdk/runnerhttp"
)

// Host answers what the plugin asks of Runner, and remembers it, until the test ends.
// Only one test at a time can have one: such tests must not call t.Parallel.
type Host struct {
	t  testing.TB
	mu sync.Mutex

	settings, secrets   []host.Pair
	replies             []*reply
	current             *runner.Job
	values, ignored     []host.Pair
	failed              []string
	refuse              *host.Fault
	timeLeft            time.Duration
	requests            []Request
	logs                []Line
	progress            []string
	added               []Added
	disowned            int
	checkpoints, update []host.Pair
	expected            []*statement
	statements          []Statement
	kv                  keys
	blobs               blobs
}

type reply struct {
	method, url string
	reply       Reply
	used        bool
}

// New makes a host that answers from now on, without settings, secrets or replies.
// http.DefaultTransport and the default of log/slog go to it as well. When the test
// ends, replies and statements that were never asked for fail it.
func New(t testing.TB) *Host {
	t.Helper()
	h := &Host{t: t, timeLeft: 30 * time.Second}
	before := host.Set((*fake)(h))
	if before != nil {
		host.Set(before)
		t.Fatal("runnertest: another test has a host; tests with one cannot run in parallel")
	}
	transport, logger, flags, writer := http.DefaultTransport, slog.Default(), log.Flags(), log.Writer()
	http.DefaultTransport = &runnerhttp.Transport{}
	slog.SetDefault(slog.New(&runner.LogHandler{}))
	t.Cleanup(func() {
		host.Set(nil)
		http.DefaultTransport = transport
		slog.SetDefault(logger)
		log.SetFlags(flags)
		log.SetOutput(writer)
		for _, left := range h.replies {
			if !left.used {
				t.Errorf("runnertest: %s %s was never requested", left.method, left.url)
			}
		}
		for _, left := range h.expected {
			if !left.used {
				t.Errorf("runnertest: the statement on %q was never run: %s", left.database, left.part)
			}
		}
	})
	return h
}

// Job returns a job with id "1" of the queue "test", added just now, in the first of its
// three attempts. Its fields can be changed.
func Job(name, data string) *runner.Job {
	now := time.Now().Truncate(time.Millisecond)
	return &runner.Job{
		ID: "1", Queue: "test", Name: name, Data: json.RawMessage(data),
		Attempt: 1, MaxAttempts: 3, AddedAt: now, StartedAt: now,
	}
}

// Panic is the error of a handler that panicked. Runner makes a retry of it.
type Panic struct{ Reason string }

// Error is what the handler panicked with.
func (p *Panic) Error() string { return p.Reason }

// Run gives a job to a handler, as Runner does, and returns the result as JSON. The
// error is a [*runner.Failure] with the verdict on the attempt and its whole reason,
// as it will be in the job; or a [*Panic].
func (h *Host) Run(handler runner.Handler, job *runner.Job) (json.RawMessage, error) {
	h.t.Helper()
	h.mu.Lock()
	h.current = job
	h.mu.Unlock()
	ended := runner.Run(h.t.Context(), handler, job)
	switch {
	case ended.Kind == "" && ended.Result == "":
		return json.RawMessage("null"), nil
	case ended.Kind == "":
		return json.RawMessage(ended.Result), nil
	case strings.HasPrefix(ended.Reason, "panic: "):
		return nil, &Panic{ended.Reason}
	}
	return nil, failure(ended)
}

func failure(ended host.Outcome) error {
	switch ended.Kind {
	case host.RetryAfter:
		return runner.RetryAfter(ended.Delay, "%s", ended.Reason)
	case host.Reject:
		return runner.Reject("%s", ended.Reason)
	case host.Snooze:
		return runner.Snooze(ended.Delay, "%s", ended.Reason)
	case host.WaitChildren:
		return runner.ErrWaitChildren
	case host.RateLimit:
		return runner.RateLimit(ended.Delay, "%s", ended.Reason)
	}
	return runner.Retry("%s", ended.Reason)
}

// Context returns a context like that of a handler, with the job, for functions that a
// handler calls.
func (h *Host) Context(job *runner.Job) context.Context {
	return runner.NewContext(h.t.Context(), job)
}

// TimeLeft sets how long the attempt may take; 30 seconds if it is not called.
func (h *Host) TimeLeft(left time.Duration) { h.timeLeft = left }

// Setting gives the plugin a setting.
func (h *Host) Setting(key, value string) {
	h.settings = append(h.settings, host.Pair{Name: key, Value: value})
}

// Secret grants the plugin a secret.
func (h *Host) Secret(name, value string) {
	h.secrets = append(h.secrets, host.Pair{Name: name, Value: value})
}

// Reply answers one request. Several replies to the same URL are given in order. A
// request without a reply fails the test.
func (h *Host) Reply(method, url string, with Reply) {
	h.replies = append(h.replies, &reply{method: method, url: url, reply: with})
}

// ChildCompleted gives the job a child that has completed with this value.
func (h *Host) ChildCompleted(key string, value any) {
	h.values = append(h.values, host.Pair{Name: key, Value: h.written(value)})
}

// ChildIgnored gives the job a child that has failed without failing the job.
func (h *Host) ChildIgnored(key, reason string) {
	h.ignored = append(h.ignored, host.Pair{Name: key, Value: reason})
}

// ChildFailed gives the job a child that has failed, and the job fails with it.
func (h *Host) ChildFailed(key string) { h.failed = append(h.failed, key) }

// RefuseAdds refuses every job that is added from now on.
func (h *Host) RefuseAdds(fault runner.QueueFault, reason string) {
	h.refuse = &host.Fault{Case: uint8(fault), Reason: reason}
}

// AcceptAdds accepts jobs again from now on.
func (h *Host) AcceptAdds() { h.refuse = nil }

// Requests returns the requests sent so far.
func (h *Host) Requests() []Request { return h.requests }

// Logs returns the lines logged so far.
func (h *Host) Logs() []Line { return h.logs }

// Progress returns the progress reported so far, each as BullMQ stores it.
func (h *Host) Progress() []string { return h.progress }

// Added returns the jobs added so far.
func (h *Host) Added() []Added { return h.added }

// Checkpoint returns what a step has recorded, as JSON; "" if it has not.
func (h *Host) Checkpoint(step string) string {
	value, _ := find(h.checkpoints, step)
	return value
}

// Updates returns the payloads that [runner.Job.UpdateData] has stored.
func (h *Host) Updates() []string {
	var updates []string
	for _, update := range h.update {
		updates = append(updates, update.Value)
	}
	return updates
}

func (h *Host) written(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		h.t.Fatalf("runnertest: %v cannot be written as JSON: %v", reflect.TypeOf(value), err)
	}
	return string(text)
}

func find(pairs []host.Pair, name string) (string, bool) {
	for _, pair := range pairs {
		if pair.Name == name {
			return pair.Value, true
		}
	}
	return "", false
}
