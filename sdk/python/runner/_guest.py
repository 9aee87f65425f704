"""What the component exports: one job, from the host's record to its result.

Imported only while a component is built and run. Its path is short on purpose: every
line is paid by every job.
"""

from __future__ import annotations

import asyncio
import inspect
import linecache
import os
import sys
import traceback
from typing import Any

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import outcome

from . import _handler, _loop, _snapshot
from ._json import clean
from .failures import Failure, RateLimit, Reject, Retry, RetryAfter, Snooze, WaitChildren, verdict
from .job import Job

# The SDK itself, and asyncio, which runs `async` handlers.
_AROUND = (os.path.dirname(__file__) + "/", os.path.dirname(asyncio.__file__) + "/")

roots: list[tuple[str, str]] = []
"""Directories of the build and what they are called in a traceback."""


class Handler(exports.Handler):
    """The export of `runner:plugin/handler`."""

    def handle(self, job: Any) -> str | None:
        """Work on one job."""
        if _snapshot.frozen:
            _snapshot.thaw()
        try:
            entry = _handler.find(job.name)
            value = entry.call(Job(job))
            if entry.is_async or inspect.iscoroutine(value):
                value = _loop.run(value)
            return _handler.result_of(value)
        except Failure as failure:
            raise Err(_told(failure)) from None
        except (Exception, SystemExit, GeneratorExit, asyncio.CancelledError) as error:
            failure = verdict(error)
            _print_traceback(error)
            raise Err(_told(failure)) from None
        finally:
            sys.stdout.flush()


def _told(failure: Failure) -> Any:
    """A failure as the host takes it."""
    kind = type(failure)
    for known, make in _OUTCOMES:
        if kind is known or isinstance(failure, known):
            return make(failure)
    return outcome.Failure_Retry(clean(failure.reason))


_OUTCOMES: list[tuple[type[Failure], Any]] = [
    (Retry, lambda of: outcome.Failure_Retry(clean(of.reason))),
    (Reject, lambda of: outcome.Failure_Reject(clean(of.reason))),
    (RetryAfter, lambda of: outcome.Failure_RetryAfter((of._millis, clean(of.reason)))),
    (Snooze, lambda of: outcome.Failure_Snooze((of._millis, clean(of.reason)))),
    (RateLimit, lambda of: outcome.Failure_RateLimit((of._millis, clean(of.reason)))),
    (WaitChildren, lambda of: outcome.Failure_WaitChildren()),
]


def _print_traceback(error: BaseException) -> None:
    """Print the traceback to stderr, from where Runner takes its frames.

    Without the frames of the SDK and of asyncio around the handler, and with the paths
    of the project.
    """
    told = traceback.TracebackException.from_exception(error, compact=True)
    seen: set[int] = set()

    def tidy(one: traceback.TracebackException | None) -> None:
        if one is None or id(one) in seen:
            return
        seen.add(id(one))
        inner = [frame for frame in one.stack if not frame.filename.startswith(_AROUND)]
        if inner:
            one.stack[:] = inner
        for frame in one.stack:
            frame.filename = place(frame.filename)
        tidy(one.__cause__)
        tidy(one.__context__)

    tidy(told)
    for text in told.format(colorize=False):
        sys.stderr.write(text)
    sys.stderr.flush()


def place(path: str) -> str:
    """``src/app.py`` of ``/0/app.py``."""
    for root, name in roots:
        if path.startswith(root):
            return name + path[len(root) :]
    return path


def remember_sources() -> None:
    """Keep the lines of the project for tracebacks: there are no files later."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and path.startswith(tuple(root for root, _ in roots)):
            lines = linecache.getlines(path)
            if lines:
                text = sum(map(len, lines))
                # Without a time it is not looked for again.
                linecache.cache[path] = linecache.cache[place(path)] = (text, None, lines, path)
