"""`logging` over the host's log."""

from __future__ import annotations

import logging

from ._host import host
from ._json import clean, dumps

# What every record has; anything else came with `extra`.
_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class HostHandler(logging.Handler):
    """Writes each record as a line of the job's log.

    What is given as ``extra`` becomes fields, and so does the name of a logger other
    than the root. A traceback follows line by line.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            fields = [] if record.name == "root" else [("logger", record.name)]
            for key, value in vars(record).items():
                if key not in _KNOWN:
                    fields.append((key, clean(value if isinstance(value, str) else _text(value))))
            lines = clean(self.format(record)).splitlines() or [""]
            level = _level(record.levelno)
            write = host().log
            write(level, lines[0], fields)
            for line in lines[1:]:
                if line.strip():
                    write(level, line, [])
        except Exception:
            self.handleError(record)


def _text(value: object) -> str:
    try:
        return dumps(value)
    except (TypeError, ValueError):
        return str(value)


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    if number >= logging.INFO:
        return "info"
    return "debug" if number >= logging.DEBUG else "trace"


def install() -> None:
    """Send what is logged to the host, from `logging.INFO` on, and warnings, too."""
    root = logging.getLogger()
    if not any(isinstance(one, HostHandler) for one in root.handlers):
        root.addHandler(HostHandler())
        root.setLevel(logging.INFO)
    logging.captureWarnings(True)
