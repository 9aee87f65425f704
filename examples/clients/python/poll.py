"""An analysis service that adds a job and looks how many wait.

    RUNNER_URL=http://127.0.0.1:3000 python poll.py
"""

import os

import requests

RUNNER = os.environ.get("RUNNER_URL", "http://127.0.0.1:3000")
session = requests.Session()
if token := os.environ.get("RUNNER_TOKEN"):
    session.headers["Authorization"] = f"Bearer {token}"


def add_analysis(document_id: str, user_id: str) -> dict:
    response = session.post(
        f"{RUNNER}/api/jobs/compliance-analysis",
        json={
            "documentId": document_id,
            "userId": user_id,
            "documentPath": "/documents/doc.pdf",
            "mimeType": "application/pdf",
            "complianceFrameworks": ["GDPR", "SOX"],
        },
        timeout=10,
    )
    if not response.ok:
        raise SystemExit(response.json()["detail"])
    return response.json()


def poll_for_analysis_jobs() -> int:
    response = session.get(f"{RUNNER}/api/jobs/stats/compliance-analysis", timeout=10)
    response.raise_for_status()
    return response.json()["waiting"]


if __name__ == "__main__":
    job = add_analysis("demo-doc-123", "a81bc81b-dead-4e5d-abff-90865d1e13b1")
    print("added", job["queue"], job["name"], job["jobId"], job["state"])
    print("waiting", poll_for_analysis_jobs())
