"""Objects in the stores that are granted to the plugin: S3, Google Cloud Storage, Azure, a
directory::

    import csv, io
    from runner import blobs

    with blobs.create("results", "clean.csv") as out:
        text = io.TextIOWrapper(blobs.open("inbox", "raw.csv"), newline="")
        for row in csv.reader(text):
            out.write((";".join(row) + "\\n").encode())

They are granted by name in ``queues.toml``::

    [plugins.documents.blobs]
    inbox = "s3://uploads/incoming"
    results = { url = "s3://results", write = true }

`get` and `put` take up to 8 MiB at once, `open` and `create` objects of any size. An
uncaught error ends the attempt as it deserves: it is retried if the store took too long or
was not there, and rejected otherwise.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, TypeVar

from ._host import Condition, HostError, RawObject, RawUpload, host
from ._units import Duration, millis
from .failures import Failure, Reject, Retry

_T = TypeVar("_T")

# Bytes of one call of a stream: few calls, and a small part of a plugin's memory.
_PART = 1 << 20


class Error(Exception):
    """Why it was not done."""

    kind: str = "error"
    """Which of its classes it is, in a word: ``denied``, ``not-found``, …"""

    def _verdict(self) -> Failure:
        return Reject(self)


class Denied(Error):
    """The store is not granted, or only for reading, or it refuses Runner's own
    credentials."""

    kind = "denied"


class NotFound(Error):
    """There is no such object, or no such bucket."""

    kind = "not-found"


class Precondition(Error):
    """The object is there already, or was changed."""

    kind = "precondition"


class Invalid(Error):
    """The key, a range or an argument is wrong."""

    kind = "invalid"


class TooLarge(Error):
    """More bytes than a call may carry or the grant allows."""

    kind = "too-large"


class Timeout(Error):
    """It took longer than it may. Retried."""

    kind = "timeout"

    def _verdict(self) -> Failure:
        return Retry(self)


class Unavailable(Error):
    """The store is not there, or failed. Retried."""

    kind = "unavailable"

    def _verdict(self) -> Failure:
        return Retry(self)


_ERRORS: dict[str, type[Error]] = {
    kind.__name__: kind
    for kind in (Denied, NotFound, Precondition, Invalid, TooLarge, Timeout, Unavailable)
}


@dataclass(frozen=True)
class Object:
    """What is known of an object."""

    key: str
    """Its key."""
    size: int
    """Its size in bytes."""
    modified: datetime
    """When it was last written."""
    etag: str | None
    """Changes with its content, where the store has such a tag."""


def get(store: str, key: str, offset: int | None = None, length: int | None = None) -> bytes:
    """Read an object of at most 8 MiB, or `length` bytes of one from `offset` on."""
    if (offset is None) != (length is None):
        raise Invalid("a range has an offset and a length")
    span = None if offset is None or length is None else (offset, length)
    content, _ = _asked(lambda: host().blob_get(store, key, span))
    return content


def head(store: str, key: str) -> Object:
    """What is known of an object, without its content."""
    return _object(_asked(lambda: host().blob_head(store, key)))


def open(store: str, key: str) -> io.BufferedReader:
    """Read an object of any size, as a file of bytes that is asked for in parts.

    One that is changed meanwhile raises `Precondition`.
    """
    return io.BufferedReader(_Reader(store, key), _PART)


def put(
    store: str,
    key: str,
    content: bytes | str,
    *,
    if_absent: bool = False,
    if_unchanged: str | None = None,
    content_type: str | None = None,
) -> str | None:
    """Write an object of at most 8 MiB, whole or not at all. Returns its ``etag``, where
    the store has one.

    With `if_absent` only if there is no object of this key, with `if_unchanged` only if
    the object has this ``etag``; otherwise it raises `Precondition`.
    """
    condition = _condition(if_absent, if_unchanged)
    data = _bytes(content)
    return _asked(lambda: host().blob_put(store, key, data, condition, content_type))


def create(
    store: str,
    key: str,
    *,
    if_absent: bool = False,
    if_unchanged: str | None = None,
    content_type: str | None = None,
) -> Writer:
    """Write an object of any size, part by part; conditions as with `put`."""
    condition = _condition(if_absent, if_unchanged)
    return Writer(_asked(lambda: host().blob_begin(store, key, condition, content_type)))


def delete(store: str, key: str) -> None:
    """Remove an object. It is no error if there is none."""
    _asked(lambda: host().blob_delete(store, key))


def list(store: str, prefix: str = "") -> Iterator[Object]:
    """The objects whose key begins with `prefix`, in the order of their keys. They are
    asked for page by page."""
    cursor: str | None = None
    while True:
        page, cursor = _page(store, prefix, cursor)
        yield from map(_object, page)
        if cursor is None:
            return


def presign(store: str, key: str, access: Literal["read", "write"], valid: Duration) -> str:
    """A URL with which anybody can read or write this one object for so long, at most 7
    days."""
    if access not in ("read", "write"):
        raise Invalid(f"access is 'read' or 'write', not {access!r}")
    return _asked(lambda: host().blob_presign(store, key, access, millis(valid) // 1000))


class Writer:
    """An object that is written part by part, as a file of bytes; made by `create`.

    It appears, whole, with `finish` or at the end of a ``with`` block that raises
    nothing. Otherwise there is no trace of it.
    """

    etag: str | None
    """Of the object that was written, where the store has one."""
    closed: bool
    """Whether the object has been written."""

    def __init__(self, upload: RawUpload) -> None:
        self._upload = upload
        self._part = bytearray()
        self.etag = None
        self.closed = False

    def write(self, content: Any) -> int:
        """Add bytes at the end."""
        if self.closed:
            raise ValueError("the object has been written")
        view = memoryview(content).cast("B")
        for at in range(0, len(view), _PART):
            self._part += view[at : at + _PART]
            if len(self._part) >= _PART:
                self.flush()
        return len(view)

    def flush(self) -> None:
        """Send what is there to Runner. The object does not appear yet."""
        if self._part:
            part, self._part = bytes(self._part), bytearray()
            _asked(lambda: self._upload.append(part))

    def finish(self) -> str | None:
        """Write the object. Returns its ``etag``, where the store has one."""
        if not self.closed:
            self.flush()
            self.etag = _asked(self._upload.finish)
            self.closed = True
        return self.etag

    def writable(self) -> bool:
        """It is, and neither readable nor seekable."""
        return True

    def readable(self) -> bool:
        """It is not."""
        return False

    def seekable(self) -> bool:
        """It is not."""
        return False

    def close(self) -> None:
        """Nothing: what wraps it, such as `io.TextIOWrapper`, closes it also when the
        handler fails."""

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()


class _Reader(io.RawIOBase):
    """The bytes of an object, in parts."""

    def __init__(self, store: str, key: str) -> None:
        self._store = store
        self._key = key
        self._at = 0
        self._known = _known(store, key)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        view = memoryview(into).cast("B")
        length = min(len(view), _PART)
        if not length or self._at >= self._known.size:
            return 0
        span = (self._at, length)
        content, known = _asked(lambda: host().blob_get(self._store, self._key, span))
        if known != self._known:
            raise Precondition(f"{self._key!r} was changed while it was read")
        view[: len(content)] = content
        self._at += len(content)
        return len(content)

    def readall(self) -> bytes:
        # Python's own would ask for less at a time.
        content = bytearray()
        while part := self.read(_PART):
            content += part
        return bytes(content)

    def seek(self, to: int, whence: int = io.SEEK_SET) -> int:
        at = to + (0, self._at, self._known.size)[whence]
        if at < 0:
            raise ValueError("a position before the object")
        self._at = at
        return at

    def tell(self) -> int:
        return self._at


def _known(store: str, key: str) -> RawObject:
    """What is known of an object, as the host has it."""
    return _asked(lambda: host().blob_head(store, key))


def _page(store: str, prefix: str, cursor: str | None) -> Any:
    return _asked(lambda: host().blob_list(store, prefix, cursor, 1000))


def _asked(ask: Callable[[], _T]) -> _T:
    try:
        return ask()
    except HostError as error:
        raise _ERRORS[error.case](error.reason) from None


def _object(raw: RawObject) -> Object:
    modified = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=raw.modified)
    return Object(raw.key, raw.size, modified, raw.etag)


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content)


def _condition(if_absent: bool, if_unchanged: str | None) -> Condition:
    if if_absent and if_unchanged is not None:
        raise Invalid("an object is written if it is absent or if it is unchanged, not both")
    if if_absent:
        return "absent", None
    return ("always", None) if if_unchanged is None else ("unchanged", if_unchanged)
