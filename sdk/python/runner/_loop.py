"""An event loop for `asyncio` that needs neither sockets nor threads.

`asyncio.run` and everything built on timers, tasks and futures works. What asyncio
gives to a thread (`asyncio.to_thread`, `run_in_executor`) runs at once, in place.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import base_events, events
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class _Sleeper:
    """What the loop asks for events of sockets: there are none, so it sleeps."""

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError(
                "every task waits, and nothing is left that could wake one: "
                "a future that nobody sets, or a lock that nobody gives back"
            )
        if timeout > 0:
            time.sleep(timeout)
        return []


class EventLoop(base_events.BaseEventLoop):
    """The loop of a plugin."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Sleeper()

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., _T], *args: Any
    ) -> asyncio.Future[_T]:
        """Call the function now."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _Policy(events._BaseDefaultEventLoopPolicy):  # type: ignore[name-defined,misc]
    _loop_factory = EventLoop


_loop: EventLoop | None = None


def install() -> None:
    """Let `asyncio` use this loop from now on, and make the one for handlers."""
    global _loop
    events._set_event_loop_policy(_Policy())  # type: ignore[attr-defined]
    _loop = EventLoop()


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run` on a loop that is kept: making one takes longer than a short job."""
    assert _loop is not None
    if events._get_running_loop() is not None:
        coroutine.close()
        raise RuntimeError("a handler runs already")
    try:
        events.set_event_loop(_loop)
        return _loop.run_until_complete(coroutine)
    finally:
        left = asyncio.all_tasks(_loop)
        if left:
            for task in left:
                task.cancel()
            _loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        if _loop._asyncgens:  # type: ignore[attr-defined]
            _loop.run_until_complete(_loop.shutdown_asyncgens())
        events.set_event_loop(None)
