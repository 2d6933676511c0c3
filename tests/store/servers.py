"""An S3 server of our own, and a proxy before it that counts, and can lose an answer."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest


@contextlib.contextmanager
def s3_server() -> Iterator[dict[str, Any]]:
    """Yield the options with which s3fs reaches a server that has the bucket ``surveys``."""
    s3fs = pytest.importorskip("s3fs")
    pytest.importorskip("flask", reason="moto[server] is not installed")
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    reset = (
        f"http://127.0.0.1:{port}/moto-api/reset"  # all servers of a process share their objects
    )
    urllib.request.urlopen(urllib.request.Request(reset, method="POST")).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        options = options_at(port)
        s3fs.S3FileSystem(**options).mkdir("surveys")
        yield options
    server.stop()


def options_at(port: int) -> dict[str, Any]:
    """Return the options with which s3fs reaches a server of this machine."""
    return {"key": "any", "secret": "any", "endpoint_url": f"http://127.0.0.1:{port}"}


class Proxy(http.server.BaseHTTPRequestHandler):
    """Hands requests on; class attributes: where to, which PUTs came, and which answer is lost."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    port: int
    puts: list[str]
    lose: list[str]
    """Ends of paths: the next answer to a PUT of each is swallowed."""

    def hand_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if self.command == "PUT":
            self.puts.append(path)
        server = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {key: value for key, value in self.headers.items() if key != "Expect"}
        server.request(self.command, self.path, content, headers)
        answer = server.getresponse()
        body = answer.read()
        server.close()
        for end in self.lose if self.command == "PUT" else []:
            if path.endswith(end):
                self.lose.remove(end)
                self.close_connection = True
                return
        self.send_response_only(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(key, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(body)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = hand_on  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def proxy_before(options: dict[str, Any]) -> Iterator[tuple[dict[str, Any], type[Proxy]]]:
    """Yield the options with which s3fs reaches the server through a proxy, and the proxy."""
    port = int(options["endpoint_url"].rpartition(":")[2])
    handler = type("OneProxy", (Proxy,), {"port": port, "puts": [], "lose": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield options_at(server.server_port), handler
    server.shutdown()
    server.server_close()
