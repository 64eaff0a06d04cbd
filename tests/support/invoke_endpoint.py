"""A Lambda Invoke endpoint, in plain or over TLS, that checks every request and answers as it is
told.

What it does with a request is a function `act(visit)`; the ones below make them. A script is a list
of them, used up in order over all connections; `default` answers what comes after. What it does
with a connection before the first request is a function too (`at_accept`), by the number of the
connection."""

import json
import re
import socket
import ssl
import time
import uuid

from support import signatures
from support.wire import PATIENCE, Gone, Server, Wire, eventually, head_problems, response

PATH = re.compile(
    r"(?P<base>/.*)?/2015-03-31/functions/(?P<function>(?:[A-Za-z0-9._~-]|"
    r"%[0-9A-F]{2})+)/invocations\Z"
)


class Visit:
    """A request and the connection that it came on."""

    def __init__(self, endpoint, link, request):
        self.endpoint, self.link, self.request = endpoint, link, request
        self.wire = link.wire
        self.over = False


class Link:
    """A connection as the endpoint saw it."""

    def __init__(self, number):
        self.number = number
        self.opened = time.monotonic()
        self.handshake = None  # moment when TLS was ready
        self.fault = None  # why TLS never was
        self.resumed = False
        self.version = self.cipher = self.server_name = None
        self.requests = []
        self.wire = None
        self.ended = False


# ---- what to do with a request -------------------------------------------------------------------


def accepted(request_id=None, fields=()):
    """202, as for an invocation of type Event."""

    def act(visit):
        own = request_id or str(uuid.uuid4())
        visit.wire.send(
            response(
                202,
                b"",
                [("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())),
                    ("x-amzn-RequestId", own), *fields],
            )
        )

    return act


def failed(status, name, message, key="Message", fields=(), **members):
    """An error as AWS words it: its name in a header, its text in the body."""

    def act(visit):
        body = json.dumps({"Type": "User", key: message, **members}).encode()
        visit.wire.send(
            response(
                status,
                body,
                [
                    ("Content-Type", "application/json"),
                    ("x-amzn-ErrorType", name),
                    ("x-amzn-RequestId", str(uuid.uuid4())),
                    *fields,
                ],
            )
        )

    return act


def raw(data, then="close"):
    """Exactly these bytes; then "close", "reset", "hang" or "keep"."""

    def act(visit):
        visit.wire.send(data)
        ending(then, visit)

    return act


def drip(data, pause=0.0, then="keep"):
    def act(visit):
        visit.wire.drip(data, pause)
        ending(then, visit)

    return act


def endless(start, piece):
    """`start`, then `piece` again and again until the peer has had enough."""

    def act(visit):
        visit.wire.send(start)
        while not visit.endpoint.stopping.is_set():
            visit.wire.send(piece)

    return act


def ending(then, visit):
    if then == "close":
        visit.wire.close()
    elif then == "reset":
        visit.wire.reset()
    elif then == "hang":
        visit.endpoint.stopping.wait()
        raise Gone


def hang(visit):
    ending("hang", visit)


def close(visit):
    visit.wire.close()


def reset(visit):
    visit.wire.reset()


def close_notify(act):
    """Like `act`, then the end of the connection in good order."""

    def whole(visit):
        act(visit)
        try:
            visit.wire.sock.settimeout(0.2)
            visit.wire.sock.unwrap()
        except (OSError, AttributeError):
            pass
        visit.wire.close()

    return whole


def later(gate, act):
    """`act`, as soon as the threading.Event `gate` is set."""

    def whole(visit):
        while not gate.wait(0.02):
            if visit.endpoint.stopping.is_set():
                raise Gone
        act(visit)

    return whole


def after(seconds, act):
    def whole(visit):
        time.sleep(seconds)
        act(visit)

    return whole


def closing(act):
    """`act`, then the end of the connection, as when the peer was frozen for long."""

    def whole(visit):
        act(visit)
        time.sleep(0.02)
        visit.wire.close()

    return whole


# ---- what to do with a connection before there is a request --------------------------------------


def refuse_with(data):
    """These bytes in answer to the first that the client sends."""

    def act(wire, endpoint):
        wire.fill()
        wire.send(data)
        wire.close()

    return act


def never_handshake(wire, endpoint):
    endpoint.stopping.wait()
    raise Gone


def handshake_after(gate):
    def act(wire, endpoint):
        while not gate.wait(0.02):
            if endpoint.stopping.is_set():
                raise Gone

    return act


def close_at_once(wire, endpoint):
    wire.close()


def reset_at_once(wire, endpoint):
    wire.reset()


def close_after_hello(wire, endpoint):
    wire.fill()
    wire.close()


class InvokeEndpoint(Server):
    """`requests` are all that came; `links` all connections; `started` the requests that were
    answered with 202."""

    def __init__(
        self,
        tls=None,
        script=(),
        default=None,
        at_accept=None,
        at_head=None,
        keys=None,
        region="eu-west-1",
        base_path="",
        name="127.0.0.1",
        check=True,
        clock_offset=0,
        **options,
    ):
        self.tls = tls
        self.script = list(script)
        self.default = default or accepted()
        self.at_accept = at_accept or {}
        self.at_head = at_head
        self.keys = keys or signatures.Keys()
        self.region = region
        self.base_path = base_path
        self.check = check
        self.clock_offset = clock_offset
        self.links = []
        self.requests = []
        super().__init__(**options)
        self.url = f"{'https' if tls else 'http'}://{name}:{self.port}{base_path}"
        self.authority = f"{name}:{self.port}"

    # ---- what a test asks ------------------------------------------------------------------------

    def wait_for_requests(self, count, timeout=PATIENCE):
        assert eventually(
            lambda: len(self.requests) >= count, timeout
        ), f"{len(self.requests)} requests came, not {count}"
        return self.requests[:count]

    @property
    def only(self):
        """The one request that was to come."""
        assert len(self.requests) == 1, f"{len(self.requests)} requests came"
        return self.requests[0]

    @property
    def functions(self):
        return [function_of(request) for request in self.requests]

    def drop_kept(self):
        """Ends all connections that are open, as a peer does while the sandbox is frozen."""
        for link in list(self.links):
            if link.wire and not link.ended:
                link.ended = True
                try:
                    # Closing is for the thread that reads there: the number would be another
                    # socket's at once.
                    link.wire.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    # ---- what a client sees ----------------------------------------------------------------------

    def serve(self, sock):
        with self.lock:
            link = Link(len(self.links))
            self.links.append(link)
        behave = self.at_accept.get(link.number, self.at_accept.get("all"))
        if behave:
            behave(Wire(sock), self)
        if self.tls:
            sock = self.handshake(sock, link)
        link.wire = Wire(sock)
        try:
            while True:
                before_body = self.at_head and (
                    lambda request: self.at_head(Visit(self, link, request))
                )
                request = link.wire.read_request(before_body)
                with self.lock:
                    number = len(self.requests)
                    self.requests.append(request)
                    link.requests.append(request)
                    act = self.script.pop(0) if self.script else self.default
                if self.check:
                    self.examine(request, number)
                act(Visit(self, link, request))
        finally:
            link.ended = True
            sock.close()

    def handshake(self, sock, link):
        try:
            sock = self.tls.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError) as fault:
            link.fault = str(fault)
            raise Gone from fault
        with self.lock:
            self.socks.append(sock)
        link.handshake = time.monotonic()
        link.version, link.cipher, link.resumed = (
            sock.version(), sock.cipher()[0], sock.session_reused,
        )
        return sock

    def examine(self, request, number):
        wrong = head_problems(request.head)
        match = PATH.match(request.target)
        if request.method != "POST" or not match or (match["base"] or "") != self.base_path:
            wrong.append(f"{request.method} {request.target}")
        if request.header("host") != self.authority:
            wrong.append(f"Host is {request.header('host')}")
        if request.header("content-length") != str(len(request.body)):
            wrong.append("no Content-Length")
        for name in ("expect", "cookie", "x-amz-log-type", "referer", "upgrade"):
            if request.values(name):
                wrong.append(f"{name} was sent")
        if request.header("x-amz-invocation-type") != "Event":
            wrong.append(f"X-Amz-Invocation-Type is {request.header('x-amz-invocation-type')}")
        if (request.header("content-type") or "application/json") != "application/json":
            wrong.append("Content-Type")
        try:
            json.loads(request.body)
        except ValueError:
            wrong.append("the payload is not JSON")
        wrong += signatures.problems(
            request, self.keys, bool(self.tls), clock_offset=self.clock_offset
        )
        found = signatures.scope(request)
        if found and self.region and found["region"] != self.region:
            wrong.append(f"signed for {found['region']}")
        self.problems += [f"invoke request {number}: {text}" for text in wrong]


def function_of(request):
    """The function as the wire path has it, still encoded."""
    return PATH.match(request.target)["function"]
