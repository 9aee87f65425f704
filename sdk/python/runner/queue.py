"""Add jobs to queues that are declared in ``queues.toml``::

    from datetime import timedelta
    from runner import queue

    queue.add("reminders", "remind", {"order": 7}, delay=timedelta(hours=1))

Runner passes on the request id of the current job. One attempt may add 1000 jobs
(``max_adds``), each with a payload of up to 10 MiB. A payload is anything that
`runner` writes as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from ._host import Added, HostError, host
from ._json import dumps
from ._units import Duration, millis
from .failures import Failure, Reject, Retry

if TYPE_CHECKING:
    from typing_extensions import Unpack

OnFailure = Literal["fail-parent", "continue-parent", "ignore", "remove"]
"""What the failure of a child does to its parent.

``fail-parent`` fails it. ``continue-parent`` lets it continue at once. With ``ignore``
it no longer waits for the child, and finds the reason in `Job.ignored_failures`. With
``remove`` it continues as if the child had never existed.
"""


class Error(Exception):
    """Why a job was not added."""

    kind: str = "error"
    """Why, in a word: ``unknown-queue``, ``invalid``, ``limit``, ``lost`` or
    ``unavailable``."""

    def _verdict(self) -> Failure:
        return Reject(self)


class UnknownQueue(Error):
    """The queue is not declared in ``queues.toml``."""

    kind = "unknown-queue"


class Invalid(Error):
    """The job is wrong: its name, payload or an option."""

    kind = "invalid"


class Limit(Error):
    """The attempt would exceed ``max_adds`` or ``max_sent``."""

    kind = "limit"


class Lost(Error):
    """The lock of the current job was lost, so it may not add anything."""

    kind = "lost"

    def _verdict(self) -> Failure:
        return Retry(self)


class Unavailable(Error):
    """Redis could not be reached, or its answer was lost: the job may have been added."""

    kind = "unavailable"

    def _verdict(self) -> Failure:
        return Retry(self)


_ERRORS: dict[str, type[Error]] = {
    kind.__name__: kind for kind in (UnknownQueue, Invalid, Limit, Lost, Unavailable)
}


@dataclass(frozen=True)
class Backoff:
    """The wait between attempts, as BullMQ computes it."""

    kind: Literal["fixed", "exponential"]
    """Always the same, or doubled with each attempt."""
    delay: Duration
    """Seconds before the second attempt."""
    jitter: float = 0.0
    """The share of each wait that is random, 0 to 1."""


@dataclass(frozen=True)
class Keep:
    """Which finished jobs to keep, if not all or none: the newest, or the recent."""

    count: int | None = None
    """The newest, up to this number."""
    age: Duration | None = None
    """Those that ended within the last seconds."""


@dataclass(frozen=True)
class Deduplication:
    """One job instead of several that mean the same: BullMQ's deduplication.

    With `id` alone, further jobs are not added until the first has ended; adding one
    returns the id of the first.
    """

    id: str
    """The key that jobs with the same meaning share."""
    ttl: Duration | None = None
    """For how many seconds further jobs are not added (throttle)."""
    extend: bool = False
    """Each further job restarts `ttl`."""
    replace: bool = False
    """A further job replaces the first while that is delayed (debounce)."""
    keep_last_if_active: bool = False
    """Of the jobs that arrive while the first is running, the last is added after it."""
    reschedule: bool = False
    """A further job gives the first its own delay, while that is delayed."""


@dataclass
class NewJob:
    """A job to add. Options that are not given come from the queue's defaults."""

    name: str
    """The name, which tells the consumer what kind of job it is."""
    data: Any
    """The payload. It must fit the queue's contract, if the queue has one."""
    queue: str = ""
    """The queue to add it to; needed in flows."""
    id: str | None = None
    """An id of your choice; not a number, no ``:``. A known one is not added again."""
    delay: Duration | None = None
    """How many seconds to wait before the job may start."""
    priority: int | None = None
    """From 1 (first) to 2097151 (last). Jobs without go before all of these."""
    lifo: bool = False
    """Put the job in front of those that wait."""
    attempts: int | None = None
    """How many attempts the job has, at least 1."""
    backoff: Backoff | None = None
    """How long to wait between attempts."""
    remove_on_complete: bool | Keep | None = None
    """Which completed jobs to keep: `True` keeps none, `False` all."""
    remove_on_fail: bool | Keep | None = None
    """Which failed jobs to keep: `True` keeps none, `False` all."""
    size_limit: int | None = None
    """Refuse the job if its payload has more bytes."""
    deduplication: Deduplication | None = None
    """Add the job only if there is none with the same meaning. Not in flows."""
    children: Sequence[NewJob] = field(default_factory=list)
    """Jobs that must be done before this one starts. Only in flows."""
    on_failure: OnFailure | None = None
    """What the failure of this job does to its parent. Without it the parent waits."""


class Options(TypedDict, total=False):
    """The options of `add`, as `NewJob` explains them."""

    id: str | None
    delay: Duration | None
    priority: int | None
    lifo: bool
    attempts: int | None
    backoff: Backoff | None
    remove_on_complete: bool | Keep | None
    remove_on_fail: bool | Keep | None
    size_limit: int | None
    deduplication: Deduplication | None


def add(queue: str, name: str, data: Any, **options: Unpack[Options]) -> str:
    """Add one job, with options as `NewJob` has them. Returns its id.

    Raises a subclass of `Error`. If the handler lets it through, `Lost` and
    `Unavailable` are retried and the others rejected.
    """
    return _told(host().add, queue, [_added(NewJob(name, data, queue, **options), queue)])[0]


def add_bulk(queue: str, jobs: Iterable[NewJob]) -> list[str]:
    """Add several jobs to one queue, all or none. Returns their ids in the order given.

    Raises a subclass of `Error`.
    """
    bulk = [_added(job, queue) for job in jobs]
    for job in bulk:
        if job.queue != queue:
            raise Invalid(
                "the job was not added: one call adds to one queue, not to "
                f'"{queue}" and "{job.queue}"'
            )
    return _told(host().add, queue, bulk) if bulk else []


def add_flow(*jobs: NewJob) -> list[str]:
    """Add jobs with their children, all or none: a job starts when its children are done.

    Returns the ids: each job's before those of its children. Raises a subclass of
    `Error`.
    """
    return _told(host().add_flow, _flat(jobs), False)


def add_children(*jobs: NewJob) -> list[str]:
    """Add children to the current job, which can then raise `WaitChildren`.

    Returns the ids as `add_flow` does. Raises a subclass of `Error`.
    """
    return _told(host().add_flow, _flat(jobs), True)


def _flat(jobs: Iterable[NewJob]) -> list[Added]:
    flat: list[Added] = []

    def walk(job: NewJob, parent: int | None) -> None:
        one = _added(job, job.queue)
        if not one.queue:
            raise Invalid(f'the job was not added: "{job.name}" in a flow names no queue')
        one.parent = parent
        one.on_failure = job.on_failure
        flat.append(one)
        index = len(flat) - 1
        for child in job.children:
            walk(child, index)

    for job in jobs:
        walk(job, None)
    return flat


def _added(job: NewJob, queue: str) -> Added:
    try:
        data = dumps(job.data)
    except (TypeError, ValueError) as error:
        raise Invalid(f"the job was not added: its data is no JSON: {error}") from error
    return Added(job.queue or queue, job.name, data, _options(job))


def _options(job: NewJob) -> dict[str, Any]:
    """Those that were given, in the host's units."""
    options: dict[str, Any] = {}
    for name in ("id", "priority", "attempts", "size_limit"):
        value = getattr(job, name)
        if value is not None:
            options[name] = value
    if job.lifo:
        options["lifo"] = True
    if job.delay is not None:
        options["delay"] = millis(job.delay)
    if job.backoff is not None:
        options["backoff"] = (job.backoff.kind, millis(job.backoff.delay), job.backoff.jitter)
    for name in ("remove_on_complete", "remove_on_fail"):
        value = getattr(job, name)
        if value is not None:
            options[name] = _keep(value)
    if job.deduplication is not None:
        of = job.deduplication
        options["deduplication"] = {
            "id": of.id,
            "ttl": None if of.ttl is None else millis(of.ttl),
            "extend": of.extend,
            "replace": of.replace,
            "keep_last_if_active": of.keep_last_if_active,
            "reschedule": of.reschedule,
        }
    return options


def _keep(value: bool | Keep) -> tuple[str, int | None]:
    if isinstance(value, bool):
        return ("none" if value else "all", None)
    if (value.count is None) == (value.age is None):
        raise Invalid("the job was not added: Keep takes either count or age")
    if value.count is not None:
        return ("count", value.count)
    assert value.age is not None
    return ("age", millis(value.age) // 1000)


def _told(function: Any, *arguments: Any) -> list[str]:
    try:
        ids: list[str] = function(*arguments)
        return ids
    except HostError as error:
        lost = error.case == "Unavailable"
        words = "the job may not have been added" if lost else "the job was not added"
        raise _ERRORS[error.case](f"{words}: {error.reason}") from None
