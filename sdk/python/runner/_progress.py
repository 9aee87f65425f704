"""How far the job has come, for people who watch it."""

from __future__ import annotations

from typing import Any

from ._host import host
from ._json import dumps


def progress(percent: float, message: str | None = None) -> None:
    """Report the percentage done, clamped to 0 to 100.

    With a message, ``{"percent": 40, "message": "page 2 of 5"}`` is stored; without
    one, the bare number, as BullMQ users expect. At most four updates a second reach
    Redis, and the last one always does.
    """
    host().progress(float(percent), message)


def progress_json(value: Any) -> None:
    """Report any JSON value, as BullMQ's ``job.updateProgress`` takes it.

    An update of more than 64 KiB is dropped.
    """
    host().progress_json(dumps(value))
