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

// Value is a value of a database: a case of `scalar` in wit/runner/sql.wit with what it
// holds, or an array of such.
type Value struct {
	Case    uint8 // SQLNull to SQLOther
	Integer int64
	Float   float64
	Text    string
	Bytes   []byte
	IsArray bool
	Array   []Value
}

// The cases of `scalar`. A boolean is an Integer of 0 or 1.
const (
	SQLNull uint8 = iota
	SQLBoolean
	SQLInteger
	SQLFloat
	SQLNumeric
	SQLText
	SQLBytes
	SQLJSON
	SQLUUID
	SQLDate
	SQLTime
	SQLTimestamp
	SQLTimestamptz
	SQLOther
)

// Statement is the record of wit/runner/sql.wit.
type Statement struct {
	Text       string
	Parameters []Value
	Expect     *uint64
}

// Rows is the record of wit/runner/sql.wit; columns are names with their types.
type Rows struct {
	Columns  []Pair
	Rows     [][]Value
	Affected uint64
}

// SQLFault is the record `error` of wit/runner/sql.wit; "" and nil are none.
type SQLFault struct {
	Kind                uint8
	Code, Constraint    string
	Statement, Position *uint32
	Message             string
}

// Entry is the record of wit/runner/kv.wit.
type Entry struct {
	Value []byte
	TTL   *uint64
}

// Object is the record `metadata` of wit/runner/blobs.wit; an ETag of "" is none.
type Object struct {
	Key            string
	Size, Modified uint64
	ETag           string
}

// Range is the record of wit/runner/blobs.wit.
type Range struct{ Offset, Length uint64 }

// WriteOptions is the record of wit/runner/blobs.wit: condition 0 always, 1 absent, 2
// unchanged; a ContentType of "" is none.
type WriteOptions struct {
	Condition         uint8
	ETag, ContentType string
}

// Upload is an object that is being written.
type Upload interface {
	Append(bytes []byte) *Fault
	Finish() (etag string, fault *Fault)
	Drop()
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

	SQLQuery(database string, statement *Statement, timeout *uint32) (*Rows, *SQLFault)
	SQLExecute(database string, statement *Statement, timeout *uint32) (uint64, *SQLFault)
	SQLTransaction(database string, statements []Statement, timeout *uint32) ([]Rows, *SQLFault)

	KVGet(key string) (*Entry, *Fault)
	KVSet(key string, value []byte, ttl *uint64) *Fault
	KVCompareAndSet(key string, expected, value []byte, ttl *uint64) (bool, *Fault)
	KVIncrement(key string, by int64, ttl *uint64) (int64, *Fault)
	KVExpire(key string, ttl *uint64) (bool, *Fault)
	KVDelete(key string) (bool, *Fault)
	KVList(prefix string, cursor *string, limit uint32) (keys []string, next *string, fault *Fault)

	BlobGet(store, key string, span *Range) ([]byte, *Object, *Fault)
	BlobHead(store, key string) (*Object, *Fault)
	BlobPut(store, key string, bytes []byte, options *WriteOptions) (etag string, fault *Fault)
	BlobBegin(store, key string, options *WriteOptions) (Upload, *Fault)
	BlobDelete(store, key string) *Fault
	BlobList(store, prefix string, cursor *string, limit uint32) (objects []Object, next *string, fault *Fault)
	BlobPresign(store, key string, access uint8, seconds uint32) (string, *Fault)
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
