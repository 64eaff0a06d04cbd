"""Whoever is hostile or slow never costs another client its answer: places, buffers and the loop's time are lost by them."""

import contextlib
import socket
import threading
import time

import pytest

from support import slack
from support.listener import Client, command_text, get, serve, wire_form  # noqa: F401
from support.wire import Gone

STARTED = "Lambda function my-fn@eu-west-1 has been started..."
PLACES = 256


class Flood:
    """Opens connections again and again, as many as there are places, each of which does `begin` and no more."""

    def __init__(self, address, begin, sources=("127.0.0.1",)):
        self.address, self.begin, self.sources = address, begin, sources
        self.sockets, self.opened, self.stop = [], 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def open_one(self):
        sock = socket.create_connection(self.address, 5, (self.sources[self.opened % len(self.sources)], 0))
        self.opened += 1
        with contextlib.suppress(OSError):
            sock.sendall(self.begin)
        self.sockets.append(sock)
        if len(self.sockets) > 2 * PLACES:
            self.sockets.pop(0).close()

    def run(self):
        while not self.stop.is_set():
            with contextlib.suppress(OSError):
                self.open_one()
            time.sleep(0.004)  # a place lasts for a second, four times what the young are spared

    def __enter__(self):
        for _ in range(2 * PLACES):
            with contextlib.suppress(OSError):
                self.open_one()
        self.thread.start()
        time.sleep(0.3)  # those of the first rush are young no more
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        for sock in self.sockets:
            sock.close()


MANY = tuple(f"127.0.{i // 8}.{i % 8 + 1}" for i in range(64))


@pytest.mark.parametrize("begin", [b"", b"P", wire_form(slack.command(), body=False)], ids=["silent", "one byte", "a head"])
@pytest.mark.parametrize("sources", [("127.0.0.1",), MANY], ids=["one address", "many"])
def test_flood_of_connections(make, serve, begin, sources):  # noqa: F811
    """Every signed client is served: on a connection that it kept, and on new ones, from the address of the flood."""
    listener = serve(endpoint=make.endpoint(), GATEWAY_CONNECTIONS=str(PLACES))
    with listener.connect() as kept:
        assert command_text(kept.ask(slack.command())) == STARTED
        with Flood(listener.address, begin, sources) as flood:
            for _ in range(50):
                assert listener.text(slack.command()) == STARTED
                assert command_text(kept.ask(slack.command())) == STARTED
            assert flood.opened > 2 * PLACES
    assert listener.process.wait_for_log("no place is left")["level"] == "WARN"


def test_large_buffers_go_to_those_who_sign(make, serve):  # noqa: F811
    """Unsigned bodies that stop in the middle hold them all; a signed large one, and metrics, are served."""
    listener = serve(endpoint=make.endpoint(), metrics=True, GATEWAY_CONNECTIONS="256")
    stuck = []
    forged = wire_form(slack.interaction("block_actions", members={"big": "x" * 100_000}, secret=slack.OTHER_SECRET))
    for _ in range(16):
        client = listener.connect()
        client.send(forged[: len(forged) // 2])
        stuck.append(client)
    large = slack.interaction("block_actions", members={"big": "x" * 40_000})
    for _ in range(20):
        assert listener.ask(large).status == 200
    assert listener.metrics().status == 200
    for client in stuck:
        client.sock.close()


def test_forged_large_bodies_do_not_hold_up_the_loop(make, serve):  # noqa: F811
    """With many secrets each costs a verifier long; health checks and small commands meanwhile cost what they always do."""
    secrets = ",".join([slack.SECRET] + [f"{i:032x}" for i in range(63)])
    listener = serve(endpoint=make.endpoint(), SLACK_SIGNING_SECRET=secrets)
    forged = wire_form(slack.interaction("block_actions", members={"big": "x" * 1_000_000}, secret="no"), close=True)
    stop = threading.Event()
    statuses = []

    def forge():
        while not stop.is_set():
            with contextlib.suppress(Gone, OSError):
                statuses.append(listener.ask(forged).status)

    threads = [threading.Thread(target=forge) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        while not statuses:
            time.sleep(0.01)
        for _ in range(100):
            assert listener.ask(get()).status == 200
        for _ in range(20):
            assert listener.text(slack.command()) == STARTED
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(statuses) <= {401, 503} and 401 in statuses
