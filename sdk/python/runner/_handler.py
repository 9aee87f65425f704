"""Which function takes which jobs, and how it is called."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any, TypeVar, overload

from . import _typed
from ._json import dumps
from .failures import Reject
from .job import Job

_F = TypeVar("_F", bound=Callable[..., Any])


class Entry:
    """A function that takes jobs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function)
        self._readers: list[Callable[[Job], Any]] | None = None
        self.takes_job = False
        self.prepared = False

    def prepare(self) -> None:
        """Look at the signature. When the module is complete: annotations may name
        what is defined below."""
        self._readers = _readers(self.function)
        self.takes_job = self._readers == [_the_job]
        self.prepared = True

    def call(self, job: Job) -> Any:
        """Call the function; an ``async`` one gives something to await."""
        if not self.prepared:
            self.prepare()
        if self.takes_job:
            return self.function(job)
        assert self._readers is not None
        return self.function(*[read(job) for read in self._readers])


_by_name: dict[str, Entry] = {}
_patterns: list[tuple[str, Entry]] = []
_default: Entry | None = None


@overload
def handler(function: _F, /) -> _F: ...
@overload
def handler(*names: str) -> Callable[[_F], _F]: ...
def handler(*given: Any) -> Any:
    """Make a function the handler of jobs.

    ``@handler`` takes every job, ``@handler("send-otp", "orders/*")`` those with one
    of the names; ``*``, ``?`` and ``[…]`` make a pattern. An exact name goes before
    patterns, the first pattern before later ones, and ``@handler`` comes last. A
    plugin with a single handler can do without: it is the function ``handle``.

    The function takes the `Job`, or the payload, or both, told apart by their
    annotations: ``def send(data: OtpRequest, job: Job) -> Receipt``. A payload may
    have a type of ``runner contract python``, a dataclass, or whatever JSON has.
    It may be ``async``. The function itself is returned unchanged.
    """
    if len(given) == 1 and callable(given[0]):
        _register((), given[0])
        return given[0]
    if not given or not all(isinstance(name, str) for name in given):
        raise TypeError('write @handler, or @handler("name of the jobs")')

    def decorate(function: _F) -> _F:
        _register(given, function)
        return function

    return decorate


def _register(names: tuple[str, ...], function: Callable[..., Any]) -> None:
    global _default
    entry = Entry(function)
    if not names:
        if _default is not None:
            other = _default.function.__qualname__
            raise TypeError(
                f"both {other} and {function.__qualname__} take every job; give one a name: "
                '@handler("name of the jobs")'
            )
        _default = entry
    for name in names:
        if any(c in name for c in "*?["):
            _patterns.append((name, entry))
        elif name in _by_name:
            raise TypeError(
                f'two functions take the jobs "{name}": '
                f"{_by_name[name].function.__qualname__} and {function.__qualname__}"
            )
        else:
            _by_name[name] = entry


def adopt(module: ModuleType) -> None:
    """Take a module's handlers: those decorated, or its function ``handle``.

    Raises `TypeError` if it has none.
    """
    global _default
    if not (_by_name or _patterns or _default):
        function = getattr(module, "handle", None)
        if not inspect.isfunction(function):
            raise TypeError(
                f"{module.__name__} has no handler: put @handler of runner above a function, "
                "or call it `handle`"
            )
        _default = Entry(function)
    for entry in _entries():
        entry.prepare()


def _entries() -> list[Entry]:
    entries = [*_by_name.values(), *(entry for _, entry in _patterns)]
    return entries if _default is None else [*entries, _default]


def find(name: str) -> Entry:
    """The entry for jobs of this name.

    Raises `Reject`.
    """
    entry = _by_name.get(name)
    if entry is not None:
        return entry
    for pattern, entry in _patterns:
        if fnmatchcase(name, pattern):
            return entry
    if _default is not None:
        return _default
    known = ", ".join([*_by_name, *(pattern for pattern, _ in _patterns)])
    raise Reject(f'this plugin has no handler for jobs "{name}"; it has {known}')


def result_of(value: Any) -> str | None:
    """What a handler returned, as JSON.

    Raises `Reject`: it has no JSON next time either.
    """
    if value is None:
        return None
    try:
        return dumps(value)
    except (TypeError, ValueError) as error:
        raise Reject(f"the result cannot be written as JSON: {error}") from None


def _the_job(job: Job) -> Job:
    return job


def _readers(function: Callable[..., Any]) -> list[Callable[[Job], Any]]:
    """How to get each parameter from the job."""
    try:
        hints = typing.get_type_hints(function)
    except NameError as error:
        raise TypeError(f"{function.__qualname__}: {error}; import it at the top") from None
    readers: list[Callable[[Job], Any]] = []
    for parameter in inspect.signature(function).parameters.values():
        kind = parameter.kind
        if kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        hint = hints.get(parameter.name, Job if not readers else None)
        if hint is Job:
            readers.append(_the_job)
        elif hint is None:
            if parameter.default is not parameter.empty:
                continue
            raise TypeError(
                f"{function.__qualname__}: the parameter `{parameter.name}` needs a type: "
                "Job, or that of the payload"
            )
        elif kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty:
            continue
        else:
            readers.append(_payload(_typed.reader(hint), hint))
    return readers


def _payload(read: Callable[[Any], Any], hint: Any) -> Callable[[Job], Any]:
    def payload(job: Job) -> Any:
        try:
            return read(job.data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else error
            name = getattr(hint, "__name__", str(hint))
            raise Reject(f"data is no {name}: {what}") from error

    return payload
