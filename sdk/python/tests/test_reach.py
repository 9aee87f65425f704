import csv
import io
import unittest
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

from runner import Reject, Retry, blobs, kv, sql
from runner._scan import REACH, Look, Project
from runner.failures import verdict
from runner.testing import Host, Outcome

ID = UUID("123e4567-e89b-12d3-a456-426614174000")


class Databases(unittest.TestCase):
    def test_values_come_exactly(self):
        at = datetime(2026, 11, 28, 23, 59, 59, 120000, tzinfo=timezone.utc)
        row = [
            2**63, -(2**63), Decimal("12.340"), 0.5, None, True, ID, at, at.replace(tzinfo=None),
            at.date(), at.time(), ["a", None], {"n": 2**70}, b"\x00", sql.Other("infinity"),
        ]  # fmt: skip
        names = "big small total ratio note ok id at local day time tags meta seal late".split()
        with Host() as host:
            host.statement("main", "from invoices", Outcome.rows(names, row))
            rows = sql.query("main", "select *\n from   invoices where id = $1", [7])
        self.assertEqual(rows.affected, 1)
        self.assertEqual(list(rows[0])[1:-1], row[1:-1])
        self.assertEqual(rows[0].big, Decimal(2**63))
        self.assertEqual(rows[0]["late"], "infinity")
        self.assertEqual(str(rows[0].total), "12.340")
        self.assertEqual(host.statements[0].parameters, [7])

    def test_what_no_type_of_python_holds_stays_text(self):
        for kind, text in [
            ("timestamptz", "infinity"), ("date", "0044-03-15 BC"), ("time", "24:00:00"),
        ]:  # fmt: skip
            self.assertEqual(sql._value((kind, text)), text)
        self.assertEqual(sql._value(("time", "23:59:59.5")), time(23, 59, 59, 500000))
        self.assertEqual(sql._value(("date", "2026-11-28")), date(2026, 11, 28))
        self.assertTrue(sql._value(("numeric", "NaN")).is_nan())

    def test_rows_become_objects(self):
        @dataclass
        class User:
            id: int
            name: str
            note: str = "none"

        with Host() as host:
            for _ in range(3):
                host.statement("main", "users", Outcome.rows(["id", "name", "x"], [1, "A", 0]))
            ask = lambda: sql.query("main", "select from users")  # noqa: E731
            self.assertEqual(ask().into(User), [User(1, "A")])
            self.assertEqual(ask().into(dict), [{"id": 1, "name": "A", "x": 0}])
            self.assertEqual(ask().one().dict(), {"id": 1, "name": "A", "x": 0})
            host.statement("main", "users", Outcome.rows(["id"], [1], [2]))
            rows = sql.query("main", "users")
            missing = "row 1 has no column 'name', which User needs"
            with self.assertRaisesRegex(sql.Content, missing):
                rows.into(User)
            with self.assertRaisesRegex(sql.Expectation, "and the statement returned 2"):
                rows.one()
            self.assertEqual([row.id for row in rows], [1, 2])
            with self.assertRaisesRegex(AttributeError, "the row has no column 'nam'"):
                _ = rows[0].nam

    def test_parameters_keep_their_type(self):
        east = timezone(timedelta(hours=2))
        for value, raw in [
            (2**63, ("numeric", "9223372036854775808")),
            (Decimal("1E+3"), ("numeric", "1000")),
            (Decimal("NaN"), ("numeric", "NaN")),
            (datetime(2026, 1, 1, 1, tzinfo=east), ("timestamptz", "2025-12-31T23:00:00Z")),
            (datetime(2026, 1, 1), ("timestamp", "2026-01-01T00:00:00")),
            (ID, ("uuid", str(ID))),
            ({"a": 1}, ("json", '{"a":1}')),
            (sql.Json([1]), ("json", "[1]")),
            ([1, None], ("array", [("integer", 1), ("null", None)])),
            (sql.Other("1 day"), ("other", "1 day")),
        ]:
            self.assertEqual(sql.raw(value, 0), raw)
        with self.assertRaisesRegex(sql.Invalid, "parameter 2 is 'object', which is no value"):
            sql.raw(object(), 1)
        with self.assertRaisesRegex(sql.Invalid, "a list of values, not one value"):
            sql.query("main", "select $1", "text")

    def test_a_transaction_names_the_statement_that_failed(self):
        with Host() as host:
            host.statement("main", "update stock", Outcome.changed(1))
            host.statement("main", "insert into orders", Outcome.rows(["id"], [7]))
            with sql.transaction("main", timeout=1) as both:
                both.add("update stock set n = n - 1", expect=1)
                both.add("insert into orders default values returning id")
            self.assertEqual([rows.affected for rows in both.results], [1, 1])
            self.assertEqual(both.results[1].one().id, 7)
            host.statement("main", "update stock", Outcome.changed(0))
            with self.assertRaises(sql.Expectation) as raised:
                with sql.transaction("main") as one:
                    one.add("update stock set n = n - 1", expect=1)
            self.assertEqual(raised.exception.statement, 0)
            with self.assertRaises(ZeroDivisionError):
                with sql.transaction("main") as none:
                    none.add("never run")
                    raise ZeroDivisionError

    def test_what_may_work_later_is_retried(self):
        for kind in sql._ERRORS.values():
            retried = kind in (
                sql.Conflict, sql.Timeout, sql.Unavailable, sql.Uncertain, sql.Failed,
            )  # fmt: skip
            with Host() as host:
                host.statement("main", "select", Outcome.error(kind("main: no")))
                with self.assertRaises(kind) as raised:
                    sql.query("main", "select 1")
            self.assertIsInstance(verdict(raised.exception), Retry if retried else Reject)

    def test_what_was_expected_and_not_run_fails_the_test(self):
        with self.assertRaisesRegex(AssertionError, r"expected and not run: \['main: select 1'\]"):
            with Host() as host:
                host.statement("main", "select 1", Outcome.changed(0))
        with Host(), self.assertRaisesRegex(AssertionError, "an unexpected statement on 'main'"):
            sql.execute("main", "delete from users")


class Keys(unittest.TestCase):
    def test_a_value_stays_until_its_time_is_over(self):
        with Host() as host:
            kv.set("a", "x", ttl=1)
            kv.set_json("b", {"n": 2**70})
            host.kv.advance(0.25)
            self.assertEqual(kv.entry("a"), kv.Entry(b"x", 0.75))
            self.assertEqual(kv.get_json("b"), {"n": 2**70})
            host.kv.advance(timedelta(seconds=0.75))
            self.assertIsNone(kv.get("a"))
            self.assertEqual(list(host.kv.all()), ["b"])
            self.assertEqual((kv.expire("b", 1), kv.expire("c", None)), (True, False))
            self.assertEqual((kv.delete("b"), kv.delete("b")), (True, False))
            with self.assertRaisesRegex(kv.Invalid, "ttl is a time from a millisecond on, not 0"):
                kv.set("a", b"", ttl=0)

    def test_a_counter_is_a_window_of_time(self):
        with Host() as host:
            self.assertEqual(kv.increment("n", 2, ttl=1), 2)
            host.kv.advance(0.5)
            self.assertEqual(kv.increment("n", -5), -3)
            host.kv.advance(0.5)
            self.assertEqual(kv.increment("n"), 1)
            kv.set("n", "text")
            with self.assertRaisesRegex(kv.Invalid, "'n' holds no integer"):
                kv.increment("n")
            with self.assertRaisesRegex(kv.Invalid, "the value of 'n' is not JSON"):
                kv.get_json("n")

    def test_a_value_is_set_only_if_it_is_as_expected(self):
        with Host():
            self.assertTrue(kv.compare_and_set("a", None, "1"))
            self.assertFalse(kv.compare_and_set("a", None, "2"))
            self.assertTrue(kv.compare_and_set("a", b"1", None))
            self.assertIsNone(kv.get("a"))

    def test_keys_are_listed_over_pages(self):
        with Host():
            for n in range(1500):
                kv.set(f"a/{n:04}", b"")
            kv.set("b", b"")
            self.assertEqual(list(kv.keys("a/")), [f"a/{n:04}" for n in range(1500)])

    def test_what_may_work_later_is_retried(self):
        for kind in kv._ERRORS.values():
            with Host() as host:
                host.kv.refusal = kind("no")
                with self.assertRaises(kind) as raised:
                    kv.get("a")
            retried = kind in (kv.Lost, kv.Unavailable)
            self.assertIsInstance(verdict(raised.exception), Retry if retried else Reject)


class Objects(unittest.TestCase):
    def test_an_object_is_put_and_read(self):
        with Host() as host:
            etag = blobs.put("box", "a", "hello", if_absent=True, content_type="text/plain")
            self.assertEqual(blobs.get("box", "a"), b"hello")
            self.assertEqual(blobs.get("box", "a", 1, 3), b"ell")
            self.assertEqual(host.blobs.content_type("box", "a"), "text/plain")
            with self.assertRaises(blobs.Precondition):
                blobs.put("box", "a", b"", if_absent=True)
            blobs.put("box", "a", b"bye", if_unchanged=etag)
            self.assertEqual(blobs.head("box", "a").size, 3)
            self.assertEqual([one.key for one in blobs.list("box")], ["a"])
            url = blobs.presign("box", "a", "read", timedelta(minutes=1))
            self.assertEqual(url, "https://box.test/a?access=read&seconds=60")
            blobs.delete("box", "a")
            with self.assertRaisesRegex(blobs.NotFound, "'a' in the store 'box'"):
                blobs.get("box", "a")

    def test_an_object_of_any_size_is_a_file(self):
        content = bytes(range(256)) * 40_000
        with Host() as host:
            with blobs.create("box", "big") as out:
                out.write(content[:5])
                out.write(memoryview(content)[5:])
                self.assertEqual(host.blobs.all("box"), {})
            self.assertTrue(out.etag)
            with self.assertRaises(blobs.TooLarge):
                blobs.get("box", "big")
            with blobs.open("box", "big") as file:
                self.assertEqual(file.read(), content)
                file.seek(-4, io.SEEK_END)
                self.assertEqual(file.read(), content[-4:])
            with blobs.open("box", "big") as file:
                file.read(10)
                host.blobs.put("box", "big", b"other")
                with self.assertRaisesRegex(blobs.Precondition, "'big' was changed while it was"):
                    file.read()

    def test_a_writer_takes_text_and_leaves_no_trace_of_a_failure(self):
        with Host() as host:
            with blobs.create("box", "a.csv") as out:
                text = io.TextIOWrapper(out, newline="")  # type: ignore[type-var]
                csv.writer(text).writerow(["a", 1])
                text.flush()
            self.assertEqual(host.blobs.all("box"), {"a.csv": b"a,1\r\n"})
            with self.assertRaises(ZeroDivisionError):
                with blobs.create("box", "b") as out:
                    out.write(b"half")
                    raise ZeroDivisionError
            self.assertEqual(list(host.blobs.all("box")), ["a.csv"])

    def test_what_may_work_later_is_retried(self):
        for kind in blobs._ERRORS.values():
            with Host() as host:
                host.blobs.refusal = kind("no")
                with self.assertRaises(kind) as raised:
                    blobs.create("box", "a")
            retried = kind in (blobs.Timeout, blobs.Unavailable)
            self.assertIsInstance(verdict(raised.exception), Retry if retried else Reject)


class Scans(unittest.TestCase):
    def test_a_component_has_what_its_project_names(self):
        import ast

        for source, expected in [
            ("from runner import sql, handler", ["sql"]),
            ("import runner.kv as store", ["kv"]),
            ("import runner\ndef f(): runner.blobs.get('a', 'b')", ["blobs"]),
            ("import runner as r\nr.sql.query('main', '')", ["sql"]),
            ("from runner.sql import query", ["sql"]),
            ("from runner import *", sorted(REACH)),
            ("from runner import http\nimport sql", []),
        ]:
            project = Project(".", [], [])
            look: Any = Look(project, "app.py", "")
            look.visit(ast.parse(source))
            self.assertEqual(sorted(project.reach), expected, source)
