package runnertest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"runner.dev/sdk"
	"runner.dev/sdk/internal/host"
	"runner.dev/sdk/runnerhttp"
)

// Reply is a canned reply to one request.
type Reply struct {
	response host.Response
	fault    *host.Fault
}

// Text is a reply with any content.
func Text(status int, content string) Reply {
	return Reply{response: host.Response{Status: uint16(status), Body: []byte(content)}}
}

// JSON is a reply with a value as JSON. It panics if it cannot be written.
func JSON(status int, content any) Reply {
	text, err := json.Marshal(content)
	if err != nil {
		panic("runnertest: " + err.Error())
	}
	return Text(status, string(text)).Header("Content-Type", "application/json")
}

// Fault is no reply but an error.
func Fault(fault runnerhttp.Case, reason string) Reply {
	return Reply{fault: &host.Fault{Case: uint8(fault), Reason: reason}}
}

// Header adds a header field.
func (r Reply) Header(name, value string) Reply {
	before := r.response.Headers
	r.response.Headers = append(before[:len(before):len(before)], host.Pair{Name: strings.ToLower(name), Value: value})
	return r
}

// Request is a request that was sent.
type Request struct {
	Method, URL string
	Header      http.Header
	Body        string
	Idempotent  bool // whether it asked for an idempotency key
}

// Line is a line of the job's log.
type Line struct {
	Level   slog.Level
	Message string
	Fields  []string // "name=value", in the order given
}

// String is the message and the fields.
func (l Line) String() string { return strings.Join(append([]string{l.Message}, l.Fields...), " ") }

// Added is a job that was added.
type Added struct {
	Queue, Name string
	Data        string // JSON
	// Child is whether it is a child of the job being worked on.
	Child bool
	// Parent is the place in Added of the job that it is a child of; -1 without.
	Parent int
	// OnFailure is what its failure does to its parent.
	OnFailure runner.ChildFailure
	// Options are its options as text, those that were given: "delay=5000 lifo".
	Options string
}

func optionsText(o *host.Options) string {
	var given []string
	add := func(name string, value any) { given = append(given, fmt.Sprintf("%s=%v", name, value)) }
	keep := func(name string, k *host.Keep) {
		if k != nil {
			add(name, [...]string{"all", "none", fmt.Sprint(k.N), fmt.Sprint(k.N, "s")}[k.Case])
		}
	}
	if o.ID != nil {
		add("id", *o.ID)
	}
	if o.Delay != nil {
		add("delay", *o.Delay)
	}
	if o.Priority != nil {
		add("priority", *o.Priority)
	}
	if o.LIFO {
		given = append(given, "lifo")
	}
	if o.Attempts != nil {
		add("attempts", *o.Attempts)
	}
	if b := o.Backoff; b != nil {
		add("backoff", fmt.Sprintf("%s/%d/%v", map[bool]string{false: "fixed", true: "exponential"}[b.Exponential], b.Delay, b.Jitter))
	}
	keep("removeOnComplete", o.RemoveOnComplete)
	keep("removeOnFail", o.RemoveOnFail)
	if o.SizeLimit != nil {
		add("sizeLimit", *o.SizeLimit)
	}
	if d := o.Deduplication; d != nil {
		add("deduplication", d.ID)
	}
	return strings.Join(given, " ")
}
