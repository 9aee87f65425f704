"""A host for tests that run on your machine, without Runner and without Wasm::

    import unittest
    from runner.testing import Host, Reply, job, run

    class Weather(unittest.TestCase):
        def test_the_weather_is_asked_for(self):
            with Host() as host:
                host.reply("GET", "https://api.example.com/Oslo", Reply.text(200, "rain"))
                self.assertEqual(run(app.forecast, job("forecast", {"city": "Oslo"})), "rain")

Use it under `unittest` or pytest. It knows no grants and no limits; those are
Runner's, and ``runner run`` tries a component under them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace, TracebackType
from typing import Any

from . import _fakes, _handler, _host, _logging, _urllib, http, queue
from ._fakes import Asked, Outcome
from ._json import dumps
from .failures import Failure, verdict
from .job import Job, Parent

__all__ = ["Added", "Asked", "Host", "Line", "Outcome", "Reply", "Sent", "job", "run"]

_JOB: dict[str, Any] = {
    "id": "1",
    "queue": "test",
    "attempt": 1,
    "max_attempts": 3,
    "priority": 0,
    "delay": 0,
    "request_id": None,
    "parent": None,
}


def job(name: str = "test", data: Any = None, **fields: Any) -> Job:
    """A job with id ``1`` of the queue ``test``, added just now, in the first of three
    attempts.

    `data` is the payload; a string is JSON text. `fields` are those of `Job` that
    should differ: ``job("send", {}, attempt=2)``; ``added_at`` and ``started_at`` are
    a `datetime`, ``delay`` is in seconds.
    """
    now = int(time.time() * 1000)
    raw = {**_JOB, "name": name, "added_at": now, "started_at": now}
    raw["data"] = data if isinstance(data, str) else dumps({} if data is None else data)
    for key, value in fields.items():
        if key not in raw or key == "data":
            raise TypeError(f"a job has no field {key!r}")
        if key in ("added_at", "started_at"):
            value = int(value.timestamp() * 1000)
        elif key == "delay":
            value = int(value * 1000)
        elif key == "parent" and isinstance(value, tuple):
            value = Parent(*value)
        raw[key] = value
    return Job(SimpleNamespace(**raw))


def run(function: Callable[..., Any], of: Job | Any = None) -> Any:
    """Call a handler as Runner does, and return what it returns, as JSON has it.

    `of` is a job, or the payload of one. Parameters are filled by their annotations,
    an ``async`` handler is awaited. Raises the failure that ends the attempt: an error
    that the handler lets through becomes a `Retry` or whatever it deserves, with the
    error as its ``__cause__``.
    """
    one = of if isinstance(of, Job) else job("test", of)
    entry = _handler.Entry(function)
    try:
        value = entry.call(one)
        if entry.is_async or asyncio.iscoroutine(value):
            value = asyncio.run(value)
        text = _handler.result_of(value)
    except Failure:
        raise
    except AssertionError:
        raise
    except Exception as error:
        raise verdict(error) from error
    return None if text is None else json.loads(text)


class Reply:
    """A canned reply to one request."""

    def __init__(
        self, status: int, content: bytes = b"", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.status = status
        self.content = content
        self.headers = [(name.lower(), value) for name, value in headers]
        self.refusal: http.Error | None = None

    @staticmethod
    def text(status: int, content: str, **headers: str) -> Reply:
        """Text. A header is ``retry_after="30"``."""
        return Reply(status, content.encode(), _named(headers))

    @staticmethod
    def json(status: int, content: Any, **headers: str) -> Reply:
        """JSON content."""
        fields = [("content-type", "application/json"), *_named(headers)]
        return Reply(status, dumps(content).encode(), fields)

    @staticmethod
    def error(error: http.Error) -> Reply:
        """An exception of `runner.http` instead of a response."""
        reply = Reply(0)
        reply.refusal = error
        return reply


def _named(headers: dict[str, str]) -> list[tuple[str, str]]:
    return [(name.replace("_", "-"), value) for name, value in headers.items()]


@dataclass
class Sent:
    """A request that was sent."""

    method: str
    """``GET``, ``POST``, …"""
    url: str
    """With its query."""
    headers: http.Headers
    """The header fields given."""
    content: bytes
    """The content, empty if there is none."""
    timeout: float | None = None
    """Seconds."""
    redirects: int = 0
    """How many to follow."""
    idempotent: bool = False
    """Whether Runner was asked for an idempotency key."""

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The content read as JSON."""
        return json.loads(self.content)

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form."""
        return dict(urllib.parse.parse_qsl(self.text, keep_blank_values=True))


@dataclass
class Line:
    """A line of the job's log; prints as message and fields."""

    level: str
    """``trace``, ``debug``, ``info``, ``warn`` or ``error``."""
    message: str
    """The text."""
    fields: dict[str, str] = field(default_factory=dict)
    """In the order given."""

    def __str__(self) -> str:
        return " ".join([self.message, *(f"{k}={v}" for k, v in self.fields.items())])


@dataclass
class Added:
    """A job that was added."""

    queue: str
    """Where to."""
    name: str
    """Its name."""
    data: Any
    """Its payload."""
    options: dict[str, Any]
    """The options given, in the host's units: milliseconds."""
    parent: None | str | int = None
    """``"current"`` for a child of the job, or the index of its parent in `Host.added`."""
    on_failure: str | None = None
    """What its failure does to its parent."""


class Host:
    """A host that answers between ``with Host() as host:`` and its end.

    At the end, a reply or a statement that was never asked for fails the test. What the handler
    asked for is in `requests`, `logs`, `progress`, `added`, `steps` and `updates`.
    """

    def __init__(
        self,
        *,
        settings: dict[str, Any] | None = None,
        secrets: dict[str, str] | None = None,
        current: Job | None = None,
    ) -> None:
        """With settings and secrets as ``queues.toml`` has them."""
        self.settings: dict[str, Any] = settings or {}
        """What `runner.config` reads. A value that is no string is given as JSON."""
        self.secrets: dict[str, str] = secrets or {}
        """What `runner.secret` reads."""
        self.current: Job = current or job()
        """What `Job.current` returns."""
        self.requests: list[Sent] = []
        """The requests sent so far."""
        self.logs: list[Line] = []
        """The lines logged so far with `logging`."""
        self.progress: list[Any] = []
        """The progress reported so far, as BullMQ stores it."""
        self.added: list[Added] = []
        """The jobs added so far."""
        self.steps: dict[str, Any] = {}
        """The finished steps. They stay, as they do between attempts."""
        self.updates: list[Any] = []
        """The payloads stored with `Job.update_data`."""
        self.children: dict[str, Any] = {}
        """Results of children that have completed, by key."""
        self.ignored: dict[str, str] = {}
        """Reasons of children that have failed without failing the job, by key."""
        self.failed: list[str] = []
        """Keys of children that have failed, and fail the job."""
        self.refusal: queue.Error | None = None
        """While it is set, adding jobs raises it."""
        self.seconds_left: float = 30.0
        """What `Job.time_left` returns."""
        self.statements: list[Asked] = []
        """The statements of `runner.sql` run so far, also those that failed."""
        self.kv = _fakes.Keys()
        """The keys of `runner.kv`; ``host.kv.advance(60)`` lets a minute of theirs pass."""
        self.blobs = _fakes.Blobs()
        """The stores of `runner.blobs`; ``host.blobs.put("inbox", "a.txt", b"text")``
        fills one."""
        self._databases = _fakes.Databases(self.statements)
        self._replies: list[tuple[str, Reply]] = []
        self._disowned = 0
        self._before: list[Any] = []

    def reply(self, method: str, url: str, reply: Reply) -> None:
        """Answer one request. Several replies to the same URL are given in order."""
        self._replies.append((f"{method.upper()} {url}", reply))

    def statement(self, database: str, part: str, outcome: Outcome) -> None:
        """Expect a statement that contains `part`, however it is broken into lines.

        Of several expectations that a statement meets, the first is taken; each is met
        once.
        """
        self._databases.expect(database, part, outcome)

    def __enter__(self) -> Host:
        root = logging.getLogger()
        self._handler = _logging.HostHandler()
        self._before = [_host.install(_Answers(self)), root.level]
        root.addHandler(self._handler)
        root.setLevel(logging.INFO)
        self._opener = _urllib.swap(_urllib.opener())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        before, level = self._before
        _host.install(before)
        _urllib.swap(self._opener)
        root = logging.getLogger()
        root.removeHandler(self._handler)
        root.setLevel(level)
        unasked = [to for to, _ in self._replies]
        if kind is None and unasked:
            raise AssertionError(f"these requests were expected and not sent: {unasked}")
        unrun = self._databases.unrun()
        if kind is None and unrun:
            raise AssertionError(f"these statements were expected and not run: {unrun}")


class _Answers(_fakes.Reach):
    """The `runner._host.Host` of a test."""

    def __init__(self, host: Host) -> None:
        super().__init__(host._databases, host.kv, host.blobs)
        self._of = host

    def current(self) -> Any:
        of = self._of.current
        return SimpleNamespace(
            id=of.id,
            queue=of.queue,
            name=of.name,
            data=of.text,
            attempt=of.attempt,
            max_attempts=of.max_attempts,
            added_at=of._added_at,
            started_at=of._started_at,
            priority=of.priority,
            delay=of._delay,
            request_id=of.request_id,
            parent=of.parent,
        )

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        self._of.logs.append(Line(level, message, dict(fields)))

    def progress(self, percent: float, message: str | None) -> None:
        percent = min(max(percent, 0), 100)
        percent = int(percent) if percent == int(percent) else percent
        self._of.progress.append(
            percent if message is None else {"percent": percent, "message": message}
        )

    def progress_json(self, value: str) -> None:
        self._of.progress.append(json.loads(value))

    def send(self, request: _host.Request) -> _host.Response:
        timeout = None if request.timeout is None else request.timeout / 1000
        sent = Sent(
            request.method,
            request.url,
            http.Headers((name.lower(), value) for name, value in request.headers),
            request.body or b"",
            timeout,
            request.redirects,
            request.idempotent,
        )
        self._of.requests.append(sent)
        wanted = f"{request.method} {request.url}"
        for at, (to, reply) in enumerate(self._of._replies):
            if to == wanted:
                del self._of._replies[at]
                if reply.refusal is not None:
                    raise reply.refusal
                return _host.Response(reply.status, reply.headers, reply.content, request.url)
        raise AssertionError(f"an unexpected request: {wanted}")

    def setting(self, key: str) -> str | None:
        value = self._of.settings.get(key)
        return value if value is None or isinstance(value, str) else dumps(value)

    def settings(self) -> list[tuple[str, str]]:
        return [(key, self.setting(key) or "") for key in sorted(self._of.settings)]

    def secret(self, name: str) -> str | None:
        return self._of.secrets.get(name)

    def add(self, to: str, jobs: list[_host.Added]) -> list[str]:
        return self._add(jobs, None)

    def add_flow(self, jobs: list[_host.Added], children: bool) -> list[str]:
        return self._add(jobs, "current" if children else None)

    def _add(self, jobs: list[_host.Added], parent: str | None) -> list[str]:
        if self._of.refusal is not None:
            raise self._of.refusal
        first = len(self._of.added)
        for one in jobs:
            above = parent if one.parent is None else first + one.parent
            data = json.loads(one.data)
            added = Added(one.queue, one.name, data, one.options, above, one.on_failure)
            self._of.added.append(added)
        new = self._of.added[first:]
        return [of.options.get("id") or str(first + at + 1) for at, of in enumerate(new)]

    def checkpoint(self, step: str) -> str | None:
        known = self._of.steps
        return dumps(known[step]) if step in known else None

    def put_checkpoint(self, step: str, value: str) -> None:
        self._of.steps[step] = json.loads(value)

    def update_data(self, data: str) -> None:
        self._of.updates.append(json.loads(data))

    def children_values(self) -> list[tuple[str, str]]:
        return [(key, dumps(value)) for key, value in self._of.children.items()]

    def ignored_failures(self) -> list[tuple[str, str]]:
        return list(self._of.ignored.items())

    def failed_children(self) -> list[str]:
        return list(self._of.failed)

    def dependencies(self) -> tuple[int, int, int, int]:
        of = self._of
        waiting = sum(one.parent == "current" for one in of.added[of._disowned :])
        return len(of.children), waiting, len(of.failed), len(of.ignored)

    def remove_unprocessed_children(self) -> None:
        self._of._disowned = len(self._of.added)

    def time_left(self) -> int:
        return int(self._of.seconds_left * 1000)
