"""HTTP requests to the hosts that are granted to the plugin::

    from runner import http

    order = http.post(
        "https://api.example.com/orders", json={"sku": "B-7"}, bearer=token
    ).raise_for_status().json()

An exception of this module that a handler lets through ends the attempt as it
deserves: what may work later is retried, after the provider's ``Retry-After`` if it
sent one, and what cannot is rejected. `urllib.request` works, too, over the same
grants; `runner.transports` has adapters for requests and httpx.

A request may take 30 seconds, and its body and the response's 10 MiB each. Requests
wait for each other, also in ``async`` handlers.
"""

from __future__ import annotations

import base64
import json as _stdlib_json
import time
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypedDict, Union
from urllib.parse import urlencode, urlsplit

from ._host import HostError, Request, host
from ._host import Response as HostResponse
from ._json import dumps
from ._units import Duration, millis
from .failures import Failure, Reject, Retry, RetryAfter

if TYPE_CHECKING:
    from typing_extensions import Unpack

# How much of a response's content an error quotes: enough for the message of any API,
# too little to bury the log under an HTML page.
_QUOTED = 300

_Pairs = Union[Mapping[str, Any], Iterable[tuple[str, Any]]]


class Error(OSError):
    """Why there is no response, or not the expected one."""

    kind: str = "error"
    """What went wrong, in a word: ``denied``, ``invalid``, ``dns``, ``connect``, ``tls``,
    ``timeout``, ``too-large``, ``protocol``, ``status`` or ``content``."""

    def __init__(self, text: str) -> None:
        super().__init__(text)

    def _verdict(self) -> Failure:
        return Retry(self)


class _Permanent(Error):
    def _verdict(self) -> Failure:
        return Reject(self)


class Denied(_Permanent):
    """The host is not granted, or its address is not public."""

    kind = "denied"


class Invalid(_Permanent):
    """The request itself is wrong: its method, URL, header fields or size."""

    kind = "invalid"


class DnsError(Error):
    """The name could not be resolved."""

    kind = "dns"


class ConnectError(Error):
    """There is no connection: it was refused or reset, or the host is unreachable."""

    kind = "connect"


class TlsError(Error):
    """The TLS handshake failed, or the certificate is not trusted."""

    kind = "tls"


class Timeout(Error, TimeoutError):
    """No full response arrived in time. The other side may have acted nevertheless."""

    kind = "timeout"


class TooLarge(_Permanent):
    """The response is larger than the limits allow."""

    kind = "too-large"


class ProtocolError(Error):
    """The other side violated HTTP, or closed the connection before the end."""

    kind = "protocol"


class ContentError(Error):
    """The content is not the JSON that was expected."""

    kind = "content"


class StatusError(Error):
    """A status of 400 or more, see `Response.raise_for_status`."""

    kind = "status"
    response: Response
    """The response."""

    def __init__(self, response: Response) -> None:
        self.response = response
        content = response.text.strip()[:_QUOTED] or "no content"
        super().__init__(f"{response._host()} answered {response.status}: {content}")

    def _verdict(self) -> Failure:
        status = self.response.status
        delay = self.response.retry_after
        if status in (429, 503) and delay is not None:
            return RetryAfter(delay, self)
        # Request Timeout, Too Early, Too Many Requests: RFC 9110 15.5.9, RFC 8470 5.2,
        # RFC 6585 4.
        return Retry(self) if status in (408, 425, 429) or status >= 500 else Reject(self)


_ERRORS: dict[str, tuple[type[Error], str]] = {
    "Denied": (Denied, "the request was denied"),
    "Invalid": (Invalid, "the request is wrong"),
    "Dns": (DnsError, "no address"),
    "Connect": (ConnectError, "no connection"),
    "Tls": (TlsError, "no trust"),
    "Timeout": (Timeout, "no answer in time"),
    "TooLarge": (TooLarge, "the answer is too large"),
    "Protocol": (ProtocolError, "a broken answer"),
}


class Headers(Mapping[str, str]):
    """Header fields by name in any case; of several with a name, the first."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self.fields: list[tuple[str, str]] = list(fields)
        """All fields in the order received, names in lower case."""

    def __getitem__(self, name: str) -> str:
        for key, value in self.fields:
            if key == name.lower():
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key for key, _ in self.fields))

    def __len__(self) -> int:
        return len({key for key, _ in self.fields})

    def __repr__(self) -> str:
        return f"Headers({self.fields!r})"

    def get_all(self, name: str) -> list[str]:
        """The values of all fields with this name."""
        return [value for key, value in self.fields if key == name.lower()]


class Response:
    """A response, read to its end. No status is an exception by itself."""

    status: int
    """100 to 599."""
    headers: Headers
    """The header fields."""
    content: bytes
    """The content, decoded only from its transfer coding: ``gzip`` stays ``gzip``."""
    url: str
    """The URL that answered, after any redirects."""

    def __init__(
        self, status: int, headers: Iterable[tuple[str, str]], content: bytes, url: str
    ) -> None:
        self.status = status
        self.headers = Headers(headers)
        self.content = content
        self.url = url

    def __repr__(self) -> str:
        return f"<Response {self.status}>"

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    @property
    def text(self) -> str:
        """The content as text in UTF-8; other bytes are replaced."""
        return self.content.decode("utf-8", "replace")

    def json(self, **options: Any) -> Any:
        """The content read as JSON, with options of `json.loads`.

        Raises `ContentError`.
        """
        try:
            return _stdlib_json.loads(self.content, **options)
        except ValueError as error:
            raise ContentError(f"an unexpected answer of {self._host()}: {error}") from None

    def raise_for_status(self) -> Response:
        """The response, unless its status is 400 or more.

        Raises `StatusError`. If the handler lets it through, 429 and 503 with
        ``Retry-After`` are retried after that time; 408, 425, 429 and 500 or more are
        retried with the job's backoff; all others are rejected.
        """
        if self.status >= 400:
            raise StatusError(self)
        return self

    @property
    def retry_after(self) -> float | None:
        """``Retry-After`` in seconds from now; given as seconds or a date."""
        value = self.headers.get("retry-after", "").strip()
        if value.isdecimal():
            return float(value)
        try:
            return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
        except (TypeError, ValueError):
            return None

    def _host(self) -> str:
        """Who answered. Not the whole URL, which may carry secrets."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def request(
    method: str,
    url: str,
    *,
    params: _Pairs | None = None,
    headers: _Pairs | None = None,
    json: Any = None,
    form: _Pairs | None = None,
    body: bytes | str | None = None,
    bearer: str | None = None,
    basic: tuple[str, str] | None = None,
    timeout: Duration | None = None,
    redirects: int = 0,
    idempotent: bool | str = False,
) -> Response:
    """Send a request and read the whole response.

    :param params: added to the URL's query
    :param headers: header fields; ``Host`` and those of the connection are Runner's
    :param json: content, written as JSON
    :param form: content, written as the fields of a form
    :param body: content as it is; text is sent in UTF-8
    :param bearer: a token for ``Authorization: Bearer``
    :param basic: user and password for ``Authorization: Basic``
    :param timeout: seconds for the request with its redirects; default and most 30
    :param redirects: how many redirects to follow, at most 5; with 0, the redirect
        itself is returned
    :param idempotent: an ``Idempotency-Key``: your own, or `True` for one that Runner
        counts up, which is the same in every attempt if the requests have the same
        order

    Raises one of the `Error` subclasses, but neither `StatusError` nor `ContentError`.
    """
    fields = [(str(name), str(value)) for name, value in _pairs(headers)]
    given = {name.lower() for name, _ in fields}
    contents = [json is not None, form is not None, body is not None]
    if sum(contents) > 1:
        raise Invalid("the request is wrong: give one of json, form and body")
    if params:
        url += ("&" if "?" in url else "?") + urlencode(list(_pairs(params)), doseq=True)
    if json is not None:
        try:
            body = dumps(json)
        except (TypeError, ValueError) as error:
            raise Invalid(f"the content cannot be written as JSON: {error}") from error
        if "content-type" not in given:
            fields.append(("content-type", "application/json"))
    elif form is not None:
        body = urlencode(list(_pairs(form)), doseq=True)
        if "content-type" not in given:
            fields.append(("content-type", "application/x-www-form-urlencoded"))
    if bearer is not None:
        fields.append(("authorization", f"Bearer {bearer}"))
    if basic is not None:
        pair = base64.b64encode(f"{basic[0]}:{basic[1]}".encode()).decode("ascii")
        fields.append(("authorization", f"Basic {pair}"))
    if isinstance(idempotent, str):
        fields.append(("idempotency-key", idempotent))
    got = send(
        Request(
            method.upper(),
            url,
            fields,
            body.encode() if isinstance(body, str) else body,
            # Longer than the host's own limit is no limit.
            None if timeout is None else min(millis(timeout), 2**32 - 1),
            redirects,
            idempotent is True,
        )
    )
    return Response(got.status, got.headers, got.body, got.url or url)


def send(request: Request) -> HostResponse:
    """Send a request of the host's own form; its refusals are exceptions of this module."""
    try:
        return host().send(request)
    except HostError as error:
        kind, words = _ERRORS[error.case]
        raise kind(f"{words}: {error.reason}") from None


def _pairs(given: _Pairs | None) -> Iterable[tuple[str, Any]]:
    if given is None:
        return ()
    return given.items() if isinstance(given, Mapping) else given


class Options(TypedDict, total=False):
    """The options of `request`."""

    params: _Pairs | None
    headers: _Pairs | None
    json: Any
    form: _Pairs | None
    body: bytes | str | None
    bearer: str | None
    basic: tuple[str, str] | None
    timeout: Duration | None
    redirects: int
    idempotent: bool | str


def get(url: str, **options: Unpack[Options]) -> Response:
    """A ``GET`` request; the options are those of `request`."""
    return request("GET", url, **options)


def head(url: str, **options: Unpack[Options]) -> Response:
    """A ``HEAD`` request; the options are those of `request`."""
    return request("HEAD", url, **options)


def post(url: str, **options: Unpack[Options]) -> Response:
    """A ``POST`` request; the options are those of `request`."""
    return request("POST", url, **options)


def put(url: str, **options: Unpack[Options]) -> Response:
    """A ``PUT`` request; the options are those of `request`."""
    return request("PUT", url, **options)


def patch(url: str, **options: Unpack[Options]) -> Response:
    """A ``PATCH`` request; the options are those of `request`."""
    return request("PATCH", url, **options)


def delete(url: str, **options: Unpack[Options]) -> Response:
    """A ``DELETE`` request; the options are those of `request`."""
    return request("DELETE", url, **options)
