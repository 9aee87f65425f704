"""{{name}}: greets people."""

import logging

from runner import Job, Reject, handler


@handler
def greet(job: Job) -> dict[str, str]:
    """Called for each job of the plugin's queues.

    An exception is a retry; `Reject`, `RetryAfter`, `Snooze` and others say otherwise.
    """
    name = job.data.get("name")
    if not isinstance(name, str):
        raise Reject("data.name is missing")
    logging.info("greeting %s", name, extra={"attempt": job.attempt})
    return {"greeting": f"hello {name}"}
