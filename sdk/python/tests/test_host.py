import logging
import unittest
import urllib.error
import urllib.request
from datetime import timedelta

from runner import Job, Reject, Retry, config, http, progress, progress_json, queue, secret
from runner.testing import Host, Reply, job, run


class Hosts(unittest.TestCase):
    def test_without_a_host_the_way_out_is_said(self):
        with self.assertRaisesRegex(RuntimeError, "with runner.testing.Host"):
            secret("A")

    def test_settings_and_secrets_are_given(self):
        with Host(settings={"a": "text", "b": [1]}, secrets={"K": "v"}):
            self.assertEqual(config.get("a"), "text")
            self.assertEqual(config.json("b"), [1])
            self.assertEqual(config.all(), {"a": "text", "b": "[1]"})
            self.assertEqual(config.get("c", "other"), "other")
            self.assertEqual(secret("K"), "v")
            with self.assertRaisesRegex(Reject, 'the setting "c" is missing; add it to config'):
                config.require("c")
            with self.assertRaisesRegex(Reject, 'the secret "X" is missing; grant it in secrets'):
                config.require_secret("X")
            with self.assertRaisesRegex(Reject, 'the setting "a" does not fit'):
                config.json("a")

    def test_progress_and_logs_are_kept(self):
        with Host() as host:
            progress(150)
            progress(40, "half")
            progress_json({"page": 2})
            logging.info("to %s", "Oslo", extra={"city": "Oslo", "n": 3})
            logging.getLogger("app").debug("not shown")
            logging.getLogger("app").error("broken")
        self.assertEqual(host.progress, [100, {"percent": 40, "message": "half"}, {"page": 2}])
        self.assertEqual(str(host.logs[0]), "to Oslo city=Oslo n=3")
        self.assertEqual((host.logs[1].level, str(host.logs[1])), ("error", "broken logger=app"))

    def test_a_job_has_its_fields(self):
        at = job("x", {}, attempt=2, delay=1.5, parent=("7", "bull:p"), request_id="r")
        self.assertEqual((at.attempt, at.delay, at.parent.queue), (2, 1.5, "bull:p"))
        self.assertEqual(at.idempotency_key("s"), f"test/1/{at._added_at}/s")
        self.assertEqual(at.added_at.tzinfo.utcoffset(None), timedelta())
        with Host(current=at) as host:
            self.assertEqual(Job.current().request_id, "r")
            at.update_data({"a": 1})
            self.assertEqual(host.updates, [{"a": 1}])
            self.assertFalse(at.dependencies())
            host.children["bull:a:1"] = 3
            self.assertEqual(at.children_values(), {"bull:a:1": 3})
            self.assertTrue(at.dependencies())
        with self.assertRaisesRegex(TypeError, "no field 'atempt'"):
            job("x", atempt=2)


class Http(unittest.TestCase):
    def test_a_request_is_sent_as_it_was_written(self):
        with Host() as host:
            url = "https://a.example/x?q=1&b=2"
            host.reply("POST", url, Reply.json(201, {"id": 2**60}, x_y="z"))
            got = http.post(
                "https://a.example/x?q=1",
                params={"b": 2},
                json={"name": "Ada"},
                headers={"X-A": "1"},
                bearer="t0ken",
                timeout=1.5,
                idempotent=True,
            )
        sent = host.requests[0]
        self.assertEqual((got.status, got.json(), got.headers["X-Y"]), (201, {"id": 2**60}, "z"))
        self.assertEqual((sent.json, sent.timeout, sent.idempotent), ({"name": "Ada"}, 1.5, True))
        self.assertEqual(sent.headers["authorization"], "Bearer t0ken")
        self.assertEqual(sent.headers["content-type"], "application/json")

    def test_forms_and_keys(self):
        with Host() as host:
            host.reply("PUT", "https://a.example/", Reply.text(204, ""))
            http.put("https://a.example/", form={"a": "x y"}, idempotent="k", basic=("u", "p"))
        sent = host.requests[0]
        self.assertEqual((sent.form, sent.headers["idempotency-key"]), ({"a": "x y"}, "k"))
        self.assertEqual(sent.headers["authorization"], "Basic dTpw")
        with Host(), self.assertRaisesRegex(http.Invalid, "one of json, form and body"):
            http.post("https://a.example/", form={}, body="x")

    def test_a_wrong_answer_says_who_gave_it(self):
        with Host() as host:
            host.reply("GET", "https://a.example/?token=1", Reply.text(200, "<html>"))
            with self.assertRaisesRegex(Retry, "^an unexpected answer of a.example: Expecting"):
                run(lambda job: http.get("https://a.example/?token=1").json())

    def test_requests_that_do_not_fit_fail_the_test(self):
        with Host(), self.assertRaisesRegex(AssertionError, "unexpected request: GET https://b"):
            http.get("https://b.example/")
        with self.assertRaisesRegex(AssertionError, "expected and not sent: .'GET https://c"):
            with Host() as host:
                host.reply("GET", "https://c.example/", Reply.text(200, ""))

    def test_urllib_goes_through_the_host(self):
        with Host() as host:
            host.reply("GET", "https://a.example/", Reply(302, b"", [("location", "/b")]))
            host.reply("GET", "https://a.example/b", Reply.text(200, "there"))
            with urllib.request.urlopen("https://a.example/") as got:
                self.assertEqual((got.read(), got.status), (b"there", 200))
            host.reply("POST", "https://a.example/", Reply.text(404, "none"))
            with self.assertRaises(urllib.error.HTTPError):
                urllib.request.urlopen("https://a.example/", data=b"x", timeout=3)
            self.assertEqual(host.requests[2].timeout, 3)
            host.reply("GET", "https://d.example/", Reply.error(http.Denied("not granted")))
            with self.assertRaisesRegex(Reject, "not granted"):
                run(lambda job: urllib.request.urlopen("https://d.example/"))


class Queues(unittest.TestCase):
    def test_a_job_is_added_with_its_options(self):
        with Host() as host:
            added = queue.add(
                "mail",
                "welcome",
                {"to": 7},
                id="welcome-7",
                delay=timedelta(seconds=2),
                backoff=queue.Backoff("exponential", 1),
                remove_on_complete=True,
                remove_on_fail=queue.Keep(age=60),
                deduplication=queue.Deduplication("w", ttl=5),
            )
        self.assertEqual(added, "welcome-7")
        options = host.added[0].options
        self.assertEqual((options["delay"], options["backoff"]), (2000, ("exponential", 1000, 0.0)))
        self.assertEqual(options["remove_on_complete"], ("none", None))
        self.assertEqual(options["remove_on_fail"], ("age", 60))
        self.assertEqual(options["deduplication"]["ttl"], 5000)

    def test_bulk_and_flows(self):
        with Host() as host:
            self.assertEqual(queue.add_bulk("a", []), [])
            ids = queue.add_bulk("a", [queue.NewJob("x", n) for n in range(3)])
            self.assertEqual(ids, ["1", "2", "3"])
            child = queue.NewJob("child", 2, "pages", on_failure="ignore")
            queue.add_flow(queue.NewJob("parent", 1, "books", children=[child]))
            queue.add_children(queue.NewJob("own", 3, "pages"))
            self.assertEqual([one.parent for one in host.added[3:]], [None, 3, "current"])
            with self.assertRaisesRegex(queue.Invalid, '"x" in a flow names no queue'):
                queue.add_flow(queue.NewJob("x", 1))
            with self.assertRaisesRegex(queue.Invalid, 'not to "a" and "b"'):
                queue.add_bulk("a", [queue.NewJob("x", 1, "b")])
            with self.assertRaisesRegex(queue.Invalid, "its data is no JSON: a object"):
                queue.add("a", "x", object())
