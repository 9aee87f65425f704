"""Values that outlive the job, in the Redis of its queue::

    from datetime import timedelta
    from runner import Snooze, kv

    # At most five messages an hour to one number.
    if kv.increment(f"sent/{phone}", ttl=timedelta(hours=1)) > 5:
        raise Snooze(3600, "too many messages to one number")

They are granted in ``queues.toml``::

    [plugins.sender]
    kv = true

Every plugin has its own keys in each of its queues. Each function is one step, which no
other job can come between. An uncaught error ends the attempt as it deserves: it is
retried if Redis could not be reached or the job's lock was lost, and rejected otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from ._host import HostError, host
from ._json import dumps
from ._units import Duration, millis, seconds
from .failures import Failure, Reject, Retry

_T = TypeVar("_T")


class Error(Exception):
    """Why it was not done."""

    kind: str = "error"
    """Which of its classes it is, in a word: ``denied``, ``lost``, …"""

    def _verdict(self) -> Failure:
        return Reject(self)


class Denied(Error):
    """The plugin was not granted ``kv``."""

    kind = "denied"


class Invalid(Error):
    """The key, the value or an argument is wrong."""

    kind = "invalid"


class Limit(Error):
    """More keys or bytes than the plugin may have."""

    kind = "limit"


class Lost(Error):
    """The job's lock was lost, so it may not write."""

    kind = "lost"

    def _verdict(self) -> Failure:
        return Retry(self)


class Unavailable(Error):
    """Redis could not be reached, or its answer was lost: a write may have been done."""

    kind = "unavailable"

    def _verdict(self) -> Failure:
        return Retry(self)


_ERRORS: dict[str, type[Error]] = {
    kind.__name__: kind for kind in (Denied, Invalid, Limit, Lost, Unavailable)
}


@dataclass(frozen=True)
class Entry:
    """A value and how long it stays."""

    value: bytes
    """The value."""
    ttl: float | None
    """Seconds until it is removed; `None` if it stays."""


def get(key: str) -> bytes | None:
    """The value of a key; `None` if there is none, or its time is over."""
    found = entry(key)
    return None if found is None else found.value


def get_json(key: str) -> Any:
    """The value of a key, read as JSON; `None` if there is none.

    Raises `Invalid` if it is not JSON.
    """
    value = get(key)
    if value is None:
        return None
    try:
        return json.loads(value)
    except ValueError as error:
        raise Invalid(f"the value of {key!r} is not JSON: {error}") from None


def entry(key: str) -> Entry | None:
    """The value of a key and how long it stays."""
    found = _asked(lambda: host().kv_get(key))
    if found is None:
        return None
    value, ttl = found
    return Entry(value, None if ttl is None else seconds(ttl))


def set(key: str, value: bytes | str, ttl: Duration | None = None) -> None:
    """Set a value, for `ttl` or for good. What the key held, and for how long, is
    replaced."""
    _asked(lambda: host().kv_set(key, _bytes(value), _time(ttl)))


def set_json(key: str, value: Any, ttl: Duration | None = None) -> None:
    """Set a value, written as JSON."""
    set(key, dumps(value), ttl)


def compare_and_set(
    key: str,
    expected: bytes | str | None,
    value: bytes | str | None,
    ttl: Duration | None = None,
) -> bool:
    """Set a value if the key holds exactly `expected`; `None`: if it holds nothing. With
    `value` `None`, remove it. Returns whether it was done."""
    before = None if expected is None else _bytes(expected)
    after = None if value is None else _bytes(value)
    return _asked(lambda: host().kv_compare_and_set(key, before, after, _time(ttl)))


def increment(key: str, by: int = 1, ttl: Duration | None = None) -> int:
    """Add `by`, which may be negative, to an integer; a key that holds nothing counts
    as 0. Returns the sum.

    `ttl` counts from when the key is made, so that a key is a window of time.
    """
    if not -(2**63) <= by < 2**63:
        raise Invalid(f"an increment has 64 bits, and {by} has more")
    return _asked(lambda: host().kv_increment(key, by, _time(ttl)))


def expire(key: str, ttl: Duration | None) -> bool:
    """Let a key end after `ttl`, or with `None` not at all. Returns whether it held
    something."""
    return _asked(lambda: host().kv_expire(key, _time(ttl)))


def delete(key: str) -> bool:
    """Remove a key. Returns whether it held something."""
    return _asked(lambda: host().kv_delete(key))


def keys(prefix: str = "") -> Iterator[str]:
    """The keys that begin with `prefix`, in the order of their bytes. They are asked for
    page by page."""
    cursor: str | None = None
    while True:
        page, cursor = _page(prefix, cursor)
        yield from page
        if cursor is None:
            return


def _page(prefix: str, cursor: str | None) -> tuple[list[str], str | None]:
    return _asked(lambda: host().kv_list(prefix, cursor, 1000))


def _asked(ask: Callable[[], _T]) -> _T:
    try:
        return ask()
    except HostError as error:
        raise _ERRORS[error.case](error.reason) from None


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _time(ttl: Duration | None) -> int | None:
    if ttl is None:
        return None
    time = millis(ttl)
    if time == 0:
        raise Invalid(f"ttl is a time from a millisecond on, not {ttl}")
    return time
