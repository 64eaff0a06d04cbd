"""The program as a listener: how a test starts `serve`, and the clients that talk to it, well or
badly."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import time
from collections import namedtuple
from pathlib import Path

import pytest

from support import signatures, slack
from support.process import Process
from support.wire import PATIENCE, Wire, eventually

DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\Z")
REASONS = {
    200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 413: "Content Too Large", 417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip

Answer = namedtuple("Answer", "status headers body")


def wire_form(request, http="1.1", close=False, fields=(), body=True):
    """A SlackRequest as bytes. `body=False` leaves it for later."""
    lines = [
        f"{request.method} {request.path}{'?' if request.query else ''}{request.query} HTTP/{http}"
    ]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body or request.method == "POST":
        lines.append(f"Content-Length: {len(request.body)}")
    if close:
        lines.append("Connection: close")
    lines += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (request.body if body else b"")


def get(path="/healthz", http="1.1", fields=(), method="GET"):
    lines = [f"{method} {path} HTTP/{http}", "Host: example.test", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


class Client(Wire):
    """One connection. What it reads must be a response as this program makes them, byte for byte in
    form."""

    def __init__(self, address, timeout=PATIENCE, receive_buffer=None, send_buffer=None):
        family = (
            socket.AF_UNIX
            if isinstance(address, str)
            else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        )
        sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if send_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        sock.settimeout(timeout)
        sock.connect(address)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def answer(self, to_head=False):
        head = self.read_head().decode("latin-1")
        line, *fields = head.split("\r\n")
        version, status, reason = line.split(" ", 2)
        status = int(status)
        assert version == "HTTP/1.1" and reason == REASONS.get(status, reason), line
        headers = {}
        for field in fields:
            name, value = field.split(": ", 1)
            assert name.lower() not in headers and value == value.strip() and value, field
            headers[name.lower()] = value
        assert {name for name in headers if not name.startswith("x-other")} <= {
            "date", "content-type", "content-length", "connection", "allow", "retry-after",
            "x-slack-no-retry",
        }, headers
        assert "date" not in headers or DATE.match(headers["date"]), headers
        assert headers["connection"] in ("keep-alive", "close"), headers
        return Answer(
            status, headers,
            b"" if to_head or status == 204 else self.read(int(headers["content-length"])),
        )

    def ask(self, data):
        """Sends a request (bytes or a SlackRequest) and reads its answer."""
        if not isinstance(data, bytes):
            data = wire_form(data)
        self.send(data)
        return self.answer(to_head=data.startswith(b"HEAD "))

    def end(self):
        """How the other side ended the connection, and that it sent nothing before: "closed" or
        "reset"."""
        try:
            data = self.buffer or self.sock.recv(65536)
        except ConnectionResetError:
            return "reset"
        assert data == b"", f"there was more: {data[:200]!r}"
        return "closed"

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)


class Served(Process):
    """The process of a listener. Functions of its backend live in groups of their own: they are
    ended with it."""

    def close(self):
        children = children_of(self.pid) if self.alive else []
        problems = super().close()
        for child in children:
            try:
                os.killpg(child, signal.SIGKILL)
            except OSError:
                pass
        return problems

    def terminate(self, how=signal.SIGTERM):
        self.process.send_signal(how)


class Listener:
    """A started listener. `address` is where requests go, `metrics_address` where metrics are."""

    def __init__(self, process, endpoint=None, hooks=None, functions=None):
        self.process, self.endpoint, self.hooks, self.functions = (
            process, endpoint, hooks, functions,
        )
        self.quiet = False
        self.address = self.metrics_address = None

    def wait(self, timeout=PATIENCE):
        """Until it listens, or has ended."""
        if self.quiet:
            assert eventually(
                self.reachable, timeout
            ), f"it does not listen; log: {self.process.lines}"
            return self
        eventually(lambda: not self.process.alive or self.listening(), timeout)
        assert self.listening(), f"it does not listen; log: {self.process.lines}"
        return self

    def listening(self):
        for line in self.process.lines:
            if line["message"] == "listening":
                if line["for"] == "metrics":
                    self.metrics_address = parse_address(line["address"])
                elif line["for"] == "requests":
                    self.address = parse_address(line["address"])
        wanted = "--metrics-listen" in self.process.process.args
        return self.address and (self.metrics_address or not wanted)

    def reachable(self):
        try:
            self.connect().sock.close()
        except OSError:
            return False
        return True

    def connect(self, **options):
        return Client(self.address, **options)

    def ask(self, request, **options):
        """The answer to one request on a connection of its own."""
        data = request if isinstance(request, bytes) else wire_form(request, close=True, **options)
        if not isinstance(request, bytes):
            self.process.forbidden.append(request.signature or "\0")
        with self.connect() as client:
            return client.ask(data)

    def text(self, request, final=True, **options):
        """The text that a slash command's user sees; with `final=False` the one that is the answer,
        however busy this machine is."""
        with self.process.final() as outcome:
            text = command_text(self.ask(request, **options))
            return outcome(text) if final else text

    def requests(self, **having):
        """The access lines that have these members."""
        lines = [line for line in self.process.lines if line["message"] == "request"]
        return [line for line in lines if having.items() <= line.items()]

    def wait_for_requests(self, count, **having):
        assert eventually(
            lambda: len(self.requests(**having)) >= count
        ), f"{self.requests(**having)}"
        return self.requests(**having)

    def metrics(self):
        with Client(self.metrics_address) as client:
            return client.ask(get("/metrics"))

    def rss_kib(self):
        return int(status_of(self.process.pid)["VmRSS"].split()[0])

    def rss_below(self, kib):
        """Any is, under a sanitizer: that has memory of its own for each byte of the program's, so
        the rest of a test counts."""
        return "SANITIZER" in os.environ or self.rss_kib() < kib

    def cpu_s(self):
        """Processor time it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def loop_cpu_ms(self):
        """The same of the thread that serves all connections."""
        return thread_cpu_ms(self.process.pid)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self, timeout=PATIENCE):
        """Ends it as a service manager does; its exit code."""
        self.process.terminate()
        return self.process.wait_exit(timeout)


def parse_address(text):
    if text.startswith("unix:"):
        return text[5:]
    host, _, port = text.rpartition(":")
    return {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]")), int(port)


PORT_PARTS = 16


def free_port():
    """None that the kernel gives to a connection or a server of another test: those are above. The
    tests that run beside each other take them from different parts."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % PORT_PARTS
    while True:
        port = 10000 + random.randrange(22768 // PORT_PARTS) * PORT_PARTS + worker
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


def thread_cpu_ms(pid):
    """Processor time of the first thread of a process; the clock of /proc/PID/stat has ticks of 10
    ms."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e6


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def children_of(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            if int(stat[1]) == pid:
                found.append(int(entry))
    return found


def command_text(answer, kind="ephemeral"):
    """The text of an answer to a slash command, whose form must be right."""
    assert answer.status == 200 and answer.headers["content-type"] == "application/json", answer
    message = json.loads(answer.body)
    assert list(message) == ["response_type", "text"] and message["response_type"] == kind, message
    return message["text"]


class Functions:
    """A directory of the embedded backend."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o755)

    def add(self, name, text, mode=0o755, shebang="#!/bin/sh\n"):
        path = self.folder / name
        path.write_text(shebang + text)
        path.chmod(mode)
        return path

    def read(self, name, timeout=PATIENCE):
        """The contents of a file that a function writes there, once it ends with a line feed."""
        path = self.folder / name
        assert eventually(
            lambda: path.exists() and path.read_bytes().endswith(b"\n"), timeout
        ), f"no {name}"
        return path.read_text()


def environment(endpoint=None, hooks=None, **changes):
    """The least that a listener needs. None takes a variable away."""
    env = {
        "PATH": "/usr/bin:/bin", "SLACK_SIGNING_SECRET": slack.SECRET,
        **signatures.Keys().environment(),
    }
    env["AWS_EC2_METADATA_DISABLED"] = "true"  # those of the machine that the tests run on
    if endpoint:
        env["AWS_ENDPOINT_URL_LAMBDA"] = endpoint.url
    if hooks:
        env["GATEWAY_RESPONSE_HOSTS"] = hooks.origin
    env.update(changes)
    return {name: value for name, value in env.items() if value is not None}


class Serve:
    """serve(ARGUMENT..., VARIABLE=...) starts a listener on a free port of 127.0.0.1.

    `functions=True` gives it an embedded backend; `hooks` is where response_urls point; with
    `quiet` it logs errors only."""

    def __init__(self, make):
        self.make = make

    def __call__(
        self,
        *args,
        endpoint=None,
        hooks=None,
        functions=False,
        metrics=False,
        listen="127.0.0.1:0",
        wait=True,
        quiet=False,
        wrapper=(),
        options=None,
        **env,
    ):
        if quiet:
            listen = f"127.0.0.1:{free_port()}" if listen == "127.0.0.1:0" else listen
            env["GATEWAY_LOG_LEVEL"] = "error"
        where = Functions(self.make.folder / "functions") if functions else None
        env = environment(endpoint, hooks, **env)
        if endpoint is not None and endpoint.tls:
            env["AWS_CA_BUNDLE"] = self.make.pki.bundle()
        arguments = ["serve", *args]
        if listen:
            arguments += ["--listen", listen]
        if functions:
            arguments += ["--functions", str(where.folder)]
        if metrics:
            arguments += ["--metrics-listen", "127.0.0.1:0"]
        hidden = [
            env.get("AWS_SECRET_ACCESS_KEY"), env.get("AWS_SESSION_TOKEN"),
            *slack.literals(env.get("SLACK_SIGNING_SECRET", "")),
        ]
        folder = self.make.folder / "task"
        process = Served(
            folder, env, args=arguments, wrapper=wrapper, forbidden=hidden, **(options or {})
        )
        listener = Listener(self.make.keep(process), endpoint, hooks, where)
        if quiet:
            listener.quiet, listener.address = True, parse_address(listen)
        return listener.wait() if wait else listener


@pytest.fixture
def serve(make):
    return Serve(make)


@pytest.fixture(scope="module")
def serve_once(request, tmp_path_factory, pki):
    """The same for what a module's tests share."""
    from conftest import Maker

    return Serve(Maker(request, tmp_path_factory.mktemp("shared"), pki))


def way_back(hooks, number=1):
    """A response_url of its own for one request, in the form of Slack's."""
    return hooks.url(f"/commands/T1DC2JH3J/{number}/96rGlfmibIGlgcZRskXaIFfN")


def at(moment):
    """Sleeps until a moment of the monotonic clock."""
    time.sleep(max(0.0, moment - time.monotonic()))
