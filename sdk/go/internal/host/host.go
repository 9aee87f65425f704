// Package host is what a plugin can ask of Runner, in plain types. A component has
// it from the imports (internal/wasm), a unit test from runnertest. All packages of
// the SDK may use it; it knows none of them.
package host

import "time"

// Kind is how an attempt ends when it does not succeed.
type Kind string

// The cases of `failure` in wit/runner/outcome.wit.
const (
	Retry        Kind = "retry"
	RetryAfter   Kind = "retry-after"
	Reject       Kind = "reject"
	Snooze       Kind = "snooze"
	WaitChildren Kind = "wait-children"
	RateLimit    Kind = "rate-limit"
)

// Outcome is how an attempt ended: with a result, or with a failure of some kind.
type Outcome struct {
	Result string // JSON; "" is null
	Kind   Kind   // "" when the attempt succeeded
	Delay  time.Duration
	Reason string
}

// Job is the record of wit/runner/job.wit. Times are milliseconds, since 1970 or long.
type Job struct {
	ID, Queue, Name, Data string
	Attempt, MaxAttempts  uint32
	AddedAt, StartedAt    uint64
	Priority              uint32
	Delay                 uint64
	RequestID             *string
	Parent                *Parent
}

// Parent is the parent of a job in a flow.
type Parent struct{ ID, Queue string }

// Pair is a name and its value.
type Pair struct{ Name, Value string }

// Dependencies counts children by state.
type Dependencies struct{ Processed, Unprocessed, Failed, Ignored uint64 }

// Level is how important a line of the log is.
type Level uint8

// The levels of wit/runner/log.wit.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
)

// Request is the record of wit/runner/http.wit.
type Request struct {
	Method, URL string
	Headers     []Pair
	Body        []byte // nil for none
	Timeout     *uint32
	Redirects   uint8
	Idempotent  bool
}

// Response is the record of wit/runner/http.wit.
type Response struct {
	Status  uint16
	Headers []Pair
	Body    []byte
	URL     string
}

// Fault is an error of the host: a case of a variant, and its text.
type Fault struct {
	Case   uint8
	Reason string
}

// Options are the options of a new job; nil is the default of the queue.
type Options struct {
	ID               *string
	Delay            *uint64
	Priority         *uint32
	LIFO             bool
	Attempts         *uint32
	Backoff          *Backoff
	RemoveOnComplete *Keep
	RemoveOnFail     *Keep
	SizeLimit        *uint64
	Deduplication    *Deduplication
}

// Backoff is the wait between attempts.
type Backoff struct {
	Exponential bool
	Delay       uint64
	Jitter      float64
}

// Keep is which finished jobs are kept: case 0 all, 1 none, 2 count, 3 age.
type Keep struct {
	Case uint8
	N    uint64
}

// Deduplication is the record of wit/runner/queue.wit.
type Deduplication struct {
	ID               string
	TTL              *uint64
	Extend           bool
	Replace          bool
	KeepLastIfActive bool
	Reschedule       bool
}

// NewJob is a job to add.
type NewJob struct {
	Name, Data string
	Options    Options
}

// FlowJob is a job in a flow.
type FlowJob struct {
	Queue     string
	Job       NewJob
	Parent    *uint32
	OnFailure *uint8
}

// Host is everything a plugin can ask of Runner; wit/runner says what each does.
type Host interface {
	Job() Job
	UpdateData(json string) error
	ChildrenValues() ([]Pair, error)
	IgnoredFailures() ([]Pair, error)
	FailedChildren() ([]string, error)
	Dependencies() (Dependencies, error)
	RemoveUnprocessedChildren() error
	TimeLeft() uint64

	Log(level Level, message string, fields []Pair)
	Progress(percent float64, message *string)
	ProgressJSON(json string)

	Config(key string) (string, bool)
	ConfigAll() []Pair
	Secret(name string) (string, bool)

	Checkpoint(step string) (string, bool)
	PutCheckpoint(step, json string) error

	Send(request *Request) (*Response, *Fault)
	Add(queue string, job *NewJob) (string, *Fault)
	AddBulk(queue string, jobs []NewJob) ([]string, *Fault)
	AddFlow(jobs []FlowJob) ([]string, *Fault)
	AddChildren(jobs []FlowJob) ([]string, *Fault)
}

var current Host

// Set makes a host the one that Get returns, and returns the one before.
func Set(host Host) (before Host) {
	before, current = current, host
	return before
}

// Get is the host that is asked.
func Get() Host {
	if current == nil {
		panic("there is no Runner here: a plugin is tested with runnertest.New(t)")
	}
	return current
}
