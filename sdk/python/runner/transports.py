"""Adapters that let requests and httpx send through the host.

Each imports its library only when it is used, so neither is needed by the SDK. List
the library under ``[project] dependencies``.
"""

from __future__ import annotations

import io
from typing import Any

from . import http


def requests_session() -> Any:
    """A `requests.Session` whose requests go through the host.

    A host that is not granted raises `requests.ConnectionError`.
    """
    import requests  # type: ignore[import-untyped, unused-ignore]
    from requests.adapters import BaseAdapter  # type: ignore[import-untyped, unused-ignore]
    from urllib3 import HTTPResponse  # type: ignore[import-not-found, unused-ignore]

    class Adapter(BaseAdapter):  # type: ignore[misc, unused-ignore]
        def send(self, request: Any, timeout: Any = None, **_: Any) -> Any:
            limit = max(timeout) if isinstance(timeout, tuple) else timeout
            try:
                got = http.request(
                    request.method,
                    request.url,
                    headers=_allowed(request.headers.items()),
                    body=request.body,
                    timeout=limit,
                )
            except http.Timeout as error:
                raise requests.Timeout(error, request=request) from error
            except http.Error as error:
                raise requests.ConnectionError(error, request=request) from error
            raw = HTTPResponse(
                io.BytesIO(got.content),
                headers=got.headers.fields,
                status=got.status,
                preload_content=False,
            )
            return _adapter.build_response(request, raw)

        def close(self) -> None:
            pass

    _adapter = requests.adapters.HTTPAdapter()
    session = requests.Session()
    session.mount("http://", Adapter())
    session.mount("https://", Adapter())
    return session


def httpx_transport() -> Any:
    """A transport for ``httpx.Client(transport=…)`` and ``httpx.AsyncClient``.

    A host that is not granted raises `httpx.ConnectError`.
    """
    import httpx  # type: ignore[import-not-found, unused-ignore]

    class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):  # type: ignore[misc, unused-ignore]
        def handle_request(self, request: Any) -> Any:
            limits = request.extensions.get("timeout", {})
            try:
                got = http.request(
                    request.method,
                    str(request.url),
                    headers=_allowed(request.headers.items()),
                    body=request.read() or None,
                    timeout=limits.get("read"),
                )
            except http.Timeout as error:
                raise httpx.ReadTimeout(str(error), request=request) from error
            except http.Error as error:
                raise httpx.ConnectError(str(error), request=request) from error
            return httpx.Response(got.status, headers=got.headers.fields, content=got.content)

        async def handle_async_request(self, request: Any) -> Any:
            await request.aread()
            return self.handle_request(request)

    return Transport()


def _allowed(fields: Any) -> list[tuple[str, str]]:
    """Without those that are Runner's."""
    own = {"host", "connection", "content-length", "transfer-encoding", "keep-alive"}
    return [(name, value) for name, value in fields if name.lower() not in own]
