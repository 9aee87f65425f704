"""How an attempt ends: as the handler says, or as nobody chose."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from runner import Job, RateLimit, Reject, Retry, RetryAfter, Snooze, WaitChildren

DOWN = "the other side is down"


def childless(job: Job) -> NoReturn:
    raise WaitChildren


def retry(job: Job) -> NoReturn:
    raise Retry(DOWN)


def retry_once(job: Job) -> Any:
    if job.attempt == 1:
        raise Retry(DOWN)
    return {"attempt": job.attempt}


def retry_after(job: Job) -> Any:
    if job.attempt == 1:
        raise RetryAfter(job.data["ms"] / 1000, "slow down")
    return {"attempt": job.attempt}


def reject(job: Job) -> NoReturn:
    raise Reject("no such user")


def snooze(job: Job) -> Any:
    if job.age * 1000 < job.data["ms"]:
        raise Snooze(job.data["ms"] / 1000, "quiet hours")
    return {"attempt": job.attempt}


def rate_limit(job: Job) -> Any:
    if job.age * 1000 < job.data["ms"]:
        raise RateLimit(job.data["ms"] / 1000, "429")
    return {"attempt": job.attempt}


def throw(job: Job) -> NoReturn:
    fall()


def fall() -> NoReturn:
    raise RuntimeError("the sky is falling")


def check(job: Job) -> None:
    one, two = 1, 2
    assert one == two, "two is not one"


def leave(job: Job) -> NoReturn:
    sys.exit(job.data["code"])


def recurse(job: Job) -> Any:
    def deeper(n: int) -> int:
        return deeper(n + 1) + 1

    return deeper(0)


def allocate(job: Job) -> Any:
    mib = job.data["mib"]
    kept = [b"x" * (1 << 20) for _ in range(mib)]
    return {"mib": len(kept)}


def spin(job: Job) -> NoReturn:
    while True:
        pass


BY_NAME = {
    "childless": childless,
    "retry": retry,
    "retry-once": retry_once,
    "retry-after": retry_after,
    "reject": reject,
    "snooze": snooze,
    "rate-limit": rate_limit,
    "throw": throw,
    "assert": check,
    "exit": leave,
    "recurse": recurse,
    "allocate": allocate,
    "spin": spin,
}
