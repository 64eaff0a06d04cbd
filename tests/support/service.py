"""What the fake services of AWS have in common: every request recorded and looked at, answered as
the real one would or, where a script says so, badly.

An entry of `script` is used up by one request: a function of the visit as in invoke_endpoint.py, or
`None` for the right answer; `default` is for all that come after."""

import json
import ssl
import threading
import types

from support import invoke_endpoint as peer
from support.invoke_endpoint import Visit
from support.wire import PATIENCE, Gone, Server, Wire, chunked, eventually, head_problems, response

HUGE = 8 << 20


class Service(Server):
    """Subclasses say what is right: `answer(request)` returns a status, a body and fields."""

    content_type = "application/json"
    keep_alive = True

    def __init__(
        self, tls=None, script=(), default=None, name="127.0.0.1", authority=None, base_path="",
        **options,
    ):
        self.tls, self.base_path = tls, base_path
        self.script, self.default = list(script), default
        self.requests = []
        self.connections = self.at_once = self.most_at_once = 0
        self.counting = threading.Lock()
        super().__init__(**options)
        self.url = f"{'https' if tls else 'http'}://{name}:{self.port}{base_path}"
        self.authority = authority or f"{name}:{self.port}"

    def serve(self, sock):
        self.connections += 1
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except (OSError, ssl.SSLError) as fault:
                raise Gone from fault
            self.socks.append(sock)
        link = types.SimpleNamespace(wire=Wire(sock))
        try:
            while True:
                request = link.wire.read_request()
                with self.counting:
                    self.requests.append(request)
                    act = self.script.pop(0) if self.script else self.default
                    self.at_once += 1
                    self.most_at_once = max(self.most_at_once, self.at_once)
                visit = Visit(self, link, request)
                try:
                    self.examine(request)
                    (act or self.behave)(visit)
                finally:
                    self.leave(visit)
        finally:
            sock.close()

    def leave(self, visit):
        """The visit does not count any more; called before its answer is sent, for the next one may
        come at once."""
        with self.counting:
            self.at_once -= not visit.over
            visit.over = True

    def complain(self, request, text):
        self.problems.append(f"{type(self).__name__}: {request.method} {request.target}: {text}")

    def examine(self, request):
        for problem in head_problems(request.head):
            self.complain(request, problem)
        if request.header("host") != self.authority:
            self.complain(request, f"Host is {request.header('host')}, not {self.authority}")
        if request.method in ("POST", "PUT") and request.header("content-length") != str(
            len(request.body)
        ):
            self.complain(request, "no Content-Length")

    def behave(self, visit):
        status, body, fields = self.answer(visit.request)
        if isinstance(body, dict):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        fields = [("Content-Type", self.content_type), *fields]
        if not self.keep_alive:
            fields.append(("Connection", "close"))
        self.leave(visit)
        visit.wire.send(response(status, body, fields))
        if not self.keep_alive:
            visit.wire.close()

    def answer(self, request):
        raise NotImplementedError

    def wait(self, count=1, timeout=PATIENCE):
        assert eventually(
            lambda: len(self.requests) >= count, timeout
        ), f"{len(self.requests)} requests came, not {count}"
        return self.requests


def says(status, body=b"", kind="application/json", fields=()):
    """This answer, whatever was asked."""
    if isinstance(body, dict):
        body = json.dumps(body)
    body = body.encode() if isinstance(body, str) else body
    return peer.raw(response(status, body, [("Content-Type", kind), *fields]), then="keep")


def endless(visit):
    """A body that never ends, in chunks."""
    visit.wire.send(
        response(
            200, b"", [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")],
            length=False,
        )
    )
    while not visit.endpoint.stopping.is_set():
        visit.wire.send(chunked(b"a" * 65536, 65536)[: -len(b"0\r\n\r\n")])


HTML = (
    b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Accept the terms of this"
    b" hotel.</body></html>\n"
)

# What goes wrong with any server.
FAULTS = {
    "silent": peer.hang,
    "closed": peer.close,
    "reset": peer.reset,
    "cut-in-head": peer.raw(b"HTTP/1.1 200 OK\r\nContent-Type: applic"),
    "cut-in-body": peer.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"AccessKeyId":"ASIA'),
    "not-http": peer.raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
    "html": says(200, HTML, "text/html"),
    "html-503": says(503, HTML, "text/html"),
    "redirect": says(302, b"", fields=[("Location", "http://127.0.0.1:1/")]),
    "empty": says(200),
    "no-content": peer.raw(response(204, length=False), then="keep"),
    "null": says(200, "null"),
    "array": says(200, "[]"),
    "cut-json": says(200, '{"AccessKeyId":"ASIA'),
    "huge": says(200, b'{"AccessKeyId":"' + b"A" * HUGE + b'"}'),
    "huge-length": peer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}"),
    "endless": endless,
    "400": says(400, {"code": "BadRequest", "message": "no"}),
    "403": says(403, {"code": "Forbidden", "message": "no"}),
    "404": says(404, {"code": "NotFound", "message": "no"}),
    "500": says(500, {"code": "InternalError", "message": "no"}),
}
