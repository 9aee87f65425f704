# PyPI bullmq's worker with the handler of the guest in ../languages/python.
# Environment: REDIS_URL, QUEUE, CONCURRENCY.
import asyncio
import os
import signal
from collections import Counter

from bullmq import Worker


def transform(order):
    totals = Counter()
    for item in order["items"]:
        totals[item["category"]] += item["quantity"] * item["cents"]
    return {
        "customer": order["customer"]["name"].upper(),
        "items": [
            {"sku": item["sku"], "cents": item["quantity"] * item["cents"]}
            for item in order["items"]
        ],
        "totals": totals,
    }


async def handle(job, token):
    return transform(job.data) if job.name == "transform" else None


async def main():
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    options = {"connection": os.environ["REDIS_URL"], "concurrency": int(os.environ["CONCURRENCY"])}
    worker = Worker(os.environ["QUEUE"], handle, options)
    await ended.wait()
    await worker.close()


asyncio.run(main())
