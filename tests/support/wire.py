"""HTTP/1.1 over a socket, by hand: what a fake peer needs to see exactly what arrived and to answer
anything."""

import json
import os
import re
import select
import socket
import struct
import threading
import time

# How long a test waits, in seconds, for what must happen. Nothing that works takes as long, on a
# machine that is busy with much else neither, and no test waits so long for nothing to happen.
PATIENCE = 120.0 if "SANITIZER" in os.environ else 45.0

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


class Gone(Exception):
    """The peer ended the connection."""


class Request:
    """A request as it came: nothing decoded, nothing joined, nothing forgiven."""

    def __init__(self, head, body):
        self.head = head
        self.body = body
        self.arrived = time.monotonic()
        lines = head.split(b"\r\n")
        self.method, self.target, self.version = (lines[0].decode("latin-1").split(" ") + ["", ""])[
            :3
        ]
        self.fields = []
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            self.fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def header(self, name):
        """The value of a field that may stand at most once."""
        values = self.values(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)


def head_problems(head):
    """What is wrong with the form of a request head (without its last empty line)."""
    problems = []
    lines = head.split(b"\r\n")
    if b"\n" in head.replace(b"\r\n", b"") or b"\r" in head.replace(b"\r\n", b""):
        problems.append("bare CR or LF in the head")
    if not re.match(rb"[A-Z]+ /[\x21-\x7e]* HTTP/1\.1\Z", lines[0]):
        problems.append(f"request line {lines[0]!r}")
    names = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            problems.append(f"field line {line[:40]!r}")
        if re.search(rb"[^\t\x20-\x7e]", value):
            problems.append(f"bytes that do not belong into the value of {name!r}")
        names.append(name.lower())
    for name in sorted(set(names)):
        if names.count(name) > 1:
            problems.append(f"{name.decode()} stands {names.count(name)} times")
    for name in (b"host",):
        if name not in names:
            problems.append(f"no {name.decode()} field")
    if b"transfer-encoding" in names:
        problems.append("a request of known length was sent chunked")
    return problems


class Wire:
    """A connected socket (plain or TLS) and the bytes read too far."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone
        self.buffer += data

    def read(self, count):
        while len(self.buffer) < count:
            self.fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head

    def read_request(self, before_body=None):
        """One request. `before_body(request)` may misbehave before the body is read."""
        head = self.read_head()
        request = Request(head, b"")
        if before_body:
            before_body(request)
        request.body = self.read(int(request.header("content-length") or 0))
        request.arrived = time.monotonic()
        return request

    def read_response(self):
        """(status, fields, body) of a response with a length."""
        head = self.read_head()
        lines = head.decode("latin-1").split("\r\n")
        fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        length = next(
            (int(value) for name, value in fields if name.lower() == "content-length"), None
        )
        return int(lines[0].split(" ")[1]), fields, self.read(length or 0)

    def send(self, data):
        self.sock.sendall(data)

    def drip(self, data, pause=0.0, size=1):
        """Few bytes at a time, each in a segment (and under TLS in a record) of its own."""
        for i in range(0, len(data), size):
            self.sock.sendall(data[i : i + size])
            if pause:
                time.sleep(pause)

    def reset(self):
        """Ends the connection with RST."""
        try:
            raw = self.sock
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        except OSError:
            pass
        raise Gone

    def close(self):
        """Ends the connection with FIN, under TLS without close_notify."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.sock.close()
        raise Gone

    def peer_left(self):
        """Whether the peer has ended the connection; what it sent meanwhile stays unread."""
        try:
            poller = select.poll()
            poller.register(self.sock, select.POLLIN)
            return (
                bool(poller.poll(0))
                and not self.buffer
                and self.sock.recv(1, socket.MSG_PEEK) == b""
            )
        except (OSError, ValueError):
            return True


def response(status, body=b"", fields=(), reason=None, length=True):
    """The bytes of a response."""
    text = reason if reason is not None else {200: "OK", 202: "Accepted"}.get(status, "Some Reason")
    lines = [f"HTTP/1.1 {status} {text}"] + [f"{name}: {value}" for name, value in fields]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(body, size):
    """A body in the chunked coding, `size` bytes a chunk."""
    parts = []
    for i in range(0, len(body), size):
        piece = body[i : i + size]
        parts.append(b"%x\r\n%s\r\n" % (len(piece), piece))
    return b"".join(parts) + b"0\r\n\r\n"


class Server:
    """Accepts connections, one thread each. Subclasses say what happens on one in `serve(sock)`.

    `host` may be a list; every address gets the same port. With `open_now=False` the port is taken
    but refuses connections until `open()`. `problems` collects what must fail the test at its end.
    """

    def __init__(
        self, host="127.0.0.1", open_now=True, backlog=64, port=0, listener=None,
        receive_buffer=None,
    ):
        self.problems = []
        self.stopping = threading.Event()
        self.threads = []
        self.socks = []
        self.lock = threading.Lock()
        self.backlog = backlog
        self.is_open = False
        self.listeners = [listener] if listener else []
        for address in [] if listener else [host] if isinstance(host, str) else host:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.bind((address, port))
            port = sock.getsockname()[1]
            self.listeners.append(sock)
        self.port = self.listeners[0].getsockname()[1]
        if open_now:
            self.open()

    def open(self):
        self.is_open = True
        for sock in self.listeners:
            sock.listen(self.backlog)
            self.spawn(self.accept_loop, sock)

    def spawn(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept_loop(self, listener):
        while not self.stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.socks.append(sock)
            self.spawn(self.guarded, sock)

    def guarded(self, sock):
        try:
            self.serve(sock)
        except (Gone, OSError, ValueError):
            pass
        except Exception as fault:  # a bug of the test's own: it must not pass unseen
            self.problems.append(f"{type(self).__name__}: {fault!r}")
        finally:
            sock.close()

    def serve(self, sock):
        raise NotImplementedError

    def stop(self):
        self.stopping.set()
        for sock in self.listeners + self.socks:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
        for thread in self.threads:
            if thread is not threading.current_thread():
                thread.join(1)


def eventually(condition, timeout=PATIENCE, pause=0.005):
    """Waits until `condition()` is true and returns its value; the last value when time is up."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


def in_some_try(attempt, tries=20):
    """Whether one attempt of these comes off. For what a machine that is busy with much else spoils
    now and then, above all an answer within a time, while a bug of the program spoils it every
    time."""
    return any(attempt() for _ in range(tries))
