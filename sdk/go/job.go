package runner

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"runner.dev/sdk/internal/host"
)

// Job is one attempt of one job.
type Job struct {
	// ID is unique within the queue and the same in all attempts.
	ID string
	// Queue is the name of the queue, as in queues.toml.
	Queue string
	// Name is the first argument of BullMQ's queue.add.
	Name string
	// Data is the payload, byte for byte as the producer stored it. [Job.Decode] reads
	// it. Runner does not parse it for a queue without contract.
	Data json.RawMessage
	// Attempt is 1 for the first. Attempts that were handed back (at a shutdown, by a
	// snooze, after the death of a worker) do not count.
	Attempt int
	// MaxAttempts is how many attempts the job has before it fails for good; at least 1.
	MaxAttempts int
	// AddedAt is when the producer added the job.
	AddedAt time.Time
	// StartedAt is when this attempt began, by the clock of the host.
	StartedAt time.Time
	// Priority is from 0, the highest and the default, to 2097151, the lowest.
	Priority int
	// Delay is how long the producer wanted to wait before the first attempt.
	Delay time.Duration
	// RequestID is requestId, or else xRequestId, of the payload; "" if it has none.
	RequestID string
	// Parent is set if the job is a child in a flow.
	Parent *Parent
}

// Parent is the parent of a job that was added as part of a flow.
type Parent struct {
	ID    string
	Queue string // with its prefix, such as bull:invoices
}

// Dependencies is how many children a job has in each state.
type Dependencies struct {
	Processed   uint64 // completed; [ChildrenValues] has their results
	Unprocessed uint64 // not done yet
	Failed      uint64 // failed, and so will this job; [Job.FailedChildren] has their keys
	Ignored     uint64 // failed without failing this job; [Job.IgnoredFailures] says why
}

func newJob(from host.Job) *Job {
	job := &Job{
		ID: from.ID, Queue: from.Queue, Name: from.Name, Data: json.RawMessage(from.Data),
		Attempt: int(from.Attempt), MaxAttempts: int(from.MaxAttempts),
		AddedAt: moment(from.AddedAt), StartedAt: moment(from.StartedAt),
		Priority: int(from.Priority), Delay: millis(from.Delay),
	}
	if from.RequestID != nil {
		job.RequestID = *from.RequestID
	}
	if from.Parent != nil {
		job.Parent = &Parent{from.Parent.ID, from.Parent.Queue}
	}
	return job
}

func moment(millis uint64) time.Time { return time.UnixMilli(int64(min(millis, 1<<62))) }

// Decode reads the payload into what v points to, as json.Unmarshal does. In an `any`,
// numbers are a json.Number, so that large ones stay exact.
//
// The error is a [Reject], because the payload will not fit the next time either; it
// names the place: data.items[1].quantity: expected uint32, found string.
func (j *Job) Decode(v any) error {
	if err := decode(j.Data, v); err != nil {
		return Reject("data%w", err)
	}
	return nil
}

// UpdateData replaces the payload in Redis. The next attempt, if there is one, starts
// with the new one; [Job.Data] of this attempt does not change.
//
// It fails when v cannot be written as JSON, exceeds max_payload, the attempt has sent
// as much as it may (max_sent), the job's lock was lost, or Redis cannot be reached.
func (j *Job) UpdateData(v any) error {
	text, err := encode(v)
	if err != nil {
		return Reject("the new data cannot be written as JSON: %w", err)
	}
	return host.Get().UpdateData(text)
}

// ChildrenValues returns the results of the children that have completed, each by the
// key of the child, such as bull:lines:7. BullMQ's job.getChildrenValues.
//
// It fails when Redis cannot be reached or the results do not fit into max_held. A
// result that does not fit the type is a [Reject].
func ChildrenValues[T any](job *Job) (map[string]T, error) {
	found, err := host.Get().ChildrenValues()
	if err != nil {
		return nil, err
	}
	values := make(map[string]T, len(found))
	for _, child := range found {
		var value T
		if err := decode([]byte(child.Value), &value); err != nil {
			return nil, Reject("the result of child %s%w", child.Name, err)
		}
		values[child.Name] = value
	}
	return values, nil
}

// IgnoredFailures returns why children failed without failing this job, each by the key
// of the child. BullMQ's job.getIgnoredChildrenFailures.
func (j *Job) IgnoredFailures() (map[string]string, error) {
	found, err := host.Get().IgnoredFailures()
	if err != nil {
		return nil, err
	}
	reasons := make(map[string]string, len(found))
	for _, child := range found {
		reasons[child.Name] = child.Value
	}
	return reasons, nil
}

// FailedChildren returns the keys of the children whose failure fails this job.
func (j *Job) FailedChildren() ([]string, error) { return host.Get().FailedChildren() }

// Dependencies returns how many children there are in each state. BullMQ's
// job.getDependenciesCount.
func (j *Job) Dependencies() (Dependencies, error) {
	found, err := host.Get().Dependencies()
	return Dependencies(found), err
}

// RemoveUnprocessedChildren removes the children that no worker has started, and their
// children, so that the job can complete without them: a job that completes while
// children are open is called again when they are done. BullMQ's
// job.removeUnprocessedChildren.
func (j *Job) RemoveUnprocessedChildren() error { return host.Get().RemoveUnprocessedChildren() }

// TimeLeft is how long until the timeout stops this attempt.
func (j *Job) TimeLeft() time.Duration { return millis(host.Get().TimeLeft()) }

// Age is how long ago the job was added, at the start of this attempt.
func (j *Job) Age() time.Duration { return max(0, j.StartedAt.Sub(j.AddedAt)) }

// IdempotencyKey is a key for providers that ignore what they receive twice: the same in
// all attempts, and different for every other job and step (queue/id/added-at/step). The
// time is part of it because ids start again when a queue is obliterated.
func (j *Job) IdempotencyKey(step string) string {
	return strings.Join([]string{j.Queue, j.ID, fmt.Sprint(j.AddedAt.UnixMilli()), step}, "/")
}
