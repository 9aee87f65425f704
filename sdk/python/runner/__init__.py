"""Write Runner plugins in Python.

A plugin is a function from a job to a result::

    from runner import Job, handler

    @handler
    def greet(job: Job) -> str:
        return f"hello, {job.data['name']}"

What it returns is written as JSON and stored as the job's return value; ``None``
is ``null``. A failure is raised: `Retry`, `RetryAfter`, `Reject`, `Snooze`,
`WaitChildren` or `RateLimit`. Any other exception is a `Retry` with its traceback.

The modules follow the host's interfaces: `runner.http`, `runner.sql`, `runner.kv`,
`runner.blobs`, `runner.queue`, `runner.config`; `step`, `progress` and the job itself are
here. Log with `logging`. `runner.testing` has a host for unit tests.
``docs/plugins-python.md`` goes from nothing to a running plugin.

Durations are in seconds (`int` or `float`), or a `datetime.timedelta`.
"""

from . import blobs, config, http, kv, queue, sql
from ._checkpoint import step
from ._handler import handler
from ._json import RawJson
from ._progress import progress, progress_json
from .config import secret
from .failures import Failure, RateLimit, Reject, Retry, RetryAfter, Snooze, WaitChildren
from .job import Dependencies, Job, Parent

__all__ = [
    "Dependencies",
    "Failure",
    "Job",
    "Parent",
    "RateLimit",
    "RawJson",
    "Reject",
    "Retry",
    "RetryAfter",
    "Snooze",
    "WaitChildren",
    "blobs",
    "config",
    "handler",
    "http",
    "kv",
    "progress",
    "progress_json",
    "queue",
    "secret",
    "sql",
    "step",
]
