import json
import unittest
from pathlib import Path

import app
from runner import Reject
from runner.testing import Host, job, run


class Jobs(unittest.TestCase):
    def test_a_job_is_refused_until_its_function_is_written(self) -> None:
        sample = json.loads(Path("job.json").read_text())
        with Host(), self.assertRaises(Reject) as told:
            run(app.{{function}}, job("{{job}}", sample))
        self.assertEqual(told.exception.reason, "not written yet: {{job}}")
