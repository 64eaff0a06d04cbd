"""HTTPS on the listener: with the clients people use, and with those that nobody wants."""

import contextlib
import os
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat,
)

from support import slack
from support.certificates import DAY, SUITES
from support.listener import Client, at, command_text, get, serve, wire_form  # noqa: F401
from support.machine import Held
from support.wire import PATIENCE, Gone, chunked, eventually

HEAD_S = 5
NO_EMS = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET, which Python does not name
EC_PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


class Secure(Client):
    """A client under TLS 1.2. A truncated stream is an error, as HTTPS wants it."""

    def __init__(self, address, context, session=None, **options):
        super().__init__(address, **options)
        self.sock = context.wrap_socket(
            self.sock, server_hostname="localhost", session=session, suppress_ragged_eofs=False
        )

    def __exit__(self, *_):
        with contextlib.suppress(OSError, ValueError):
            self.sock.unwrap()
        self.sock.close()


class Https:
    """A listener that shows a certificate from files which can be replaced."""

    def __init__(self, make, serve, certificate=None, **options):  # noqa: F811
        self.make = make
        self.folder = make.folder
        self.context = client_context(make.pki)
        self.show(certificate or make.pki.leaf("p256"))
        self.listener = serve(*self.arguments(), **options)
        self.process = self.listener.process

    def arguments(self):
        return [
            "--tls-cert", str(self.folder / "chain.pem"), "--tls-key", str(self.folder / "key.pem"),
        ]

    def show(self, certificate=None, chain=None, key=None):
        (self.folder / "chain.pem").write_bytes(certificate.chain_pem() if chain is None else chain)
        (self.folder / "key.pem").write_bytes(certificate.key_pem() if key is None else key)

    def reload(self):
        """SIGHUP; the line that it is worth."""
        seen = len(self.process.lines)
        self.process.terminate(signal.SIGHUP)
        assert eventually(lambda: self.told(seen)), self.process.lines
        return self.told(seen)[0]

    def told(self, since=0):
        return [line for line in self.process.lines[since:] if "TLS certificate" in line["message"]]

    def failures(self):
        return [line for line in self.process.lines if line["message"] == "TLS handshake failed"]

    def connect(self, context=None, **options):
        return Secure(self.listener.address, context or self.context, **options)

    def raw(self, **options):
        return Client(self.listener.address, **options)

    def is_well(self):
        """Answers a new client, and how soon, but for what the machine made it wait."""
        began, held = time.monotonic(), Held(self.process.pid)
        with self.connect() as client:
            assert client.ask(get()).body.startswith(b"ok\n")
        return time.monotonic() - began - held.seconds

    def openssl(self, *options, send=get(fields=["Connection: close"])):
        """Runs `openssl s_client` until the server ends, or, when it has nothing to send, until the
        handshake is done."""
        host, port = self.listener.address
        command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "localhost"]
        command += ["-ign_eof"] if send.endswith(b"\r\n") else []
        command += [
            "-CAfile", self.make.pki.bundle(), "-verify_return_error", "-verify_hostname",
            "localhost", *options,
        ]
        done = subprocess.run(
            command, input=send, capture_output=True, timeout=PATIENCE, check=False
        )
        return done.returncode, (done.stdout + done.stderr).decode("latin-1")


def client_context(pki, most=ssl.TLSVersion.TLSv1_2, suites=None, alpn=("http/1.1",)):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(pki.bundle())
    context.maximum_version = most
    if suites:
        context.set_ciphers(suites)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


@pytest.fixture
def https(make, serve):  # noqa: F811
    return lambda certificate=None, **options: Https(make, serve, certificate, **options)


class Hello:
    """A client whose bytes a test moves by hand."""

    def __init__(self, context):
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inward, self.outward, server_hostname="localhost")
        self.step()
        self.first = self.outward.read()

    def step(self):
        """True when the handshake is done."""
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False


# ---- clients -------------------------------------------------------------------------------------


def test_curl(make, https, tmp_path):
    endpoint = make.endpoint()
    server = https(make.pki.leaf("rsa2048", make.pki.authority("rsa2048")), endpoint=endpoint)
    request = slack.command()
    port = server.listener.address[1]
    url = f"https://localhost:{port}"
    command = [
        "curl", "-sS", "--fail", "--cacert", make.pki.bundle(), "--resolve",
        f"localhost:{port}:127.0.0.1",
    ]
    (tmp_path / "body").write_bytes(request.body)
    for name, value in request.headers:
        if name != "Host":
            command += ["-H", f"{name}: {value}"]
    command += ["--data-binary", f"@{tmp_path / 'body'}", url + request.path, url + request.path]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"Lambda function my-fn@eu-west-1 has been started...") == 2
    assert len(endpoint.requests) == 2
    event = endpoint.requests[0].json()
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
@pytest.mark.parametrize("number", range(3))
def test_every_suite(make, https, kind, number):
    suite = SUITES[kind][number]
    server = https(make.pki.leaf("rsa2048" if kind == "rsa" else "p256"))
    code, text = server.openssl("-tls1_2", "-cipher", suite)
    assert code == 0 and f"Cipher is {suite}" in text and "\nok\n" in text, text


@pytest.mark.parametrize(
    "curve, name", [("X25519", "X25519"), ("P-256", "prime256v1"), ("P-384", "secp384r1")]
)
def test_every_curve(make, https, curve, name):
    # A key on a curve of its own would have to be among the client's.
    code, text = https(make.pki.leaf("rsa2048")).openssl("-tls1_2", "-curves", curve)
    assert code == 0 and re.search(f"Server Temp Key: .*{name}", text) and "\nok\n" in text, text


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048", "rsa3072", "rsa4096"])
def test_every_key(make, https, kind):
    """Behind an intermediate authority, which the client does not know."""
    between = make.pki.authority(name="Between", issuer=make.pki.authority())
    server = https(make.pki.leaf(kind, between))
    code, text = server.openssl("-tls1_2")
    assert code == 0 and "Verification: OK" in text and "\nok\n" in text, text


@pytest.mark.parametrize("form", ["pkcs8", "traditional", "parameters", "one file"])
def test_every_form_of_a_key(make, https, form):
    certificate = make.pki.leaf("p256")
    key = certificate.key_pem()
    if form in ("traditional", "parameters"):
        key = certificate.key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
    if form == "parameters":
        key = EC_PARAMETERS + key
    if form == "one file":
        key += certificate.chain_pem()
    (make.folder / "all.pem").write_bytes(key)
    server = https(certificate)
    server.show(chain=key if form == "one file" else certificate.chain_pem(), key=key)
    assert server.reload()["message"] == "TLS certificate read"
    server.is_well()


NOT_SPOKEN = "the client does not speak TLS 1.2 (BearSSL error 582)"
NOTHING_COMMON = (
    "the client knows none of the algorithms: TLS 1.2 with ECDHE and AES-GCM or ChaCha20 is "
    "needed (BearSSL error 552)"
)
OTHER_PROTOCOL = "the client wants a protocol other than http/1.1 (ALPN) (BearSSL error 632)"


@pytest.mark.parametrize(
    "options, alert, why",
    [
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "protocol version", NOT_SPOKEN),
        (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "protocol version", NOT_SPOKEN),
        (["-tls1_3"], "handshake failure", NOTHING_COMMON),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], "handshake failure", NOTHING_COMMON),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], "handshake failure", NOTHING_COMMON),
        (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "handshake failure", NOTHING_COMMON),
        (["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], "handshake failure", NOTHING_COMMON),
        # Right in itself, but for the other kind of key.
        (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "handshake failure",
            NOTHING_COMMON),
        (["-tls1_2", "-curves", "X448:P-521"], "handshake failure", NOTHING_COMMON),
        (["-tls1_2", "-sigalgs", "ECDSA+SHA1", "-cipher", "ALL:@SECLEVEL=0"], "handshake failure",
            NOTHING_COMMON),
        (["-tls1_2", "-alpn", "h2"], "no application protocol", OTHER_PROTOCOL),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_refused(https, options, alert, why):
    server = https(metrics=True)
    code, text = server.openssl(*options)
    assert code != 0 and alert in text and "\nok" not in text, text
    assert server.process.wait_for_log("TLS handshake failed")["why"] == why
    assert b"gateway_tls_failures_total 1\n" in server.listener.metrics().body
    server.is_well()


def test_protocols(make, https):
    server = https()
    for offered, selected in (
        (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (None, None),
    ):
        with server.connect(client_context(make.pki, alpn=offered)) as client:
            assert client.sock.selected_alpn_protocol() == selected
            assert client.ask(get()).status == 200


def test_a_client_that_could_do_better(make, https):
    """One that prefers TLS 1.3 gets 1.2."""
    with https().connect(client_context(make.pki, most=ssl.TLSVersion.MAXIMUM_SUPPORTED)) as client:
        assert client.sock.version() == "TLSv1.2"
        assert client.ask(get()).status == 200


def test_renegotiation_is_refused(https):
    server = https()
    code, text = server.openssl("-tls1_2", send=b"R\n")
    assert "RENEGOTIATING" in text and "no renegotiation" in text, text
    server.is_well()


# ---- sessions ------------------------------------------------------------------------------------


def test_sessions_are_resumed(make, https):
    server = https()
    with server.connect() as client:
        assert not client.sock.session_reused and client.ask(get()).status == 200
        session = client.sock.session
    for _ in range(3):
        with server.connect(session=session) as client:
            assert client.sock.session_reused and client.ask(get()).status == 200
    # Another suite than before is no resumption.
    context = client_context(make.pki, suites="ECDHE+CHACHA20")
    with server.connect(context) as client:
        assert not client.sock.session_reused and client.ask(get()).status == 200
    server.reload()
    with server.connect(session=session) as client:
        assert not client.sock.session_reused and client.ask(get()).status == 200
    code, text = server.openssl("-tls1_2", "-reconnect", send=b"")
    assert code == 0 and text.count("Reused, TLSv1.2") == 5, text


@pytest.mark.parametrize(
    "options, answer",
    [
        ([], "Reused"),
        (["-alpn", "http/1.1"], "Reused"),
        (["-alpn", "h2,http/1.1"], "Reused"),
        (["-alpn", "h2"], "no application protocol"),
        (["-alpn", "h2", "-tls1_2"], "no application protocol"),
        (["-alpn", "h2," + "x" * 255], "no application protocol"),
        # What only a full handshake needs need not be common any more.
        (["-tls1_2", "-curves", "X448:P-521"], "Reused"),
        (["-tls1_2", "-sigalgs", "ECDSA+SHA1:RSA+SHA1", "-cipher", "DEFAULT:@SECLEVEL=0"],
            "Reused"),
        (["-tls1_2", "-maxfraglen", "512"], "Reused"),
        (["-tls1_2", "-legacy_renegotiation"], "Reused"),
        (["-tls1_2", "-cipher", "ECDHE+CHACHA20"], "New"),
        (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "handshake failure"),
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "protocol version"),
        (["-tls1_2", "-fallback_scsv"], "Reused"),
        (["-tls1_1", "-fallback_scsv", "-cipher", "ALL:@SECLEVEL=0"], "protocol version"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
@pytest.mark.parametrize("kind", ["rsa2048", "p256"])
def test_resumption_by_a_client_that_offers_something_else(make, https, kind, options, answer):
    server = https(make.pki.leaf(kind))
    session = str(make.folder / "session.pem")
    code, text = server.openssl(
        "-tls1_2", "-cipher", "ECDHE+AESGCM", "-alpn", "http/1.1", "-sess_out", session
    )
    assert code == 0 and "New, TLSv1.2" in text and "ALPN protocol: http/1.1" in text, text
    for _ in range(3):
        code, text = server.openssl(*options, "-sess_in", session)
        if answer in ("Reused", "New"):
            assert code == 0 and f"{answer}, TLSv1.2" in text and "\nok\n" in text, text
            protocol = "ALPN protocol: http/1.1" if "-alpn" in options else "No ALPN negotiated"
            assert protocol in text, text
        else:
            assert code != 0 and f"alert {answer}" in text and "\nok\n" not in text, text
    server.is_well()


def test_extended_master_secret(make, https):
    """RFC 7627: a session is resumed with the kind of secret that it began with, or not at all."""
    server = https()
    for options in (["-sess_out"], ["-sess_in"]):
        code, text = server.openssl("-tls1_2", *options, str(make.folder / "session.pem"))
        assert code == 0 and "Extended master secret: yes" in text, text
    assert "Reused, TLSv1.2" in text
    context = client_context(make.pki)
    sessions = {}
    for ems in (True, False):
        context.options = context.options & ~NO_EMS | (0 if ems else NO_EMS)
        with server.connect(context) as client:
            sessions[ems] = client.sock.session
            assert client.ask(get()).status == 200
        with server.connect(context, session=sessions[ems]) as client:
            assert client.sock.session_reused and client.ask(get()).status == 200
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        server.connect(context, session=sessions[True])
    context.options &= ~NO_EMS
    with server.connect(context, session=sessions[False]) as client:
        assert not client.sock.session_reused and client.ask(get()).status == 200


# ---- the certificate -----------------------------------------------------------------------------


def serial(client):
    return int(client.sock.getpeercert()["serialNumber"], 16)


def test_reload(make, https):
    first, second = make.pki.leaf("p256"), make.pki.leaf("rsa2048", make.pki.authority("rsa2048"))
    server = https(first)
    assert server.told()[0]["not_after"] == first.own.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")
    with server.connect() as old:
        assert serial(old) == first.own.serial_number and old.ask(get()).status == 200
        # A handshake that is half done goes on with the certificate that it began with.
        hello = Hello(server.context)
        with server.raw() as half:
            half.send(hello.first)
            while not hello.outward.pending:
                half.fill()
                hello.inward.write(half.buffer)
                half.buffer = b""
                assert not hello.step()
            server.show(second)
            line = server.reload()
            assert (line["message"], line["level"]) == ("TLS certificate read", "INFO")
            assert line["not_after"] == second.own.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")
            half.send(hello.outward.read())
            while not hello.step():
                half.fill()
                hello.inward.write(half.buffer)
                half.buffer = b""
            assert int(hello.tls.getpeercert()["serialNumber"], 16) == first.own.serial_number
        with server.connect() as new:
            assert serial(new) == second.own.serial_number and new.ask(get()).status == 200
        assert old.ask(get()).status == 200

        # What is no good changes nothing.
        for chain, key, why in (
            (second.chain_pem(), first.key_pem(), "does not belong to the first certificate"),
            (b"", second.key_pem(), "there is no certificate"),
            (second.chain_pem()[:-40], second.key_pem(), "the certificate is not proper PEM"),
            (second.chain_pem(), b"", "there is no private key"),
        ):
            server.show(chain=chain, key=key)
            line = server.reload()
            assert line["message"] == "the TLS certificate in use stays: the new one cannot be used"
            assert line["level"] == "ERROR"
            assert why in line["reason"] and line["reason"].startswith(BOTH)
            with server.connect() as new:
                assert serial(new) == second.own.serial_number
        os.unlink(server.folder / "key.pem")
        assert "cannot be read: No such file" in server.reload()["reason"]
        assert (old.ask(get()).status, old.ask(get()).body) == (
            200,
            b"ok\nthe new TLS certificate cannot be used\n",
        )
        server.show(second)
        assert server.reload()["message"] == "TLS certificate read"
    server.is_well()


def test_reload_under_load(make, https):
    """Nobody notices."""
    certificates = [make.pki.leaf("p256"), make.pki.leaf("rsa2048", make.pki.authority("rsa2048"))]
    server = https(certificates[0])
    before = server.listener.rss_kib()
    for i in range(40):
        server.show(certificates[i % 2])
        server.process.terminate(signal.SIGHUP)
        server.is_well()
        # Signals that come while it still reads are one.
        assert eventually(lambda: len(server.told()) == i + 2), server.told()  # noqa: B023
    assert not server.failures() and server.listener.rss_below(before + 2048)


def test_expired(make, https):
    server = https(make.pki.leaf("p256", start=-3 * DAY, end=-DAY))
    line = server.told()[0]
    assert (line["level"], line["why"]) == ("WARN", "it has expired: clients will refuse it")
    with pytest.raises(ssl.SSLCertVerificationError):
        server.connect()
    assert (
        "the client ended it with an alert"
        in server.process.wait_for_log("TLS handshake failed")["why"]
    )


BOTH = "GATEWAY_TLS_CERT and GATEWAY_TLS_KEY cannot be used: "
STRANGERS = (
    BOTH
    + "the private key does not belong to the first certificate, which must be the gateway's own"
)
ENCRYPTED = BOTH + "the private key is encrypted: store it decrypted, as `openssl pkey` does"
DAMAGED = (
    BOTH
    + "the private key is damaged, or of another kind than RSA with 2048 to 4096 bits and EC on"
    " P-256 or P-384"
)

NO_IDENTITY = {
    "other key": STRANGERS,
    "other kind": STRANGERS,
    "encrypted": ENCRYPTED,
    "encrypted old": ENCRYPTED,
    "p521": DAMAGED,
    "too large": "GATEWAY_TLS_CERT: {} has 65536 bytes or more",
    "missing": "GATEWAY_TLS_CERT: {} cannot be read: No such file or directory",
    "directory": "GATEWAY_TLS_CERT: {} cannot be read: Is a directory",
}


@pytest.mark.parametrize("what", NO_IDENTITY)
def test_start_is_refused(make, serve, what):  # noqa: F811
    certificate = make.pki.leaf("p256")
    chain, key = make.folder / "chain.pem", make.folder / "key.pem"
    chain.write_bytes(certificate.chain_pem())
    key.write_bytes(certificate.key_pem())
    secret = BestAvailableEncryption(b"correct horse")
    if what == "other key":
        key.write_bytes(
            make.pki.key("p256", "other").private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
        )
    elif what == "other kind":
        key.write_bytes(
            make.pki.key("rsa2048").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
    elif what == "encrypted":
        key.write_bytes(certificate.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    elif what == "encrypted old":
        key.write_bytes(
            certificate.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, secret)
        )
    elif what == "p521":
        other = make.pki.leaf("p521")
        chain.write_bytes(other.chain_pem())
        key.write_bytes(other.key_pem())
    elif what == "too large":
        chain.write_bytes(certificate.chain_pem() + b"\n" * 65536)
    elif what == "missing":
        chain.unlink()
    elif what == "directory":
        chain.unlink()
        chain.mkdir()
    listener = serve("--tls-cert", str(chain), "--tls-key", str(key), wait=False)
    assert listener.process.wait_exit() == 1
    line = listener.process.logged("ERROR")[-1]
    assert line["message"] == "cannot start" and line["reason"] == NO_IDENTITY[what].format(
        str(chain)[:100]
    )


# ---- requests ------------------------------------------------------------------------------------


def test_requests_in_every_portion(make, https):
    endpoint = make.endpoint()
    server = https(endpoint=endpoint)
    request = slack.command()
    data = wire_form(request)
    with server.connect() as client:
        for size in (1, 7, len(data)):
            client.drip(data, size=size)
            assert "has been started" in command_text(client.answer())
        # Pipelined, in one record and in several.
        client.send(data * 2 + get())
        client.drip(data * 2 + get(), size=100)
        for _ in range(2):
            for _ in range(2):
                assert "has been started" in command_text(client.answer())
            assert client.answer().body == b"ok\n"
        head = client.ask(get(method="HEAD"))
        assert (head.status, head.body) == (200, b"")
    assert len(endpoint.requests) == 7


def test_large_requests(make, https):
    endpoint = make.endpoint()
    server = https(endpoint=endpoint)
    request = slack.command(fields={"text": "x" * 1000000})
    body = request.body
    with server.connect() as client:
        assert "has been started" in command_text(client.ask(wire_form(request)))
        assert "has been started" in command_text(client.ask(wire_form(request)))
        client.send(wire_form(request, fields=[("Expect", "100-continue")], body=False))
        assert client.read_head() == b"HTTP/1.1 100 Continue"
        client.send(body)
        assert "has been started" in command_text(client.answer())
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize("size, times", [(333, 20), (5000, 1), (16384, 1)])
def test_large_requests_in_every_portion(make, https, size, times):
    """Steppers read them, while the loop answers others; what follows a request is not lost. That a
    small buffer is full just when nothing more comes is a matter of luck: so some more of those."""
    endpoint = make.endpoint()
    server = https(endpoint=endpoint)
    request = slack.command(fields={"text": "x" * 200000})
    data = wire_form(request)
    head = data[: -len(request.body)].replace(
        b"Content-Length: %d" % len(request.body), b"Transfer-Encoding: chunked"
    )
    for _ in range(times):
        with server.connect() as client:
            for form in (data, head + chunked(request.body, size)):
                client.drip((form + get()) * 2, size=size)
                server.is_well()
                for _ in range(2):
                    assert "has been started" in command_text(client.answer())
                    assert client.answer().body == b"ok\n"
            client.drip(head + chunked(request.body, size)[:-50] + b"y" * 50, size=size)
            assert client.answer().status == 400
            assert client.end() == "closed"
    assert len(endpoint.requests) == 4 * times


@pytest.mark.parametrize("how", ["closes", "resets", "damages a record"])
def test_clients_that_leave_in_the_middle_of_a_large_request(https, how):
    server = https()
    request = wire_form(slack.command(fields={"text": "x" * 500000}))
    for part in (40000, 300000, len(request) - 1):
        clients = [server.connect() for _ in range(8)]
        for client in clients:
            client.send(request[:part])
        for client in clients:
            client.sock = socket.socket(fileno=client.sock.detach())
            if how == "resets":
                with contextlib.suppress(Gone):
                    client.reset()
            if how == "damages a record":
                client.send(b"\x17\x03\x03\0\x20" + b"0" * 32)
                client.half_close()
                with contextlib.suppress(OSError):
                    while client.sock.recv(1000):
                        pass
            client.sock.close()
        server.is_well()
    assert eventually(lambda: server.listener.descriptors() < 40)


def test_a_thousand_tiny_records_are_too_many(https):
    """For a request: to receive them costs more than it can be worth."""
    server = https()
    with server.connect() as client:
        for _ in range(3):
            client.drip(get(fields=["X: " + "y" * 600]))
            assert client.answer().status == 200
        with pytest.raises((OSError, Gone)):
            client.drip(get(fields=["X: " + "y" * 9000]))
            client.answer()
    server.is_well()


def test_refusals_arrive(https):
    """A client that sends on after a refusal sees it nevertheless, and a proper end."""
    server = https()
    for data, status in (
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (get(fields=["X: " + "y" * 20000]), 431),
        (wire_form(slack.command(), fields=[("X", "y")]).replace(b"Content-Length: ",
            b"Content-Length: 9999"), 413),
    ):
        with server.connect() as client:
            client.send(data)
            client.send(b"z" * 100000)
            answer = client.answer()
            assert answer.status == status and answer.headers["connection"] == "close"
            assert client.end() == "closed"


def test_ends(make, https):
    server = https()
    # Ours: with close_notify, so that nothing can have been cut off.
    with server.connect() as client:
        assert client.ask(get(fields=["Connection: close"])).status == 200
        assert client.end() == "closed"
    # The client's, orderly: it gets our close_notify.
    with server.connect() as client:
        assert client.ask(get()).status == 200
        client.sock.unwrap()
    # The client's end of TCP alone: its request is still answered.
    with server.connect() as client:
        client.send(get())
        socket.socket.shutdown(client.sock, socket.SHUT_WR)
        assert client.answer().status == 200
    # And not at all: nothing to be seen but that the connection is gone.
    with server.connect() as client:
        client.send(get()[:20])
        with contextlib.suppress(Exception):
            client.reset()
    assert not server.failures()
    server.is_well()


def test_drain(make, https):
    endpoint = make.endpoint()
    server = https(endpoint=endpoint)
    idle = server.connect()
    assert idle.ask(get()).status == 200
    # It shakes hands when the end comes, and may still ask.
    hello = Hello(server.context)
    with server.connect() as busy, server.raw() as late:
        late.send(hello.first[:20])
        assert busy.ask(get()).status == 200
        server.process.terminate()
        assert idle.end() == "closed"
        late.send(hello.first[20:])
        while not hello.step():
            late.send(hello.outward.read())
            late.fill()
            hello.inward.write(late.buffer)
            late.buffer = b""
        late.send(hello.outward.read())
        hello.tls.write(get())
        late.send(hello.outward.read())
        late.fill()
        hello.inward.write(late.buffer)
        assert b" 503 " in hello.tls.read(4096)
    assert server.process.wait_exit() == 0


# ---- clients that do wrong -----------------------------------------------------------------------


def test_plain_http(https):
    server = https()
    with server.raw() as client:
        answer = client.ask(get("/healthz?no=secret"))
        assert answer.status == 400 and answer.headers["connection"] == "close"
        assert answer.body == b'{"error":"the client speaks plain HTTP to the HTTPS port"}'
        assert client.end() == "closed"
    # A large one, of which nothing is taken as an answer's end.
    with server.raw() as client:
        client.send(wire_form(slack.command(fields={"text": "x" * 100000})))
        assert client.answer().status == 400
        assert client.end() == "closed"
    assert (
        len(
            server.listener.wait_for_requests(
                2, status=400, why="the client speaks plain HTTP to the HTTPS port"
            )
        )
        == 2
    )
    assert not server.failures()


def test_looking_whether_the_port_is_open_is_no_failure(https):
    server = https(metrics=True)
    for i in range(5):
        with server.raw() as client:
            if i % 2:
                with contextlib.suppress(Exception):
                    client.reset()
    code, _ = server.openssl("-tls1_2", send=b"")
    server.is_well()
    assert code == 0 and not server.failures()
    assert b"gateway_tls_failures_total 0\n" in server.listener.metrics().body


def test_garbage(https):
    server = https()
    rubbish = {
        b"\x00" * 64: "what the client sent is not TLS (BearSSL error 3)",
        b"\x16\x03\x01\xff\xff": "the client broke the protocol (BearSSL error 5)",
        b"\x80\x2e\x01\x00\x02": "what the client sent is not TLS (BearSSL error 3)",
        b"\x15\x03\x03\x00\x02\x02\x2a": "the client ended it with an alert (BearSSL error 298)",
    }
    for count, (data, why) in enumerate(rubbish.items(), 1):
        with server.raw() as client:
            client.send(data)
            assert client.end() in ("closed", "reset")
        assert eventually(lambda count=count: len(server.failures()) == count), server.process.lines
        line = server.failures()[-1]
        assert (
            line["why"] == why
            and line["level"] == "INFO"
            and line["remote"] == "127.0.0.1"
            and line["ms"] >= 0
        )
    with server.raw() as client:
        client.send(Hello(server.context).first[:50])
    assert eventually(lambda: len(server.failures()) == 5)
    server.is_well()


# Of small order, with an encoding that is not the shortest, not on the curve, too short, too long,
# none.
SHARES = {
    "zero": bytes(32),
    "one": b"\1" + bytes(31),
    "p": b"\xed" + b"\xff" * 30 + b"\x7f",
    "short": b"\x09" + bytes(30),
    "long": b"\x09" + bytes(32),
    "255": bytes(255),
    "none": b"",
}


@pytest.mark.parametrize("share", SHARES)
def test_a_key_share_that_is_none(https, share):
    server = https()
    point = SHARES[share]
    exchange = b"\x10" + (len(point) + 1).to_bytes(3, "big") + bytes([len(point)]) + point
    with server.raw() as client:
        client.send(Hello(server.context).first)
        while True:
            kind, _, length = struct.unpack(">BHH", client.read(5))
            record = client.read(length)
            assert kind == 0x16
            if record.endswith(b"\x0e\0\0\0"):
                break
        client.send(struct.pack(">BHH", 0x16, 0x0303, len(exchange)) + exchange)
        assert client.read(7) == b"\x15\x03\x03\0\2\2\x2f"
        assert client.end() == "closed"
    assert (
        server.process.wait_for_log("TLS handshake failed")["why"]
        == "the client sent a key share that cannot be used (BearSSL error 559)"
    )
    server.is_well()


def test_a_slow_handshake_holds_nobody(https):
    server = https()
    hello = Hello(server.context)
    slow = server.raw()
    silent = server.raw()
    began, held = time.monotonic(), Held(server.process.pid)
    for i in range(len(hello.first) - 1):
        slow.send(hello.first[i : i + 1])
        if slow.peer_left():
            break
        if i % 50 == 0:
            assert server.is_well() < 1
        at(began + (i + 1) * 0.03)
    assert HEAD_S - 0.2 < time.monotonic() - began < HEAD_S + 1 + held.seconds
    assert slow.peer_left() and silent.end() == "closed"
    lines = eventually(server.failures)
    assert len(lines) == 1 and lines[0]["why"] == "the handshake was not done within 5 s", lines


def test_a_handshake_of_single_bytes(https):
    """Slow, but not too slow."""
    server = https()
    hello = Hello(server.context)
    with server.raw() as client:
        client.drip(hello.first)
        while not hello.step():
            client.drip(hello.outward.read())
            client.fill()
            hello.inward.write(client.buffer)
            client.buffer = b""
        client.drip(hello.outward.read())
        hello.tls.write(get())
        client.drip(hello.outward.read())
        client.fill()
        hello.inward.write(client.buffer)
        assert b" 200 OK\r\n" in hello.tls.read(4096)


@pytest.mark.parametrize("how", ["nothing", "half a hello", "hello"])
def test_stuck_handshakes(https, how):
    """300 that never go on, and real clients are answered meanwhile."""
    server = https()
    hello = Hello(server.context).first
    stuck = [server.raw() for _ in range(300)]
    for client in stuck:
        client.send({"nothing": b"", "half a hello": hello[: len(hello) // 2], "hello": hello}[how])
    for _ in range(5):
        assert server.is_well() < 3
    began, held = time.monotonic(), Held(server.process.pid)
    for client in stuck:
        with contextlib.suppress(OSError):
            while client.sock.recv(65536):
                pass
        client.sock.close()
    assert time.monotonic() - began < HEAD_S + 2 + held.seconds
    assert eventually(lambda: len(server.failures()) == (0 if how == "nothing" else 300)), len(
        server.failures()
    )
    server.is_well()


# ---- size ----------------------------------------------------------------------------------------


def test_a_thousand_idle_connections(make, https):
    """Each has made a request. One more takes the place of the oldest."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        endpoint = make.endpoint()
        server = https(endpoint=endpoint, GATEWAY_IDLE_TIMEOUT="600")
        server.is_well()
        request = wire_form(slack.command())
        idle = []
        for _ in range(1000):  # each asks before it is too late for that
            idle.append(server.connect())
            assert idle[-1].ask(get()).status == 200
        assert idle[0].ask(request).status == 200
        assert server.listener.rss_below(64 * 1024)
        server.is_well()
        assert idle[1].end() == "closed"
        assert idle[0].ask(get()).status == 200 and idle[999].ask(get()).status == 200
        for client in idle:
            client.sock.close()
        assert eventually(lambda: server.listener.descriptors() < 40)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
