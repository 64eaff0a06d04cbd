"""Somebody who wants the listener to have no time and no place for others, as a process of its own.

It takes every place at once with connections that send a byte, or nothing where there is TLS, and
from then on, at the rates that it is told, opens further ones, makes whole handshakes, and sends
forged bodies of 1 MiB. What the listener closes is opened again by the next; what it does not close
is held, as many as `hold`."""

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from itertools import cycle
from pathlib import Path

PATIENCE_S = 10
BODY = 1 << 20
FORGED = (
    "POST /eu-west-1/my-fn HTTP/1.1\r\nHost: example.test\r\nContent-Type: application/json\r\n"
    "X-Slack-Signature: v0={}\r\nX-Slack-Request-Timestamp: {}\r\nConnection: close\r\n"
    "Content-Length: {}\r\n\r\n"
)
ONE = ("127.0.0.1",)
MANY = tuple(f"127.0.0.{i}" for i in range(1, 65))


class Flood:
    """`rates`: "open", "handshake", "forge", each by the second; "handshake" makes it one of HTTPS.
    As a context manager it floods; it begins when every place was taken and each kind was done
    once. `done` counts."""

    def __init__(self, address, sources=ONE, hold=1000, **rates):
        self.told = json.dumps(
            {"address": address, "sources": sources, "hold": hold, "rates": rates}
        )
        self.done = {}

    def __enter__(self):
        command = ["/usr/bin/python3", str(Path(__file__).resolve()), self.told]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "begun\n"
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate()
        self.done = json.loads(out)


class Attacker:
    def __init__(self, address, sources, hold, rates):
        self.address, self.sources, self.hold, self.rates = (
            tuple(address), cycle(sources), hold, rates,
        )
        self.held, self.counts, self.stop = deque(), Counter(), threading.Event()
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    # ---- what is done once -----------------------------------------------------------------------

    def dial(self):
        return socket.create_connection(self.address, PATIENCE_S, (next(self.sources), 0))

    def keep(self, sock):
        self.held.append(sock)
        if len(self.held) > self.hold:
            self.held.popleft().close()

    def open(self):
        sock = self.dial()
        self.keep(sock)
        if "handshake" not in self.rates:
            sock.sendall(b"P")

    def handshake(self):
        self.keep(self.tls.wrap_socket(self.dial(), server_hostname="localhost"))

    def forge(self):
        sock = self.dial()
        if "handshake" in self.rates:
            sock = self.tls.wrap_socket(sock, server_hostname="localhost")
        with sock:
            sock.sendall(FORGED.format("0" * 64, int(time.time()), BODY).encode() + b"{" * BODY)
            assert sock.recv(65536)

    # ---- and again -------------------------------------------------------------------------------

    def attempt(self, kind):
        try:
            getattr(self, kind)()
            self.counts[kind] += 1
        except (OSError, AssertionError):
            self.counts[kind + " failed"] += 1

    def repeat(self, kind, number, threads):
        """Every `threads`-th of the moments that the rate makes; one that has passed is left out.
        """
        turn = number
        while not self.stop.wait(max(0.0, self.began + turn / self.rates[kind] - time.monotonic())):
            self.attempt(kind)
            turn += threads
            while self.began + turn / self.rates[kind] < time.monotonic() - 1:
                turn += threads

    def run(self):
        for _ in range(self.hold):
            with contextlib.suppress(OSError):
                self.open()
        for kind in self.rates:
            self.attempt(kind)
        print("begun", flush=True)
        self.began = time.monotonic()
        many = {"open": 2, "handshake": 8, "forge": 8}
        threads = [
            threading.Thread(target=self.repeat, args=(kind, number, many[kind]), daemon=True)
            for kind in self.rates
            for number in range(many[kind])
        ]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        self.counts["seconds"] = time.monotonic() - self.began
        self.stop.set()
        print(json.dumps(self.counts), flush=True)


if __name__ == "__main__":
    Attacker(**json.loads(sys.argv[1])).run()
