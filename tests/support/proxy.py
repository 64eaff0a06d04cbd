"""The way out: a packaged HTTP proxy as companies run it, and one of the tests' own that does what
it is told.

What the latter does with a request is a function `act(visit)`, as with the Invoke endpoint."""

import base64
import select
import socket
import subprocess

from support.listener import free_port
from support.wire import PATIENCE, Gone, Server, Wire, eventually

USER, PASSWORD = "corp%user", "p@ss: w/rd?7391"


def in_url(user=USER, password=PASSWORD):
    """The credentials as they stand in HTTPS_PROXY."""
    return (
        "".join(f"%{byte:02x}" if not chr(byte).isalnum() else chr(byte) for byte in user.encode())
        + ":"
        + "".join(
            f"%{byte:02X}" if not chr(byte).isalnum() else chr(byte) for byte in password.encode()
        )
    )


def basic(user=USER, password=PASSWORD):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# What must not show in any log.
SECRETS = [PASSWORD, in_url(), in_url().split(":")[1], basic().split()[1]]


class Visit:
    def __init__(self, proxy, wire, request):
        self.proxy, self.wire, self.request = proxy, wire, request


# ---- what to do with a request -------------------------------------------------------------------


def tunnel(
    head=b"HTTP/1.1 200 Connection established\r\n\r\n", at_once=None, pause=0.0, behind=b""
):
    """Connects on. The answer goes out `at_once` bytes a segment, and `behind` is sent with its
    end."""

    def act(visit):
        upstream = visit.proxy.connect(visit.request.target)
        if at_once:
            visit.wire.drip(head, pause, at_once)
            visit.wire.send(behind)
        else:
            visit.wire.send(head + behind)
        carry(visit.wire.sock, upstream, visit.wire.buffer)
        raise Gone

    return act


def carry(a, b, data):
    """Everything in both directions until one side ends."""
    b.sendall(data)
    poller = select.poll()
    other = {a.fileno(): (a, b), b.fileno(): (b, a)}
    for fd in other:
        poller.register(fd, select.POLLIN)
    while True:
        for fd, _ in poller.poll():
            source, sink = other[fd]
            data = source.recv(65536)
            if not data:
                sink.close()
                raise Gone
            sink.sendall(data)


def says(data, then="close"):
    """Exactly these bytes; then "close", "reset" or "hang"."""

    def act(visit):
        visit.wire.send(data)
        if then == "hang":
            visit.proxy.stopping.wait()
        elif then == "reset":
            visit.wire.reset()
        visit.wire.close()

    return act


def refuses(status, body=b"<html><body>Access denied</body></html>"):
    return says(
        b"HTTP/1.1 %d Some Reason\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
    )


def hang(visit):
    visit.proxy.stopping.wait()


def slowly(data, pause):
    def act(visit):
        visit.wire.drip(data, pause)

    return act


def without_end(visit):
    """A head that goes on and on."""
    visit.wire.send(b"HTTP/1.1 200 OK\r\n")
    while not visit.proxy.stopping.is_set():
        visit.wire.send(
            b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
        )


def plainly(visit):
    """A request in absolute form goes on in origin form, its answer comes back."""
    scheme, _, rest = visit.request.target.partition("://")
    authority, slash, path = rest.partition("/")
    if scheme != "http" or visit.request.header("host") != authority:
        visit.proxy.problems.append(
            f"proxy: {visit.request.method} {visit.request.target} for "
            f"{visit.request.header('host')}"
        )
    upstream = visit.proxy.connect(authority)
    fields = b"".join(
        f"{name}: {value}\r\n".encode("latin-1")
        for name, value in visit.request.fields
        if name.lower() != "proxy-authorization"
    )
    head = f"{visit.request.method} {slash}{path} HTTP/1.1\r\n".encode() + fields + b"\r\n"
    carry(visit.wire.sock, upstream, head + visit.request.body)


class FakeProxy(Server):
    """Whatever it is to connect to, it connects to a port of 127.0.0.1 with the same number, as if
    it knew the names.

    `act` is what it does; `requests` are all that came. With `user` it asks for `USER` and
    `PASSWORD`. With `tls`, a context, it is spoken to in TLS; `links` counts the connections whose
    handshake went well."""

    def __init__(self, act=None, user=False, tls=None, **options):
        self.act = act
        self.user = user
        self.tls = tls
        self.links = 0
        self.requests = []
        super().__init__(**options)
        self.authority = f"127.0.0.1:{self.port}"
        scheme = "https" if tls else "http"
        self.url = (
            f"{scheme}://{in_url()}@{self.authority}" if user else f"{scheme}://{self.authority}"
        )

    @property
    def asked(self):
        """The request lines that came."""
        return [f"{request.method} {request.target}" for request in self.requests]

    def connect(self, authority):
        port = int(authority.rpartition(":")[2])
        upstream = socket.create_connection(("127.0.0.1", port), PATIENCE)
        upstream.settimeout(None)
        with self.lock:
            self.socks.append(upstream)
        return upstream

    def serve(self, sock):
        if self.tls:
            sock = self.tls.wrap_socket(sock, server_side=True)
            with self.lock:
                self.socks.append(sock)
        self.links += 1
        wire = Wire(sock)
        request = wire.read_request()
        self.requests.append(request)
        if request.method == "CONNECT":
            self.examine(request)
        act = self.act or (tunnel() if request.method == "CONNECT" else plainly)
        if self.user and request.header("proxy-authorization") != basic():
            act = refuses(407)
        act(Visit(self, wire, request))

    def examine(self, request):
        names = [name.lower() for name, _ in request.fields]
        if names != ["host"] + ["proxy-authorization"] * self.user or request.version != "HTTP/1.1":
            self.problems.append(f"proxy: CONNECT with {names}, {request.version}")
        if request.header("host") != request.target:
            self.problems.append(f"proxy: CONNECT {request.target} for {request.header('host')}")


class Tinyproxy:
    """https://tinyproxy.github.io, with a configuration of its own, on a free port."""

    def __init__(self, folder, user=True):
        self.folder = folder
        self.port = free_port()
        self.problems = []
        self.authority = f"127.0.0.1:{self.port}"
        self.url = f"http://{in_url('corp', 'secret7391')}@{self.authority}"
        configuration = folder / "tinyproxy.conf"
        self.log = folder / "tinyproxy.log"
        lines = [
            f"Port {self.port}", "Listen 127.0.0.1", "Timeout 60", "MaxClients 20",
            f'LogFile "{self.log}"', "LogLevel Info",
        ]
        if user:
            lines.append("BasicAuth corp secret7391")
        configuration.write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            ["tinyproxy", "-d", "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if not eventually(self.listens):
            self.stop()
            raise AssertionError(f"tinyproxy does not listen: {self.said()}")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
        except OSError:
            return False
        return True

    def said(self):
        return self.log.read_text() if self.log.exists() else ""

    def count(self, what):
        """How often its log tells of a request such as "CONNECT host:port"."""
        return self.said().count(f": {what} HTTP/1.1")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
