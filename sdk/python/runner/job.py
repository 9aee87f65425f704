"""The job being worked on."""

from __future__ import annotations

import json as _stdlib_json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from ._host import HostError, host
from ._json import dumps
from ._units import seconds
from .failures import Reject, Retry

_T = TypeVar("_T")
_UNREAD = object()
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Parent:
    """The parent of a job that was added as part of a flow."""

    id: str
    """The id of the parent."""
    queue: str
    """The name of the parent's queue with its prefix, such as ``bull:invoices``."""


@dataclass(frozen=True)
class Dependencies:
    """How many children a job has, by state. False if it has none."""

    processed: int = 0
    """Children that completed; `Job.children_values` has their results."""
    unprocessed: int = 0
    """Children that are not done yet."""
    failed: int = 0
    """Children whose failure fails this job; `Job.failed_children` lists them."""
    ignored: int = 0
    """Children whose failure is ignored; `Job.ignored_failures` has the reasons."""

    def __bool__(self) -> bool:
        return bool(self.processed or self.unprocessed or self.failed or self.ignored)


class Job:
    """One attempt of one job."""

    __slots__ = (
        "_added_at",
        "_data",
        "_delay",
        "_started_at",
        "attempt",
        "id",
        "max_attempts",
        "name",
        "parent",
        "priority",
        "queue",
        "request_id",
        "text",
    )

    id: str
    """Unique within its queue and the same in all attempts."""
    queue: str
    """The name of the queue, as in ``queues.toml``."""
    name: str
    """The name of the job, the first argument of BullMQ's ``queue.add``."""
    text: str
    """The payload as JSON text, byte for byte as the producer stored it."""
    attempt: int
    """1 for the first attempt. Attempts that were handed back do not count."""
    max_attempts: int
    """How many attempts the job has before it fails for good; at least 1."""
    priority: int
    """From 0, the highest priority and the default, to 2097151, the lowest."""
    request_id: str | None
    """``requestId``, or else ``xRequestId``, of the payload, if it is a string."""
    parent: Parent | None
    """The parent, if the job is a child in a flow."""

    def __init__(self, raw: Any) -> None:
        """A job of the host's record; tests use `runner.testing.job`."""
        self.id = raw.id
        self.queue = raw.queue
        self.name = raw.name
        self.text = raw.data
        self.attempt = raw.attempt
        self.max_attempts = raw.max_attempts
        self._added_at = raw.added_at
        self._started_at = raw.started_at
        self.priority = raw.priority
        self._delay = raw.delay
        self.request_id = raw.request_id
        parent = raw.parent
        self.parent = None if parent is None else Parent(parent.id, parent.queue)
        self._data = _UNREAD

    @staticmethod
    def current() -> Job:
        """The job of this attempt, for code that does not get it as an argument."""
        return Job(host().current())

    def __repr__(self) -> str:
        return f"<Job {self.queue}/{self.id} {self.name!r} attempt {self.attempt}>"

    @property
    def data(self) -> Any:
        """The payload: what JSON makes of it, with exact integers.

        Raises `Reject` if it is not JSON: it will not be next time either.
        """
        if self._data is _UNREAD:
            self._data = self.load()
        return self._data

    def load(self, **options: Any) -> Any:
        """Read the payload with options of `json.loads`.

        ``job.load(parse_float=decimal.Decimal)`` keeps every digit of fractions.
        """
        try:
            return _stdlib_json.loads(self.text, **options)
        except ValueError as error:
            raise Reject(f"data: {error}") from None

    @property
    def added_at(self) -> datetime:
        """When the producer added the job, in UTC."""
        return _EPOCH + timedelta(milliseconds=self._added_at)

    @property
    def started_at(self) -> datetime:
        """When this attempt began, in UTC, by the clock of the host."""
        return _EPOCH + timedelta(milliseconds=self._started_at)

    @property
    def delay(self) -> float:
        """How many seconds the producer wanted to wait before the first attempt."""
        return seconds(self._delay)

    @property
    def age(self) -> float:
        """How many seconds ago the job was added, at the start of this attempt."""
        return seconds(max(self._started_at - self._added_at, 0))

    def time_left(self) -> float:
        """Seconds until the timeout stops this attempt."""
        return seconds(host().time_left())

    def idempotency_key(self, step: str) -> str:
        """A key for providers that ignore what they receive twice.

        It is the same in all attempts, and different for every other job and step:
        ``queue/id/added-at/step``. The time is part of it because ids start again when
        a queue is obliterated.
        """
        return f"{self.queue}/{self.id}/{self._added_at}/{step}"

    def update_data(self, data: Any) -> None:
        """Replace the payload in Redis, for the next attempt; `data` does not change.

        Raises `Retry` when the host refuses it, the job's lock was lost or Redis
        cannot be reached.
        """
        _ask(host().update_data, dumps(data))

    def children_values(self) -> dict[str, Any]:
        """The results of the children that have completed, by the key of the child.

        A key is like ``bull:lines:7``. BullMQ's ``job.getChildrenValues``. Raises
        `Retry` when Redis cannot be reached.
        """
        values = _ask(host().children_values)
        return {key: _stdlib_json.loads(value) for key, value in values}

    def ignored_failures(self) -> dict[str, str]:
        """Why children failed without failing this job, by the key of the child.

        BullMQ's ``job.getIgnoredChildrenFailures``. Raises `Retry` when Redis cannot
        be reached.
        """
        return dict(_ask(host().ignored_failures))

    def failed_children(self) -> list[str]:
        """The keys of the children that failed and let this job fail.

        Raises `Retry` when Redis cannot be reached.
        """
        return _ask(host().failed_children)

    def dependencies(self) -> Dependencies:
        """How many children there are in each state.

        BullMQ's ``job.getDependenciesCount``. Raises `Retry` when Redis cannot be
        reached.
        """
        return Dependencies(*_ask(host().dependencies))

    def remove_unprocessed_children(self) -> None:
        """Remove the children that no worker has started, and their children.

        BullMQ's ``job.removeUnprocessedChildren``. Raises `Retry` when the job's lock
        was lost or Redis cannot be reached.
        """
        _ask(host().remove_unprocessed_children)


def _ask(function: Callable[..., _T], *arguments: Any) -> _T:
    try:
        return function(*arguments)
    except HostError as error:
        raise Retry(error.reason) from None
