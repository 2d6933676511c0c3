"""What every request goes through: who may ask, how much, and what is written of it.

A service on this machine alone is attacked through the browser of its user: a page from elsewhere
sends requests to it, or gives its own name the address of this machine (DNS rebinding). So the name
that a request is sent to must be the service's own, and what changes something must not come from a
page of another origin. Anybody's page may read (GET, without credentials): what is served is public
to whoever reaches the port.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

import skyseries
from skyseries.server.work import Failed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Door", "access_log"]

access_log = logging.getLogger("skyseries.access")
"""One line of JSON for each request."""
_log = logging.getLogger("skyseries.server")

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SAFE = ("GET", "HEAD", "OPTIONS")
_SECURITY = {
    "server": f"Skyseries/{skyseries.__version__}",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; form-action 'self'",
}
_CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Content-Length, Content-Range, ETag, Location, Retry-After",
}


_LAST = {"connection": "close"}
"""After what else would come would be read as the next request."""
_SLOWEST, _SLOWEST_SECONDS = 10_000, 20.0
"""Bytes that a second of a body has at least, after so many seconds."""


class Door:
    """The outermost layer of the application.

    Parameters
    ----------
    app : ASGI application
    base_url : str
        How the service is called from outside; it always is by the names of this machine.
    body_bytes : int
        A larger body is refused while it comes in.
    any_host : bool
        Beyond loopback: whoever reaches the port may call it by any name.
    """

    def __init__(
        self, app: ASGIApp, base_url: str, body_bytes: int, *, any_host: bool = False
    ) -> None:
        self._app, self._most = app, body_bytes
        self._hosts = {_name(base_url), *_LOOPBACK} - {""}
        self._own = urlsplit(base_url).netloc.lower()
        self._any_host = any_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # a slash at the end means nothing; to be redirected would lose a base_url
        scope["path"] = "/" + scope["path"].strip("/")
        seen = _Seen(scope, send)
        body = _Body(receive, self._most)
        try:
            refusal = self._refusal(scope)
            if refusal is None:
                await self._app(scope, body, seen)
            else:
                await refusal(scope, receive, seen)
        except HTTPException as error:  # a body that is too large, wherever it was read
            if seen.status:
                raise
            answer = PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)
            await answer(scope, receive, seen)
        except Failed as error:  # in mid-stream: the connection is cut, what was sent is not whole
            scope["state"]["noted"]["failed"] = error.message
            raise
        except Exception:
            _log.exception("request %s: a fault of the service", seen.id)
            if seen.status:
                raise
            text = f"the service has a fault; its log has more, under {seen.id}\n"
            await PlainTextResponse(text, 500)(scope, receive, seen)
        finally:
            seen.note(body.bytes)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = _name(f"//{headers.get('host', '')}")
        if not (self._any_host or host in self._hosts):
            text = f"this service is not called {host[:80]!r}; --base-url names it\n"
            return PlainTextResponse(text, 421)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            allowed = {"access-control-allow-methods": "GET, HEAD", "access-control-max-age": "600"}
            return PlainTextResponse("", 204, {**_CORS, **allowed})
        if scope["method"] not in _SAFE and self._is_foreign(headers):
            return PlainTextResponse(
                "requests that change something are not taken from pages of other origins\n", 403
            )
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._most:
            return PlainTextResponse(_too_large(self._most) + "\n", 413, _LAST)
        return None

    def _is_foreign(self, headers: Headers) -> bool:
        """Whether a browser says that the page is another one's; other clients say nothing."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        with contextlib.suppress(ValueError):
            place = urlsplit(origin).netloc.lower()  # empty: "null", of a page that hides its own
            return not place or place not in (headers.get("host", "").lower(), self._own)
        return True


def _name(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _too_large(most: int) -> str:
    return f"the body of a request has at most {most:,} bytes"


class _Body:
    """Counts what comes in, and does not wait for ever."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most = receive, most
        self._began = time.monotonic()
        self._is_whole = False
        self.bytes = 0

    async def __call__(self) -> Message:
        message = await (self._receive() if self._is_whole else self._sent_in_time())
        self.bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self.bytes > self._most:
            raise HTTPException(413, _too_large(self._most), _LAST)
        return message

    async def _sent_in_time(self) -> Message:
        until = self._began + _SLOWEST_SECONDS + self.bytes / _SLOWEST
        try:
            return await asyncio.wait_for(self._receive(), until - time.monotonic())
        except TimeoutError:
            text = f"the body of a request comes with at least {_SLOWEST:,} bytes a second"
            raise HTTPException(408, text, _LAST) from None


class _Seen:
    """Sends an answer with the headers that each has, and notes what was sent."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._began = time.perf_counter()
        self.id = secrets.token_hex(8)
        self.status = 0
        self._sent = 0
        scope.setdefault("state", {})["request_id"] = self.id
        scope["state"]["noted"] = {}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in {**_SECURITY, **self._cors()}.items():
                headers.setdefault(name, value)
            headers["x-request-id"] = self.id
        elif message["type"] == "http.response.body":
            self._sent += len(message.get("body", b""))
        await self._send(message)

    def _cors(self) -> dict[str, str]:
        return _CORS if self._scope["method"] in _SAFE else {}

    def note(self, received: int) -> None:
        """Write the line of the log; parameters are left out, they may hold what is private."""
        with contextlib.suppress(TypeError, ValueError):
            line = {
                "id": self.id,
                "method": self._scope["method"],
                "path": self._scope["path"],
                "status": self.status or 499,
                "received": received,
                "sent": self._sent,
                "seconds": round(time.perf_counter() - self._began, 4),
                **self._scope["state"]["noted"],
            }
            access_log.info(json.dumps(line))
