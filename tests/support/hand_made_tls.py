"""A server of TLS 1.2 made by hand, so that it can break the protocol where no library would:
X25519, RSA, AES-128-GCM, sessions by tickets or ids, with or without an extended master secret."""

import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from support.wire import Server, Wire, response

HANDSHAKE, CHANGE, ALERT, DATA = 22, 20, 21, 23
NAME, EMS, TICKET, RENEGOTIATION = 0, 23, 35, 0xFF01
SUITE = 0xC02F


def counted(data, size):
    return len(data).to_bytes(size, "big") + data


def prf(secret, label, seed, size):
    out, seed = b"", label + seed
    a = seed
    while len(out) < size:
        a = hmac.digest(secret, a, "sha256")
        out += hmac.digest(secret, a + seed, "sha256")
    return out[:size]


def extensions_of(data):
    """{type: value} of a list of extensions."""
    found, data = {}, data[2:]
    while data:
        kind, size = struct.unpack_from(">HH", data)
        assert kind not in found
        found[kind], data = data[4 : 4 + size], data[4 + size :]
    return found


class Hello:
    """What a ClientHello says."""

    def __init__(self, body):
        self.random = body[2:34]
        at = 35 + body[34]
        self.session_id = body[35:at]
        at += 2 + int.from_bytes(body[at : at + 2], "big")
        at += 1 + body[at]
        self.extensions = extensions_of(body[at:])
        self.ticket = self.extensions.get(TICKET)


class Session:
    def __init__(self, master, extended, ticket=b"", session_id=b""):
        self.master, self.extended, self.ticket, self.session_id = (
            master, extended, ticket, session_id,
        )


class HandMade(Server):
    """Answers each request with 202 and ends the connection. The attributes say how it behaves,
    from the next connection on; `hellos` and `resumed` have an entry for each connection, `alerts`
    and `requests` for what came."""

    def __init__(self, certificate, **options):
        self.certificate = certificate
        self.ems = True  # speaks of the extended master secret when asked
        self.ems_when_resuming = None  # otherwise then; None: as the session is
        self.session_id = b""  # of full handshakes
        self.ticket = None  # gives this one; None: none
        self.announced = None  # whether it announces a ticket; None: as is right
        self.renewed = None  # gives this one when it resumes
        self.lifetime = 7200
        self.accepts = True  # resumes
        self.bad_finished = False
        self.trailing = b""  # stands behind the ticket, in its message
        self.pieces = False  # the ticket's message comes in many records
        self.sessions = []
        self.hellos, self.resumed, self.alerts, self.requests = [], [], [], []
        super().__init__(**options)

    def serve(self, sock):
        Connection(self, Wire(sock)).run()


class Connection:
    def __init__(self, server, wire):
        self.server, self.wire = server, wire
        self.transcript = b""
        self.incoming = self.outgoing = None
        self.master = None

    # ---- records ----

    def receive(self, wanted):
        kind, _, size = struct.unpack(">BHH", self.wire.read(5))
        body = self.wire.read(size)
        if self.incoming:
            body = self.incoming.open(kind, body)
        if kind == ALERT:
            self.server.alerts.append(body)
        assert kind == wanted or kind == ALERT, kind
        if kind == ALERT:
            raise ConnectionError("alert")
        if kind == HANDSHAKE:
            self.transcript += body
        return body

    def send(self, kind, body):
        if self.outgoing:
            body = self.outgoing.seal(kind, body)
        self.wire.send(struct.pack(">BHH", kind, 0x0303, len(body)) + body)

    def tell(self, kind, body, pieces=False):
        """Sends a message of the handshake."""
        message = bytes([kind]) + counted(body, 3)
        self.transcript += message
        size = 50 if pieces else 16000
        for i in range(0, len(message), size):
            self.send(HANDSHAKE, message[i : i + size])

    # ---- the handshake ----

    def run(self):
        server = self.server
        self.hello = Hello(self.receive(HANDSHAKE)[4:])
        server.hellos.append(self.hello)
        session = self.session()
        server.resumed.append(session is not None)
        self.random = os.urandom(32)
        if session:
            self.resume(session)
        else:
            self.shake_hands()
        request = b""
        while b"\r\n\r\n" not in request:
            request += self.receive(DATA)
        server.requests.append(request)
        self.send(DATA, response(202))
        self.send(ALERT, b"\1\0")

    def session(self):
        for session in self.server.sessions if self.server.accepts else ():
            if session.ticket and session.ticket == self.hello.ticket:
                return session
            if session.session_id and session.session_id == self.hello.session_id:
                return session
        return None

    def greet(self, session_id, extended, announced):
        extensions = struct.pack(">HH", RENEGOTIATION, 1) + b"\0"
        if extended:
            extensions += struct.pack(">HH", EMS, 0)
        if announced:
            extensions += struct.pack(">HH", TICKET, 0)
        self.tell(
            2,
            b"\3\3"
            + self.random
            + counted(session_id, 1)
            + struct.pack(">HB", SUITE, 0)
            + counted(extensions, 2),
        )

    def give_ticket(self, ticket, announced):
        if ticket is not None and (announced or self.server.announced is not None):
            body = (
                struct.pack(">I", self.server.lifetime) + counted(ticket, 2) + self.server.trailing
            )
            self.tell(4, body, self.server.pieces)

    def resume(self, session):
        server = self.server
        extended = (
            session.extended if server.ems_when_resuming is None else server.ems_when_resuming
        )
        announced = server.renewed is not None
        self.greet(self.hello.session_id, extended, announced)
        self.master = session.master
        if announced:
            self.give_ticket(server.renewed, announced)
            server.sessions.append(Session(session.master, session.extended, server.renewed))
        self.finish()
        self.receive_finish()

    def shake_hands(self):
        server = self.server
        extended = server.ems and EMS in self.hello.extensions
        announced = server.ticket is not None if server.announced is None else server.announced
        self.greet(server.session_id, extended, announced)
        der = server.certificate.own.public_bytes(serialization.Encoding.DER)
        self.tell(11, counted(counted(der, 3), 3))
        key = x25519.X25519PrivateKey.generate()
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        share = b"\3\0\x1d" + counted(key.public_key().public_bytes(*raw), 1)
        signature = server.certificate.key.sign(
            self.hello.random + self.random + share, padding.PKCS1v15(), hashes.SHA256()
        )
        self.tell(12, share + b"\4\1" + counted(signature, 2))
        self.tell(14, b"")
        point = self.receive(HANDSHAKE)[5:]
        secret = key.exchange(x25519.X25519PublicKey.from_public_bytes(point))
        if extended:
            self.master = prf(secret, b"extended master secret", self.digest(), 48)
        else:
            self.master = prf(secret, b"master secret", self.hello.random + self.random, 48)
        self.receive_finish()
        if server.ticket is not None or server.session_id:
            server.sessions.append(Session(self.master, extended, server.ticket, server.session_id))
        self.give_ticket(server.ticket, announced)
        self.finish()

    def digest(self):
        return hashlib.sha256(self.transcript).digest()

    def keys(self, number):
        block = prf(self.master, b"key expansion", self.random + self.hello.random, 40)
        return Sealed(block[16 * number :][:16], block[32 + 4 * number :][:4])

    def finish(self):
        self.send(CHANGE, b"\1")
        self.outgoing = self.keys(1)
        proof = prf(self.master, b"server finished", self.digest(), 12)
        self.tell(20, bytes(12) if self.server.bad_finished else proof)

    def receive_finish(self):
        assert self.receive(CHANGE) == b"\1"
        self.incoming = self.keys(0)
        proof = prf(self.master, b"client finished", self.digest(), 12)
        assert self.receive(HANDSHAKE) == b"\x14\0\0\x0c" + proof


class Sealed:
    """One direction under AES-128-GCM."""

    def __init__(self, key, salt):
        self.cipher, self.salt, self.number = AESGCM(key), salt, 0

    def about(self, kind, size):
        self.number += 1
        return struct.pack(">QBHH", self.number - 1, kind, 0x0303, size)

    def seal(self, kind, body):
        nonce = struct.pack(">Q", self.number)
        return nonce + self.cipher.encrypt(self.salt + nonce, body, self.about(kind, len(body)))

    def open(self, kind, body):
        return self.cipher.decrypt(self.salt + body[:8], body[8:], self.about(kind, len(body) - 24))
