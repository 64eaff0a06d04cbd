"""Slack's end of Socket Mode: apps.connections.open and auth.test, and a WebSocket server (RFC 6455) that watches every
byte of the client's.

Connections are registered until they are closed in an orderly way; envelopes are spread over all that are registered, so
those that a connection takes with it when it just disappears (a ghost) are lost, as with Slack. Events are delivered again
until they are acknowledged; commands and interactions are not. A ticket opens one connection."""

import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import threading
import time
import uuid

from support.wire import Gone, Server, Wire, eventually, head_problems, response

TOKEN = "xapp-1-A111-2222-0123456789abcdef"
BOT_TOKEN = "xoxb-1111-2222-abcdefghijklmnop"
APP = "A111"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FRAME_MAX = 20480
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTROL_MAX = 125


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def frame(opcode, payload=b"", fin=True, rsv=0, mask=None, length=None):
    """A server's frame; `length` forces the form of its length: 7, 16 or 64 bits."""
    n = len(payload)
    form = length or (7 if n < 126 else 16 if n < 1 << 16 else 64)
    masked = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    head += bytes([masked | n]) if form == 7 else bytes([masked | 126]) + struct.pack(">H", n) if form == 16 else bytes([masked | 127]) + struct.pack(">Q", n)
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return head + (mask or b"") + payload


def close_frame(code=1000, reason=""):
    return frame(CLOSE, struct.pack(">H", code) + reason.encode())


# ---- what Slack may answer to apps.connections.open -----------------------------------------------------------------


def says(error, status=200, fields=()):
    body = json.dumps({"ok": False, "error": error}).encode()
    return response(status, body, [("Content-Type", "application/json"), *fields])


def ok(**members):
    return response(200, json.dumps({"ok": True, **members}).encode(), [("Content-Type", "application/json")])


class Link:
    """A WebSocket connection as the server saw it."""

    def __init__(self, server, app, number, wire):
        self.server, self.app, self.number, self.wire = server, app, number, wire
        self.opened = time.monotonic()
        self.registered = True  # Slack counts it
        self.alive = True  # the transport
        self.closing = None  # the code of the client's close frame
        self.closed = None  # when it ended
        self.sent_close = False
        self.masks = set()
        self.pings, self.pongs, self.sent = [], [], []
        self.writing = threading.Lock()
        self.mute = False  # answers no pings
        self.deaf = False  # reads nothing and says nothing any more

    def send(self, data):
        with self.writing:
            try:
                self.wire.send(data)
            except (OSError, ValueError) as fault:
                raise Gone from fault

    def say(self, message):
        self.send(frame(TEXT, json.dumps(message).encode() if not isinstance(message, (bytes, str)) else message if isinstance(message, bytes) else message.encode()))

    def disconnect(self, reason="warning"):
        self.say({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-2"}})

    def close(self, code=1000, reason=""):
        self.sent_close = True
        self.send(close_frame(code, reason))

    def vanish(self):
        """The transport stops without a word in either direction: half open."""
        self.deaf = True

    def reset(self):
        """The transport ends with RST, as soon as the thread that reads has noticed."""
        sock = self.wire.sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.shutdown(sock, socket.SHUT_RD)


class SocketMode(Server):
    def __init__(self, tls=None, name="127.0.0.1", tokens=None, bots=None, limit=10, greet=True, life_s=18060, redeliver_s=3.0, **options):
        self.tls, self.name = tls, name
        self.tokens = tokens or {TOKEN: APP}
        self.bots = bots if bots is not None else {BOT_TOKEN: "T111"}
        self.limit, self.greet, self.life_s, self.redeliver_s = limit, greet, life_s, redeliver_s
        self.opens, self.open_script, self.open_default = [], [], None
        self.handshake_script = []  # functions of (wire, request) that answer in place of the handshake
        self.link_script = []  # functions of a link, in place of its greeting
        self.tickets, self.links, self.ghosts = {}, [], []
        self.acks, self.sent_at, self.pending = {}, {}, {}
        self.late, self.duplicates = [], []
        self.peak, self.turn, self.requests = 0, 0, []
        self.state = threading.RLock()
        self.auth = []
        super().__init__(**options)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{name}:{self.port}/api/"
        self.spawn(self.redeliver)

    def environment(self, **changes):
        return {"SLACK_APP_TOKEN": TOKEN, "SLACK_API_URL": self.url, **changes}

    # ---- requests

    def serve(self, sock):
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except (OSError, ssl.SSLError) as fault:
                raise Gone from fault
        wire = Wire(sock)
        while True:
            request = wire.read_request()
            self.problems += head_problems(request.head)
            if request.method == "GET":
                self.link(wire, request)
                return
            self.answer(wire, request)

    def answer(self, wire, request):
        token = (request.header("authorization") or "").removeprefix("Bearer ")
        with self.state:
            self.requests.append(request)
        if token and token.encode() in request.head.split(b"\r\n")[0] + request.body:
            self.problems.append("the token stands outside of Authorization")
        method = request.target.rpartition("/")[2]
        if method == "apps.connections.open":
            with self.state:
                self.opens.append((time.monotonic(), token))
                entry = self.open_script.pop(0) if self.open_script else self.open_default
            answer = entry(wire) if callable(entry) else entry
            wire.send(answer if answer is not None else self.ticket(token))
        elif method == "auth.test":
            self.auth.append(token)
            wire.send(ok(team="team", team_id=self.bots[token], user="bot", bot_id="B1") if token in self.bots else says("invalid_auth"))
        else:
            wire.send(says("unknown_method"))

    def ticket(self, token, **members):
        if token not in self.tokens:
            return says("invalid_auth")
        ticket = str(uuid.uuid4())
        with self.state:
            self.tickets[ticket] = self.tokens[token]
        scheme = "wss" if self.tls else "ws"
        app_hash = hashlib.sha256(self.tokens[token].encode()).hexdigest()
        return ok(url=f"{scheme}://{self.name}:{self.port}/link/?ticket={ticket}&app_id={app_hash}", **members)

    # ---- connections

    def link(self, wire, request):
        ticket = request.target.partition("ticket=")[2].partition("&")[0]
        if self.handshake_script:
            self.handshake_script.pop(0)(wire, request)
            raise Gone
        with self.state:
            app = self.tickets.pop(ticket, None)
        if app is None or not request.target.startswith("/link/?ticket="):
            wire.send(response(404))
            raise Gone
        for name, value in (("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-version", "13")):
            if request.header(name) != value:
                self.problems.append(f"{name}: {request.header(name)!r}")
        key = request.header("sec-websocket-key") or ""
        if len(base64.b64decode(key)) != 16:
            self.problems.append(f"sec-websocket-key: {key!r}")
        for name in ("sec-websocket-extensions", "sec-websocket-protocol"):
            if request.header(name):
                self.problems.append(f"it offers {name}")
        fields = [("upgrade", "WebSocket"), ("Connection", "upgrade"), ("Sec-WebSocket-Accept", accept_key(key))]
        wire.send(response(101, b"", fields, "Switching Protocols", length=False))
        with self.state:
            link = Link(self, app, len(self.links), wire)
            self.links.append(link)
            count = self.count(app)
            self.peak = max(self.peak, count)
        try:
            self.begin(link, count)
            self.listen(link)
        finally:
            link.alive, link.closed = False, time.monotonic()
            with self.state:
                if link.registered and link.closing is None:
                    self.ghosts.append(link)

    def count(self, app=APP):
        return sum(1 for link in self.links if link.registered and link.app == app)

    def begin(self, link, count):
        if count > self.limit:
            link.registered = False
            link.disconnect("too_many_websockets")
            link.reset()
            raise Gone
        script = self.link_script.pop(0) if self.link_script else None
        if script:
            script(link)
        elif self.greet:
            self.hello(link)

    def hello(self, link, **members):
        link.greeted = True
        message = {
            "type": "hello",
            "num_connections": self.count(link.app),
            "debug_info": {"host": "applink-d85c5c684-k8lpq", "build_number": 18, "approximate_connection_time": self.life_s},
            "connection_info": {"app_id": link.app},
        }
        link.say({**message, **members})

    def listen(self, link):
        while True:
            while link.deaf and not self.stopping.is_set():
                time.sleep(0.01)
            opcode, payload = self.read_frame(link)
            if link.closing is not None:
                self.problems.append(f"a frame after the close frame: {opcode}")
            if opcode == PING:
                link.pings.append(time.monotonic())
                if not link.mute:
                    link.send(frame(PONG, payload))
            elif opcode == PONG:
                link.pongs.append(payload)
            elif opcode == CLOSE:
                link.closing = struct.unpack(">H", payload[:2])[0] if payload else 1005
                with self.state:
                    link.registered = False
                self.left(link)
                return
            else:
                self.acknowledged(link, payload)

    def left(self, link):
        """The client has said goodbye."""
        if not link.sent_close:
            link.send(close_frame(link.closing))
            link.sent_close = True
        # The client is the one that ends the transport, or we do.
        link.wire.sock.settimeout(2)
        try:
            link.wire.sock.recv(1)
        except OSError:
            pass

    def read_frame(self, link):
        first, second = link.wire.read(2)
        opcode, n = first & 15, second & 127
        if not first & 0x80 or first & 0x70:
            self.problems.append(f"a frame that begins with {first:#x}")
        if not second & 0x80:
            self.problems.append("a frame without a mask")
        if n == 126:
            (n,) = struct.unpack(">H", link.wire.read(2))
            least = 126
        elif n == 127:
            (n,) = struct.unpack(">Q", link.wire.read(8))
            least = 1 << 16
        else:
            least = 0
        if n < least:
            self.problems.append(f"a length of {n} in a long form")
        if opcode not in (TEXT, CLOSE, PING, PONG) or (opcode >= CLOSE and n > CONTROL_MAX):
            self.problems.append(f"a frame of opcode {opcode} with {n} bytes")
        mask = link.wire.read(4)
        if mask in link.masks and len(link.masks) < 1000:
            self.problems.append("a mask was used twice")
        link.masks.add(mask)
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(link.wire.read(n)))
        if opcode == TEXT and n > FRAME_MAX:
            link.close(1009, "Max frame length of 20480 has been exceeded.")
            raise Gone
        return opcode, payload

    # ---- envelopes

    def registered(self, app=APP):
        return [link for link in self.links if link.registered and link.app == app and getattr(link, "greeted", False)]

    def send(self, kind, payload, accepts=None, link=None, app=APP, envelope=None, **members):
        """One envelope, on one of the connections that are registered; its id."""
        envelope = envelope or str(uuid.uuid4())
        accepts = kind == "slash_commands" if accepts is None else accepts
        message = {"envelope_id": envelope, "type": kind, "accepts_response_payload": accepts, "payload": payload, **members}
        self.sent_at.setdefault(envelope, time.monotonic())
        if kind == "events_api":
            self.pending[envelope] = [time.monotonic(), members.get("retry_attempt", 0), message, app]
        self.deliver(message, app, link)
        return envelope

    def deliver(self, message, app, link=None):
        with self.state:
            links = self.registered(app)
            if not link and not links:
                return
            self.turn += 1
            link = link or links[self.turn % len(links)]
        link.sent.append(message["envelope_id"])
        try:
            link.say(message)
        except Gone:
            pass

    def acknowledged(self, link, payload):
        message = json.loads(payload)
        if list(message) not in (["envelope_id"], ["envelope_id", "payload"]):
            self.problems.append(f"an acknowledgement of {list(message)}")
        envelope = message["envelope_id"]
        now = time.monotonic()
        if envelope in self.acks:
            self.duplicates.append(envelope)
        if now - self.sent_at.get(envelope, now) > 3:
            self.late.append(envelope)
        self.pending.pop(envelope, None)
        self.acks[envelope] = (link, message.get("payload"), now)

    def redeliver(self):
        """Events that nobody has acknowledged, on and on."""
        while not self.stopping.wait(0.02):
            for envelope, entry in list(self.pending.items()):
                sent, attempt, message, app = entry
                if time.monotonic() - sent < self.redeliver_s or attempt >= 3:
                    continue
                entry[0], entry[1] = time.monotonic(), attempt + 1
                self.deliver({**message, "retry_attempt": attempt + 1, "retry_reason": "timeout"}, app)

    # ---- waiting

    def up(self, count=2, app=APP, timeout=10.0):
        """Waits for that many greeted connections."""
        assert eventually(lambda: len([link for link in self.registered(app) if link.alive]) >= count, timeout), f"{len(self.links)} links, {self.opens}"
        return [link for link in self.registered(app) if link.alive]

    def ack(self, envelope, timeout=5.0):
        """The payload of an acknowledgement, None if it has none; fails if there is no acknowledgement."""
        assert eventually(lambda: envelope in self.acks, timeout), f"{envelope} was not acknowledged"
        return self.acks[envelope][1]


def command(text="", name="/deploy", **changes):
    """The payload of a slash command."""
    return {"token": "xyzz0WbapA4vBCDEFasx0q6G", "team_id": "T111", "team_domain": "example", "channel_id": "C111", "channel_name": "general",
            "user_id": "U111", "user_name": "steve", "command": name, "text": text, "api_app_id": APP, "is_enterprise_install": "false",
            "trigger_id": os.urandom(8).hex(), **changes}  # fmt: skip


def event(kind="app_mention", event_id=None, **changes):
    return {"token": "xyzz0WbapA4vBCDEFasx0q6G", "team_id": "T111", "api_app_id": APP, "event": {"type": kind, "user": "U111", "text": "hi", "ts": "1.2", "channel": "C111"},
            "type": "event_callback", "event_id": event_id or "Ev" + os.urandom(5).hex().upper(), "event_time": 1}  # fmt: skip


def interaction(kind="block_actions", **changes):
    payload = {"type": kind, "user": {"id": "U111", "team_id": "T111"}, "api_app_id": APP, "token": "xyzz0WbapA4vBCDEFasx0q6G",
               "team": {"id": "T111", "domain": "example"}, "trigger_id": os.urandom(8).hex()}  # fmt: skip
    if kind == "block_actions":
        payload["actions"] = [{"action_id": "go", "block_id": "b", "type": "button", "value": "x"}]
        payload["channel"] = {"id": "C111", "name": "general"}
    elif kind.startswith("view"):
        payload["view"] = {"id": "V1", "type": "modal", "callback_id": "form", "state": {"values": {}}}
    else:
        payload["callback_id"] = "cut"
    payload.update(changes)
    return payload
