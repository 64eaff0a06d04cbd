"""Handshakes of the HTTPS listener for a second of its processor time, beside listeners in Go and
Rust that are shown the same certificates. TLS 1.2 throughout, which is what the gateway speaks; the
suites and groups are the servers' choice."""

import socket
import ssl
import subprocess
import time

from listener import Gateway, cpu_seconds
from stand import RIVAL_COMMANDS, built_rivals, free_port

from support.listener import get

BATCHES, BATCH = 10, 50
COLUMNS = ("gateway", "rust", "go")
KEYS = {"rsa2048": "RSA-2048", "p256": "P-256"}


class Rival:
    """One that serves HTTPS with a pair of files."""

    def __init__(self, stand, name, chain, key):
        self.address = ("127.0.0.1", free_port())
        self.process = subprocess.Popen(
            [*RIVAL_COMMANDS[name], "serve", "%s:%d" % self.address, chain, key], stderr=stand.log
        )
        for _ in range(200):
            try:
                socket.create_connection(self.address, 1).close()
                return
            except OSError:
                time.sleep(0.02)

    def close(self):
        self.process.terminate()
        self.process.wait()


class Client:
    """Makes handshakes with one server and adds up what they cost it."""

    def __init__(self, stand, server, kind):
        self.server = server
        self.context = ssl.create_default_context(cafile=stand.endpoint.bundles[kind])
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.spent = {False: 0.0, True: 0.0}
        self.session = self.visit(None)
        assert self.session

    def visit(self, session):
        with socket.create_connection(self.server.address, 30) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.context.wrap_socket(
                sock, server_hostname="localhost", session=session
            ) as secure:
                assert secure.session_reused == bool(session)
                secure.sendall(get(fields=["Connection: close"]))
                while secure.recv(65536):
                    pass
                return secure.session

    def batch(self, resumed):
        """A server keeps so many sessions; hundreds of full handshakes may have displaced the last
        one."""
        if resumed:
            self.session = self.visit(None)
        before = cpu_seconds(self.server.process.pid)
        for _ in range(BATCH):
            self.visit(self.session if resumed else None)
        self.spent[resumed] += cpu_seconds(self.server.process.pid) - before

    def rate(self, resumed):
        return BATCHES * BATCH / max(self.spent[resumed], 0.01)


def measure(stand, table):
    table.start(
        "HTTPS listener, connections with one request for a second of its processor time",
        columns=COLUMNS,
    )
    for kind, title in KEYS.items():
        chain, key = stand.folder / f"{kind}.pem", stand.folder / f"{kind}.key"
        servers = {"gateway": Gateway(stand, ["--tls-cert", chain, "--tls-key", key])}
        try:
            for name in COLUMNS[1:]:
                if name in built_rivals():
                    servers[name] = Rival(stand, name, chain, key)
            measure_kind(
                stand, table, title,
                {name: Client(stand, server, kind) for name, server in servers.items()},
            )
        finally:
            for server in servers.values():
                server.close()


def measure_kind(stand, table, title, clients):
    for _ in range(BATCHES):
        for resumed in (False, True):
            for client in clients.values():
                client.batch(resumed)
    full = {name: client.rate(False) for name, client in clients.items()}
    wanted = (
        {"goal": ">= go", "met": full["gateway"] >= full["go"]}
        if title == "P-256" and "go" in full
        else {}
    )
    table.row(f"{title}, full handshake", **wanted, **full)
    table.row(f"{title}, resumed", **{name: client.rate(True) for name, client in clients.items()})
