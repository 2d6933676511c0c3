"""A service that runs: in the foreground for the command line, in a thread for a notebook."""

from __future__ import annotations

import importlib.util
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from skyseries.errors import InputError, MissingDependencyError, SkyseriesError
from skyseries.server.logs import log_as_json
from skyseries.server.settings import Settings, make_settings

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Service", "run", "serve"]

_HERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}  # noqa: S104 - these are looked up
"""How this machine calls itself where it listens at an address."""
_LIBRARIES = ("httptools", "lxml", "python_multipart", "starlette", "uvicorn")
_STOP_SECONDS = 10
"""What is under way when the service ends has so long to end too."""


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    InputError
        If it cannot listen at its address.
    SkyseriesError
        If what is served cannot be opened, and the like.
    """
    _find_libraries()
    log_as_json()
    with _listening(settings) as listener:
        app = _Application(replace(settings, port=listener.getsockname()[1]))
        _run(_server(settings, app), app, listener)


class Service:
    """A service of this process; made by `skyseries.serve`, and ended with `stop` or with it."""

    def __init__(self, settings: Settings) -> None:
        _find_libraries()
        self._listener = _listening(settings)
        self._host = _HERE.get(settings.host, settings.host)
        self.port: int = self._listener.getsockname()[1]
        self._app = _Application(replace(settings, port=self.port))
        self._server = _server(settings, self._app)
        self._thread = threading.Thread(target=self._run, name="skyseries-serve", daemon=True)
        self._failures: list[BaseException] = []
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.05)
        if self._failures:
            self.stop()
            raise self._failures[0]

    def _run(self) -> None:
        try:
            _run(self._server, self._app, self._listener)
        except BaseException as error:
            self._failures.append(error)

    @property
    def url(self) -> str:
        """Of the landing page; ``url + "/tap"`` is that of TAP."""
        return f"http://{self._host}:{self.port}"

    def stop(self) -> None:
        """End the service; what runs is ended too."""
        self._server.should_exit = True
        self._thread.join(2 * _STOP_SECONDS)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Service({self.url})"


def serve(catalogs: Any, *, port: int = 0, **options: Any) -> Service:
    """Serve catalogs to this machine, from a notebook or a script.

    Parameters
    ----------
    catalogs : Catalog, table, path, or mapping of names to such
        As for `skyseries.sql`; one without a name is called as it is itself.
    port : int
        0: a free one.
    **options
        Settings of ``skyseries serve``: ``workers=2``, ``memory="4GB"``, ``title=...``.

    Returns
    -------
    Service
        With its `url`; it ends with `stop`, at the end of a ``with`` block, or with this process.

    Raises
    ------
    InputError
        If something is no catalog, or an option is none.
    """
    from skyseries.server.kept import kept

    named = catalogs if isinstance(catalogs, Mapping) else {"": catalogs}
    settings = make_settings((), {**options, "port": port or None}, os.environ)
    return Service(replace(settings, port=port, served=kept(named)))


def _find_libraries() -> None:
    """Raise MissingDependencyError if there is not what the extra ``server`` brings."""
    for library in _LIBRARIES:
        if importlib.util.find_spec(library) is None:
            raise MissingDependencyError(library.replace("_", "-"), "server")


class _Application:
    """The application, and why it could not start, which uvicorn only puts into its log."""

    def __init__(self, settings: Settings) -> None:
        from skyseries.server.web.app import make_app

        self._app: ASGIApp = make_app(settings)
        self.failure: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        has_failed = False

        async def tell(message: Message) -> None:
            nonlocal has_failed
            has_failed = message["type"] == "lifespan.startup.failed"
            await send({"type": message["type"]} if has_failed else message)

        try:
            await self._app(scope, receive, tell)
        except Exception as error:
            if not has_failed:
                raise
            self.failure = error


def _run(server: uvicorn.Server, app: _Application, listener: socket.socket) -> None:
    try:
        server.run([listener])
    except SystemExit:  # so it says that it could not start
        if server.started:
            raise
    if not server.started:
        raise app.failure or SkyseriesError("the service could not start; see its log")


def _server(settings: Settings, app: _Application) -> uvicorn.Server:
    import uvicorn

    from skyseries.server.connection import connection_of

    config = uvicorn.Config(
        app,
        http=connection_of(settings.limits),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.base_url),
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    return uvicorn.Server(config)


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio turns Nagle's delay of 40 ms off only where the protocol is named
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen at {settings.host}:{settings.port}: {error.strerror}; --port takes "
            "another one, 0 a free one"
        ) from error
    return listener
