"""How an attempt ends when it does not succeed.

Raise one of these from a handler, or return normally. Any other exception spends an
attempt, as `Retry` does; its traceback is in the job's ``stacktrace``.
"""

from __future__ import annotations

from ._units import Duration, millis, seconds


class Failure(Exception):
    """Any of the failures below. Not raised itself."""

    reason: str
    """Why, for people; the job's ``failedReason``."""

    def __init__(self, reason: object = "") -> None:
        self.reason = str(reason)
        super().__init__(self.reason)


class Retry(Failure):
    """A passing trouble: spends an attempt and waits for the job's own backoff.

    When no attempt is left, the job fails with this reason.
    """


class Reject(Failure):
    """A permanent failure: the job fails at once, even if attempts are left.

    BullMQ's ``UnrecoverableError``.
    """


class _Delayed(Failure):
    delay: float
    """Seconds."""

    def __init__(self, delay: Duration, reason: object = "") -> None:
        super().__init__(reason)
        self._millis = millis(delay)
        self.delay = seconds(self._millis)
        self.args = (self.delay, self.reason)

    def __str__(self) -> str:
        return self.reason


class RetryAfter(_Delayed):
    """Like `Retry`, after a delay chosen here: ``raise RetryAfter(30, "busy")``."""


class Snooze(_Delayed):
    """Not now: delays the job without spending an attempt.

    For quiet hours and for resources that are not ready yet:
    ``raise Snooze(timedelta(hours=8), "people sleep")``.
    """


class RateLimit(_Delayed):
    """Slow down: until the delay is over, no worker starts a job of this queue.

    The job goes back to the front without spending an attempt. BullMQ's
    ``worker.rateLimit`` with ``RateLimitError``.
    """


class WaitChildren(Failure):
    """Continue when all children of this job are done.

    The handler is then called again without spending an attempt; if all are done
    already, at once. A job that never had a child fails. BullMQ's
    ``WaitingChildrenError``.
    """

    def __init__(self) -> None:
        super().__init__("the children are not done")


def verdict(error: BaseException) -> Failure:
    """The failure that ends the attempt when a handler raises this error.

    An error that knows more than that it is an error has a method ``_verdict``:
    those of `runner.http` and `runner.queue`, itself or among its causes. The reason
    is the error as Python prints it.
    """
    if isinstance(error, Failure):
        return error
    reason = describe(error)
    if isinstance(error, SystemExit):
        return Retry(
            f"the plugin exited ({reason}); a handler returns its result or raises a failure"
        )
    cause: BaseException | None = error
    seen = 0
    while cause is not None and seen < 16:
        # `URLError` of urllib has its cause in `reason`.
        for known in (cause, getattr(cause, "reason", None)):
            judge = getattr(known, "_verdict", None)
            if judge is not None:
                failure: Failure = judge()
                return failure
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        seen += 1
    return Retry(reason)


def describe(error: BaseException) -> str:
    """``ValueError: amount``, the last line of a traceback."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    try:
        text = str(error)
    except Exception:
        text = "<its text cannot be read>"
    return f"{name}: {text}" if text else name
