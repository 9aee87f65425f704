"""Uses the client that openapi-python-client makes of /openapi.json."""

import os

from runner_client import Client
from runner_client.api.jobs import add_document_processing, status
from runner_client.models import DocumentProcessingUpload

client = Client(base_url=os.environ["RUNNER_URL"], raise_on_unexpected_status=True)
upload = DocumentProcessingUpload(
    document_id="d-1", user_id="u-1", filename="a.pdf", mime_type="application/pdf", file_size=1
)
added = add_document_processing.sync(client=client, body=upload)
found = status.sync(queue=added.queue, id=added.job_id, client=client)
print(added.queue, added.name, found.state)
