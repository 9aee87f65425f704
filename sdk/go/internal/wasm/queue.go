//go:build wasip1

package wasm

import (
	"unsafe"

	"runner.dev/sdk/internal/host"
)

type newJob struct {
	name, data text
	options    options
}

type options struct {
	id               optionText
	delay            optionU64
	priority         optionU32
	lifo             bool
	attempts         optionU32
	backoff          optionBackoff
	removeOnComplete optionKeep
	removeOnFail     optionKeep
	sizeLimit        optionU64
	deduplication    optionDeduplication
}

type optionBackoff struct {
	some  uint8
	value struct {
		kind   uint8
		delay  uint64
		jitter float64
	}
}

// optionKeep holds a `u32` or a `u64`: little-endian, one reads as the other.
type optionKeep struct {
	some  uint8
	value struct {
		which uint8
		n     uint64
	}
}

type optionDeduplication struct {
	some  uint8
	value struct {
		id                                            text
		ttl                                           optionU64
		extend, replace, keepLastIfActive, reschedule bool
	}
}

type flowJob struct {
	queue     text
	job       newJob
	parent    optionU32
	onFailure struct{ some, value uint8 }
}

func lowerJob(j *host.NewJob) newJob {
	o := &j.Options
	lowered := newJob{name: lower(j.Name), data: lower(j.Data), options: options{
		id:               lowerText(o.ID),
		delay:            lowerU64(o.Delay),
		priority:         lowerU32(o.Priority),
		lifo:             o.LIFO,
		attempts:         lowerU32(o.Attempts),
		removeOnComplete: lowerKeep(o.RemoveOnComplete),
		removeOnFail:     lowerKeep(o.RemoveOnFail),
		sizeLimit:        lowerU64(o.SizeLimit),
	}}
	if b := o.Backoff; b != nil {
		lowered.options.backoff.some = 1
		value := &lowered.options.backoff.value
		value.kind, value.delay, value.jitter = uint8(flag(b.Exponential)), b.Delay, b.Jitter
	}
	if d := o.Deduplication; d != nil {
		lowered.options.deduplication.some = 1
		value := &lowered.options.deduplication.value
		value.id, value.ttl = lower(d.ID), lowerU64(d.TTL)
		value.extend, value.replace = d.Extend, d.Replace
		value.keepLastIfActive, value.reschedule = d.KeepLastIfActive, d.Reschedule
	}
	return lowered
}

func lowerKeep(k *host.Keep) (out optionKeep) {
	if k != nil {
		out.some, out.value.which, out.value.n = 1, k.Case, k.N
	}
	return out
}

func lowerFlow(jobs []host.FlowJob) list {
	lowered := make([]flowJob, len(jobs))
	for i := range jobs {
		lowered[i] = flowJob{
			queue:  lower(jobs[i].Queue),
			job:    lowerJob(&jobs[i].Job),
			parent: lowerU32(jobs[i].Parent),
		}
		if on := jobs[i].OnFailure; on != nil {
			lowered[i].onFailure.some, lowered[i].onFailure.value = 1, *on
		}
	}
	return lowerList(lowered)
}

func (Host) Add(queue string, job *host.NewJob) (string, *host.Fault) {
	defer done()
	arguments := &struct {
		queue text
		job   newJob
	}{lower(queue), lowerJob(job)}
	queueAdd(unsafe.Pointer(arguments), out)
	if fault := result[resultFault]().error(); fault != nil {
		return "", fault
	}
	return lift(result[resultText]().text), nil
}

func (Host) AddBulk(queue string, jobs []host.NewJob) ([]string, *host.Fault) {
	defer done()
	lowered := make([]newJob, len(jobs))
	for i := range jobs {
		lowered[i] = lowerJob(&jobs[i])
	}
	l := lowerList(lowered)
	queueAddBulk(queue, l.at, l.len, out)
	return ids()
}

func (Host) AddFlow(jobs []host.FlowJob) ([]string, *host.Fault) {
	defer done()
	l := lowerFlow(jobs)
	queueAddFlow(l.at, l.len, out)
	return ids()
}

func (Host) AddChildren(jobs []host.FlowJob) ([]string, *host.Fault) {
	defer done()
	l := lowerFlow(jobs)
	queueAddChildren(l.at, l.len, out)
	return ids()
}

func ids() ([]string, *host.Fault) {
	if fault := result[resultFault]().error(); fault != nil {
		return nil, fault
	}
	return liftTexts(result[resultText]().text), nil
}
