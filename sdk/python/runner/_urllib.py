"""`urllib.request` over the host's HTTP."""

from __future__ import annotations

import http.client
import io
import urllib.error
import urllib.request
import urllib.response
from email.message import Message
from typing import Any

from . import http as runner_http
from ._host import Request
from ._units import millis

# Runner sets these itself.
_HOSTS_OWN = {"host", "connection", "content-length", "transfer-encoding"}


class HostHTTPHandler(urllib.request.BaseHandler):
    """Opens ``http`` and ``https`` URLs through the host."""

    handler_order = 400

    def http_open(self, request: urllib.request.Request) -> Any:
        """Send the request; the response's body is read already."""
        content = request.data
        if content is not None and not isinstance(content, (bytes, bytearray)):
            read = getattr(content, "read", None)
            content = read() if read is not None else b"".join(content)  # type: ignore[arg-type]
        timeout = request.timeout
        sent = Request(
            request.get_method(),
            request.full_url.partition("#")[0],
            [(k, v) for k, v in request.header_items() if k.lower() not in _HOSTS_OWN],
            None if content is None else bytes(content),
            min(millis(timeout), 2**32 - 1) if isinstance(timeout, (int, float)) else None,
            0,
            False,
        )
        try:
            got = runner_http.send(sent)
        except runner_http.Error as error:
            raise urllib.error.URLError(error) from error
        headers = Message()
        for name, value in got.headers:
            headers[name] = value
        response = urllib.response.addinfourl(
            io.BytesIO(got.body), headers, request.full_url, got.status
        )
        response.msg = http.client.responses.get(got.status, "")  # type: ignore[attr-defined]
        return response

    https_open = http_open


def opener() -> urllib.request.OpenerDirector:
    """An opener that goes through the host, follows redirects and raises `HTTPError`."""
    made = urllib.request.OpenerDirector()
    for handler in (
        HostHTTPHandler,
        urllib.request.DataHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        made.add_handler(handler())
    return made


def swap(
    new: urllib.request.OpenerDirector | None,
) -> urllib.request.OpenerDirector | None:
    """Let `urllib.request.urlopen` use this opener from now on; returns the one before."""
    before: urllib.request.OpenerDirector | None = urllib.request._opener  # type: ignore[attr-defined, unused-ignore]
    urllib.request.install_opener(new)  # type: ignore[arg-type, unused-ignore]
    return before


def install() -> None:
    """Let `urllib.request` go through the host for good."""
    swap(opener())
    # `build_opener` starts from this class.
    urllib.request.HTTPHandler = HostHTTPHandler  # type: ignore[misc,assignment]
