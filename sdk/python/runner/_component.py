"""The host as a component imports it. Imported only while a component is built and run.

Knows the bindings that componentize-py makes of ``wit/runner``.
"""

from __future__ import annotations

from typing import Any

from componentize_py_types import Err
from wit_world.imports import checkpoint as _checkpoint
from wit_world.imports import config as _config
from wit_world.imports import http as _http
from wit_world.imports import job as _job
from wit_world.imports import log as _log
from wit_world.imports import progress as _progress
from wit_world.imports import queue as _queue

from ._host import Added, HostError, Request, Response
from ._reach import Reach

_LEVELS = {level.name.lower(): level for level in _log.Level}
_BACKOFFS = {kind.name.lower(): kind for kind in _queue.BackoffKind}
_ON_FAILURE = {case.name.lower().replace("_", "-"): case for case in _queue.ChildFailure}
_NO_OPTIONS = _queue.Options(None, None, None, False, None, None, None, None, None, None)


class ComponentHost(Reach):
    """A `runner._host.Host` of imports."""

    current = staticmethod(_job.current)
    progress = staticmethod(_progress.set)
    progress_json = staticmethod(_progress.set_json)
    setting = staticmethod(_config.get)
    settings = staticmethod(_config.get_all)
    secret = staticmethod(_config.secret)
    checkpoint = staticmethod(_checkpoint.get)
    time_left = staticmethod(_job.time_left)

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        _log.write(_LEVELS[level], message, fields)

    def send(self, request: Request) -> Response:
        try:
            got = _http.send(
                _http.Request(
                    request.method,
                    request.url,
                    request.headers,
                    request.body,
                    request.timeout,
                    request.redirects,
                    request.idempotent,
                )
            )
        except Err as error:
            raise _refused(error) from None
        return Response(got.status, got.headers, got.body, got.url)

    def add(self, queue_name: str, jobs: list[Added]) -> list[str]:
        try:
            if len(jobs) == 1:
                return [_queue.add(queue_name, _new_job(jobs[0]))]
            return _queue.add_bulk(queue_name, [_new_job(one) for one in jobs])
        except Err as error:
            raise _refused(error) from None

    def add_flow(self, jobs: list[Added], children: bool) -> list[str]:
        flow = [
            _queue.FlowJob(
                one.queue,
                _new_job(one),
                one.parent,
                None if one.on_failure is None else _ON_FAILURE[one.on_failure],
            )
            for one in jobs
        ]
        try:
            return _queue.add_children(flow) if children else _queue.add_flow(flow)
        except Err as error:
            raise _refused(error) from None

    def put_checkpoint(self, step: str, value: str) -> None:
        _told(_checkpoint.put, step, value)

    def update_data(self, data: str) -> None:
        _told(_job.update_data, data)

    def children_values(self) -> list[tuple[str, str]]:
        return _told(_job.children_values)

    def ignored_failures(self) -> list[tuple[str, str]]:
        return _told(_job.ignored_failures)

    def failed_children(self) -> list[str]:
        return _told(_job.failed_children)

    def dependencies(self) -> tuple[int, int, int, int]:
        counts = _told(_job.dependencies)
        return counts.processed, counts.unprocessed, counts.failed, counts.ignored

    def remove_unprocessed_children(self) -> None:
        _told(_job.remove_unprocessed_children)


def _told(function: Any, *arguments: Any) -> Any:
    """Call what fails with a text."""
    try:
        return function(*arguments)
    except Err as error:
        raise HostError("", error.value) from None


def _refused(error: Err[Any]) -> HostError:
    """``Error_UnknownQueue("…")`` as a case and its text."""
    case = type(error.value).__name__.removeprefix("Error_")
    return HostError(case, error.value.value)


def _keep(value: Any) -> Any | None:
    if value is None:
        return None
    kind, number = value
    if kind == "all":
        return _queue.Keep_All()
    if kind == "none":
        return _queue.Keep_None_()
    return _queue.Keep_Count(number) if kind == "count" else _queue.Keep_Age(number)


def _new_job(of: Added) -> Any:
    given = of.options
    if not given:
        return _queue.NewJob(of.name, of.data, _NO_OPTIONS)
    backoff = given.get("backoff")
    dedup = given.get("deduplication")
    options = _queue.Options(
        given.get("id"),
        given.get("delay"),
        given.get("priority"),
        given.get("lifo", False),
        given.get("attempts"),
        None if backoff is None else _queue.Backoff(_BACKOFFS[backoff[0]], *backoff[1:]),
        _keep(given.get("remove_on_complete")),
        _keep(given.get("remove_on_fail")),
        given.get("size_limit"),
        None if dedup is None else _queue.Deduplication(**dedup),
    )
    return _queue.NewJob(of.name, of.data, options)
