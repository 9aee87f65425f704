package runner

import (
	"context"
	"fmt"
	"time"

	"runner.dev/sdk/internal/host"
)

// NewJob is a job to add. Only Name is required: what is zero is the default of the
// queue in queues.toml.
type NewJob struct {
	// Name tells the consumer what kind of job it is.
	Name string
	// Data is the payload, written as JSON. It must fit the queue's contract, if the
	// queue has one.
	Data any
	// ID is an id of your choice. A second job with the same id is not added while the
	// first is stored. It must not be a number or contain a colon.
	ID string
	// Delay is how long to wait before the job may start.
	Delay time.Duration
	// Priority is from 1 (first) to 2097151 (last). Jobs with 0 go before all of these.
	Priority uint32
	// LIFO puts the job in front of those that wait.
	LIFO bool
	// Attempts is how many the job has.
	Attempts uint32
	// Backoff is how long to wait between attempts.
	Backoff *Backoff
	// RemoveOnComplete is which completed jobs to keep.
	RemoveOnComplete *Keep
	// RemoveOnFail is which failed jobs to keep.
	RemoveOnFail *Keep
	// SizeLimit refuses the job if its payload has more bytes.
	SizeLimit uint64
	// Deduplication adds the job only if there is none with the same meaning. It must be
	// nil in a flow.
	Deduplication *Deduplication
}

// Backoff is the wait between attempts, as BullMQ computes it.
type Backoff struct {
	// Delay is the wait before the second attempt.
	Delay time.Duration
	// Exponential doubles it with each attempt; otherwise it is always the same.
	Exponential bool
	// Jitter is the share of each wait that is random, from 0 to 1.
	Jitter float64
}

// Keep is which finished jobs to keep.
type Keep struct{ keep host.Keep }

// KeepAll keeps all of them.
func KeepAll() *Keep { return &Keep{host.Keep{Case: 0}} }

// KeepNone removes the job as soon as it ends.
func KeepNone() *Keep { return &Keep{host.Keep{Case: 1}} }

// KeepCount keeps the newest, up to this number.
func KeepCount(n uint32) *Keep { return &Keep{host.Keep{Case: 2, N: uint64(n)}} }

// KeepAge keeps those that ended within this time, in whole seconds.
func KeepAge(age time.Duration) *Keep {
	return &Keep{host.Keep{Case: 3, N: uint64(max(0, age/time.Second))}}
}

// Deduplication is one job instead of several that mean the same. With ID alone, further
// jobs are not added until the first has ended; adding one returns the id of the first.
type Deduplication struct {
	// ID is the key that jobs with the same meaning share.
	ID string
	// TTL is how long further jobs are not added, whether the first has ended or not
	// (throttle). 0: until it has ended.
	TTL time.Duration
	// Extend makes each further job restart TTL.
	Extend bool
	// Replace makes a further job replace the first while that is delayed. With TTL,
	// Extend and a delay this is debounce.
	Replace bool
	// KeepLastIfActive adds, of the jobs that arrive while the first is running, the
	// last when the first has ended.
	KeepLastIfActive bool
	// Reschedule makes a further job give the first its own delay, while that is delayed.
	Reschedule bool
}

// ChildFailure is what the failure of a child does to its parent.
type ChildFailure int

// What the failure of a child can do. By default the parent waits until somebody retries
// the child and it completes.
const (
	// KeepWaiting is the default.
	KeepWaiting ChildFailure = iota
	// FailParent fails the parent: failParentOnFailure.
	FailParent
	// ContinueParent lets the parent continue at once, without waiting for its other
	// children: continueParentOnFailure.
	ContinueParent
	// IgnoreFailure makes the parent no longer wait for the child, and find the reason
	// in [Job.IgnoredFailures]: ignoreDependencyOnFailure.
	IgnoreFailure
	// RemoveDependency makes the parent continue as if the child had never existed:
	// removeDependencyOnFailure.
	RemoveDependency
)

// FlowJob is a job in a flow, which starts when its children are done.
type FlowJob struct {
	// Queue is the queue to add it to.
	Queue string
	// Job is the job. If its ID is that of a stored job, that job becomes the child.
	Job NewJob
	// Children are what it waits for.
	Children []FlowJob
	// OnFailure is what its failure does to its parent.
	OnFailure ChildFailure
}

// QueueError is why a job was not added. Unless it is wrapped in a [Failure], the first
// three cases reject the job, the others retry it.
type QueueError struct {
	Case   QueueFault
	Reason string
}

// QueueFault is a kind of [QueueError].
type QueueFault uint8

// Why a job was not added.
const (
	UnknownQueue QueueFault = iota // the queue is not declared in queues.toml
	InvalidJob                     // its name, payload or an option is wrong
	LimitReached                   // the attempt would exceed max_adds or max_sent
	LockLost                       // the lock of the current job was lost
	Unavailable                    // Redis could not be reached, or its answer was lost: it may have been added
)

// Error says whether the job can have been added, and why not.
func (e *QueueError) Error() string {
	if e.Case == Unavailable {
		return "the job may not have been added: " + e.Reason
	}
	return "the job was not added: " + e.Reason
}

// Verdict is what the error does to the job, when the handler returns it.
func (e *QueueError) Verdict() (Kind, time.Duration) {
	if e.Case <= LimitReached {
		return KindReject, 0
	}
	return KindRetry, 0
}

// Add adds one job to a queue of queues.toml and returns its id. The error is a
// [*QueueError]. Runner passes on the request id of the current job.
func Add(ctx context.Context, queue string, job NewJob) (id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	written, err := job.written()
	if err != nil {
		return "", err
	}
	id, fault := host.Get().Add(queue, &written)
	return id, queueError(fault)
}

// AddBulk adds several jobs, all or none. It returns their ids in the order given. The
// error is a [*QueueError].
func AddBulk(ctx context.Context, queue string, jobs []NewJob) (ids []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	written := make([]host.NewJob, len(jobs))
	for i, job := range jobs {
		if written[i], err = job.written(); err != nil {
			return nil, err
		}
	}
	ids, fault := host.Get().AddBulk(queue, written)
	return ids, queueError(fault)
}

// AddFlow adds jobs with their children, all or none. It returns their ids, each
// followed by those of its children. The error is a [*QueueError].
func AddFlow(ctx context.Context, jobs ...FlowJob) (ids []string, err error) {
	return addFlow(ctx, jobs, func(h host.Host) func([]host.FlowJob) ([]string, *host.Fault) { return h.AddFlow })
}

// AddChildren is like [AddFlow], but the jobs become children of the current job, which
// can then end with [ErrWaitChildren].
func AddChildren(ctx context.Context, jobs ...FlowJob) (ids []string, err error) {
	return addFlow(ctx, jobs, func(h host.Host) func([]host.FlowJob) ([]string, *host.Fault) { return h.AddChildren })
}

func addFlow(ctx context.Context, jobs []FlowJob, add func(host.Host) func([]host.FlowJob) ([]string, *host.Fault)) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var flat []host.FlowJob
	for i := range jobs {
		var err error
		if flat, err = jobs[i].appendTo(flat, nil); err != nil {
			return nil, err
		}
	}
	ids, fault := add(host.Get())(flat)
	return ids, queueError(fault)
}

// appendTo appends a job and then its children, which name it by its place.
func (f *FlowJob) appendTo(flat []host.FlowJob, parent *uint32) ([]host.FlowJob, error) {
	written, err := f.Job.written()
	if err != nil {
		return nil, err
	}
	place := uint32(len(flat))
	job := host.FlowJob{Queue: f.Queue, Job: written, Parent: parent}
	if f.OnFailure != KeepWaiting {
		policy := uint8(f.OnFailure - FailParent)
		job.OnFailure = &policy
	}
	flat = append(flat, job)
	for i := range f.Children {
		if flat, err = f.Children[i].appendTo(flat, &place); err != nil {
			return nil, err
		}
	}
	return flat, nil
}

func (j *NewJob) written() (host.NewJob, error) {
	data, err := encode(j.Data)
	if err != nil {
		return host.NewJob{}, &QueueError{InvalidJob, fmt.Sprintf("the data of %q cannot be written as JSON: %v", j.Name, err)}
	}
	options := host.Options{
		ID: some(j.ID), Delay: some(wholeMillis(j.Delay)), Priority: some(j.Priority), LIFO: j.LIFO,
		Attempts: some(j.Attempts), SizeLimit: some(j.SizeLimit),
	}
	if b := j.Backoff; b != nil {
		options.Backoff = &host.Backoff{Exponential: b.Exponential, Delay: wholeMillis(b.Delay), Jitter: b.Jitter}
	}
	if j.RemoveOnComplete != nil {
		options.RemoveOnComplete = &j.RemoveOnComplete.keep
	}
	if j.RemoveOnFail != nil {
		options.RemoveOnFail = &j.RemoveOnFail.keep
	}
	if d := j.Deduplication; d != nil {
		options.Deduplication = &host.Deduplication{
			ID: d.ID, TTL: some(wholeMillis(d.TTL)), Extend: d.Extend, Replace: d.Replace,
			KeepLastIfActive: d.KeepLastIfActive, Reschedule: d.Reschedule,
		}
	}
	return host.NewJob{Name: j.Name, Data: data, Options: options}, nil
}

// some is nil for the zero value, which is the default of the queue.
func some[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

func wholeMillis(d time.Duration) uint64 { return uint64(max(0, d.Milliseconds())) }

func queueError(fault *host.Fault) error {
	if fault == nil {
		return nil
	}
	return &QueueError{QueueFault(fault.Case), fault.Reason}
}
