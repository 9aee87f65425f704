import asyncio
import unittest
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from runner import (
    Job,
    RateLimit,
    RawJson,
    Reject,
    Retry,
    RetryAfter,
    Snooze,
    WaitChildren,
    _handler,
    http,
    queue,
    step,
)
from runner.failures import verdict
from runner.testing import Host, Reply, job, run


class Calls(unittest.TestCase):
    def test_a_result_is_what_json_makes_of_it(self):
        @dataclass
        class Receipt:
            id: int
            at: datetime
            price: Decimal

        at = datetime(2026, 1, 2, tzinfo=timezone.utc)
        self.assertEqual(
            run(lambda job: Receipt(2**64, at, Decimal("1.10"))),
            {"id": 2**64, "at": "2026-01-02T00:00:00+00:00", "price": "1.10"},
        )
        self.assertIsNone(run(lambda job: None))

    def test_what_has_no_json_is_rejected(self):
        with self.assertRaisesRegex(Reject, "cannot be written as JSON: a object has no JSON"):
            run(lambda job: object())
        with self.assertRaisesRegex(Reject, "cannot be written as JSON"):
            run(lambda job: float("nan"))

    def test_json_text_is_passed_on_as_it_is(self):
        text = "[1.10,  1e400]"
        self.assertEqual(_handler.result_of(RawJson(text)), text)

    def test_a_lone_surrogate_is_escaped(self):
        self.assertEqual(_handler.result_of(["\ud800", "é"]), '["\\ud800","\\u00e9"]')

    def test_numbers_are_exact(self):
        text = '{"a": 18446744073709551615, "b": 0.1}'
        self.assertEqual(run(lambda job: job.data["a"], job("x", text)), 2**64 - 1)
        exact = job("x", text).load(parse_float=Decimal)
        self.assertEqual(exact["b"], Decimal("0.1"))

    def test_a_payload_that_is_no_json_is_rejected(self):
        with self.assertRaisesRegex(Reject, "^data: Expecting value: line 1 column 1"):
            run(lambda job: job.data, job("x", "hello"))

    def test_parameters_are_told_apart_by_their_types(self):
        @dataclass
        class Item:
            sku: str
            count: int = 1

        @dataclass
        class Order:
            items: list[Item]
            note: str | None = None

        def both(data: Order, job: Job) -> list:
            return [job.name, data.items[0].sku, data.items[0].count, data.note]

        both.__annotations__ = {"data": Order, "job": Job}
        Order.__annotations__ = {"items": list[Item], "note": str | None}
        order = {"items": [{"sku": "B-7", "more": 1}]}
        self.assertEqual(run(both, job("order", order)), ["order", "B-7", 1, None])
        with self.assertRaisesRegex(Reject, "data is no Order: .*'items'"):
            run(both, job("order", {}))

    def test_a_variant_is_read_by_its_tag(self):
        class Seen:
            tag = "seen"

            @classmethod
            def from_json(cls, data):
                return ("seen", data["val"])

        class Gone:
            tag = "gone"

            @classmethod
            def from_json(cls, data):
                return ("gone",)

        def handle(data: Seen | Gone):
            return data

        handle.__annotations__ = {"data": Seen | Gone}
        self.assertEqual(run(handle, {"tag": "seen", "val": 3}), ["seen", 3])
        self.assertEqual(run(handle, {"tag": "gone"}), ["gone"])
        with self.assertRaisesRegex(Reject, "`lost` is missing|lost"):
            run(handle, {"tag": "lost"})

    def test_a_parameter_without_type_is_refused(self):
        def handle(job, other):
            pass

        with self.assertRaisesRegex(Exception, "the parameter `other` needs a type"):
            run(handle)

    def test_an_async_handler_is_awaited(self):
        async def handle(job):
            return await asyncio.gather(*(later(n) for n in range(3)))

        async def later(n):
            await asyncio.sleep(0.001)
            return n

        self.assertEqual(run(handle), [0, 1, 2])


class Routes(unittest.TestCase):
    def setUp(self):
        self.before = dict(_handler._by_name), list(_handler._patterns), _handler._default
        _handler._by_name.clear()
        _handler._patterns.clear()
        _handler._default = None

    def tearDown(self):
        _handler._by_name.clear()
        _handler._by_name.update(self.before[0])
        _handler._patterns[:] = self.before[1]
        _handler._default = self.before[2]

    def test_an_exact_name_goes_before_patterns(self):
        made = {}
        for name in ("orders/*", "orders/paid", "send-?"):
            made[name] = _handler.handler(name)(lambda job, name=name: name)
        self.assertIs(_handler.find("orders/paid").function, made["orders/paid"])
        self.assertIs(_handler.find("orders/new").function, made["orders/*"])
        self.assertIs(_handler.find("send-x").function, made["send-?"])
        with self.assertRaises(Reject) as told:
            _handler.find("other")
        self.assertEqual(
            told.exception.reason,
            'this plugin has no handler for jobs "other"; it has orders/paid, orders/*, send-?',
        )
        everything = _handler.handler(lambda job: 1)
        self.assertIs(_handler.find("other").function, everything)

    def test_two_handlers_of_a_name_are_refused(self):
        _handler.handler("a")(len)
        with self.assertRaisesRegex(TypeError, 'two functions take the jobs "a": len and max'):
            _handler.handler("a")(max)
        _handler.handler(len)
        with self.assertRaisesRegex(TypeError, "both len and max take every job"):
            _handler.handler(max)
        with self.assertRaisesRegex(TypeError, "write @handler, or @handler"):
            _handler.handler(1)


class Failures(unittest.TestCase):
    def test_failures_are_what_they_are(self):
        for failure in (Retry("a"), Reject("b"), WaitChildren(), RateLimit(2, "c")):

            def handle(job, failure=failure):
                raise failure

            with self.assertRaises(type(failure)):
                run(handle)
        self.assertEqual(Snooze(timedelta(minutes=1), "x").delay, 60)
        self.assertEqual(RetryAfter(1.5)._millis, 1500)
        self.assertEqual(str(RetryAfter(1.5, "busy")), "busy")
        with self.assertRaisesRegex(TypeError, "a duration is in seconds or a timedelta"):
            Snooze("8h")

    def test_other_errors_are_retried_with_their_name(self):
        def handle(job):
            raise ValueError("amount")

        with self.assertRaises(Retry) as told:
            run(handle)
        self.assertEqual(told.exception.reason, "ValueError: amount")
        self.assertIsInstance(told.exception.__cause__, ValueError)

    def test_an_exit_is_no_result(self):
        failure = verdict(SystemExit(3))
        self.assertEqual(
            failure.reason,
            "the plugin exited (SystemExit: 3); a handler returns its result or raises a failure",
        )

    def test_errors_of_http_and_queue_bring_their_verdict(self):
        def denied(job):
            try:
                raise http.Denied("the request was denied: x")
            except http.Denied as error:
                raise RuntimeError("not sent") from error

        with self.assertRaises(Reject):
            run(denied)
        with Host() as host:
            host.refusal = queue.Unavailable("gone")
            with self.assertRaisesRegex(Retry, "gone"):
                run(lambda job: queue.add("a", "b", 1))
            host.refusal = queue.UnknownQueue("no a")
            with self.assertRaisesRegex(Reject, "no a"):
                run(lambda job: queue.add("a", "b", 1))

    def test_a_status_is_retried_or_rejected_as_it_deserves(self):
        def handle(job):
            http.get("https://a.example/").raise_for_status()

        for status, headers, kind in (
            (404, {}, Reject),
            (429, {}, Retry),
            (503, {"retry_after": "30"}, RetryAfter),
            (500, {}, Retry),
        ):
            with Host() as host:
                host.reply("GET", "https://a.example/", Reply.text(status, "why", **headers))
                with self.assertRaises(kind) as told:
                    run(handle)
                self.assertEqual(told.exception.reason, f"a.example answered {status}: why")


class Steps(unittest.TestCase):
    def test_a_finished_step_is_not_run_again(self):
        with Host() as host:
            self.assertEqual(step("pay", lambda: (1, 2)), [1, 2])
            self.assertEqual(step("pay", lambda: self.fail("run twice")), [1, 2])
            self.assertEqual(host.steps, {"pay": [1, 2]})

    def test_an_async_step_is_awaited(self):
        async def pay():
            return 7

        async def handle(job):
            return [await step("pay", pay), await step("pay", pay)]

        with Host():
            self.assertEqual(run(handle), [7, 7])
            with self.assertRaisesRegex(TypeError, "pass the async function itself"):
                step("other", lambda: pay())

    def test_a_step_without_json_is_rejected(self):
        with Host(), self.assertRaisesRegex(Reject, 'the step "a" returned no JSON'):
            step("a", object)
