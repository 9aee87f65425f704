import unittest

import app
from runner import Reject
from runner.testing import Host, job, run


class Greet(unittest.TestCase):
    def test_a_person_is_greeted(self) -> None:
        with Host() as host:
            greeted = run(app.greet, job("hello", {"name": "Ada"}))
        self.assertEqual(greeted, {"greeting": "hello Ada"})
        self.assertEqual(str(host.logs[0]), "greeting Ada attempt=1")

    def test_a_payload_without_a_name_is_rejected(self) -> None:
        with Host(), self.assertRaises(Reject):
            run(app.greet, job("hello", {}))
