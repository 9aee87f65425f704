"""{{name}}: takes the jobs of `{{contract}}`."""

from __future__ import annotations

{{imports}}from runner import Job, Reject, handler
{{functions}}