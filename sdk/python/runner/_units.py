"""Durations: seconds or a `timedelta` for people, milliseconds for the host."""

from __future__ import annotations

from datetime import timedelta
from typing import Union

Duration = Union[int, float, timedelta]
"""Seconds, or a `datetime.timedelta`."""

# The host's numbers have 64 bits.
_LONGEST = 2**64 - 1


def millis(duration: Duration) -> int:
    """The duration in milliseconds; a negative one is 0.

    Raises `TypeError` for anything but a number or a `timedelta`.
    """
    if isinstance(duration, timedelta):
        duration = duration.total_seconds()
    if isinstance(duration, bool) or not isinstance(duration, (int, float)):
        raise TypeError(f"a duration is in seconds or a timedelta, not {duration!r}")
    if duration != duration:
        raise TypeError("a duration is in seconds or a timedelta, not NaN")
    return int(min(max(duration * 1000, 0), _LONGEST))


def seconds(milliseconds: int) -> float:
    """Milliseconds as seconds."""
    return milliseconds / 1000
