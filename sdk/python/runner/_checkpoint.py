"""Steps that a retry need not repeat."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from ._host import HostError, host
from ._json import dumps
from .failures import Reject

_T = TypeVar("_T")


@overload
def step(name: str, function: Callable[[], Awaitable[_T]]) -> Awaitable[_T]: ...
@overload
def step(name: str, function: Callable[[], _T]) -> _T: ...
def step(name: str, function: Callable[[], Any]) -> Any:
    """Run a step once over all attempts of the job.

    ``payment = step("payment", lambda: pay(order))``. What the function returned is
    stored with the job; a later attempt gets that instead of running it again. An
    ``async`` function (or a `functools.partial` of one) gives something to await. The
    value is what JSON makes of it: a tuple comes back as a list. A step may be repeated
    if the attempt ended just after its effect: it runs at least once.

    A job has at most 64 steps of 64 KiB each, with names of 1 to 64 characters.

    Raises what the function raises, and `Reject` if it returned no JSON.
    """
    stored = host().checkpoint(name)
    is_async = inspect.iscoroutinefunction(function)
    if stored is not None:
        value = json.loads(stored)
        return _ready(value) if is_async else value
    if is_async:
        return _finish(name, function)
    value = function()
    if inspect.isawaitable(value):
        close = getattr(value, "close", None)
        if close is not None:
            close()
        raise TypeError(f'step "{name}": pass the async function itself, not one that calls it')
    return _record(name, value)


async def _ready(value: _T) -> _T:
    return value


async def _finish(name: str, function: Callable[[], Awaitable[Any]]) -> Any:
    return _record(name, await function())


def _record(name: str, value: Any) -> Any:
    try:
        text = dumps(value)
    except (TypeError, ValueError) as error:
        raise Reject(f'the step "{name}" returned no JSON: {error}') from error
    # The effect has happened. To fail now would repeat it for certain.
    try:
        host().put_checkpoint(name, text)
    except HostError as error:
        log = logging.getLogger("runner")
        log.warning("the step may be repeated: %s", error.reason, extra={"step": name})
    return json.loads(text)
