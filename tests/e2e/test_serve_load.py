"""Requests of every kind from many sides at once, while it is scraped, reloaded and told to stop.

LOAD_REQUESTS is how many come from each side."""

import json
import os
import random
import signal
import ssl
import threading
import time

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.hooks import Hooks
from support.listener import get, serve, way_back, wire_form  # noqa: F401
from support.wire import Gone

CLIENTS, REQUESTS = 8, int(os.environ.get("LOAD_REQUESTS", 50))


def moody(seed):
    """An endpoint that accepts, is slow, fails and hangs up, each time differently."""
    dice = random.Random(seed)
    acts = [
        *[peer.accepted()] * 6,
        peer.after(0.03, peer.accepted()),
        peer.after(0.4, peer.accepted()),
        peer.after(0.4, peer.failed(403, "AccessDeniedException", "no")),
        peer.failed(503, "ServiceUnavailableException", "later"),
        peer.failed(404, "ResourceNotFoundException", "none"),
        peer.closing(peer.accepted()),
        peer.close,
    ]
    return lambda visit: dice.choice(acts)(visit)


def requests(dice, hooks, number):
    """Any of what comes along, as bytes."""
    back = {"response_url": way_back(hooks, number)}
    event = f"Ev{dice.randrange(40)}"
    return dice.choice([
        get(),
        get("/metrics"),
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        wire_form(slack.command(fields=back)),
        wire_form(slack.command(fields={**back, "text": "x" * dice.randrange(200_000)})),
        wire_form(slack.command("/eu-central-1/other", fields=back)),
        wire_form(slack.command(secret=slack.OTHER_SECRET)),
        wire_form(slack.command("/local/quick", fields=back)),
        wire_form(slack.command("/local/slow", fields=back)),
        wire_form(slack.command("/local/none", fields=back)),
        wire_form(slack.interaction("block_actions", members=back)),
        wire_form(slack.interaction("view_submission")),
        wire_form(slack.event(event_id=event)),
        wire_form(slack.event(event_id=event)),
        wire_form(slack.json_request({"type": "url_verification", "challenge": "abc"})),
        wire_form(slack.command("/eu-west-1/sync", fields={**back, "command": "/sync"})),
    ])  # fmt: skip


def client(listener, hooks, seed, faults, context=None):
    dice = random.Random(seed)
    done = 0
    try:
        while done < REQUESTS:
            with listener.connect() as one:
                if context:
                    one.sock = context.wrap_socket(one.sock, server_hostname="localhost")
                for _ in range(dice.randrange(1, 30)):
                    batch = [
                        requests(dice, hooks, f"{seed}-{done + i}")
                        for i in range(dice.choice([1, 1, 1, 4]))
                    ]
                    done += len(batch)
                    try:
                        one.send(b"".join(batch))
                        if dice.random() < 0.05:
                            break  # leaves without its answers
                        for _ in batch:
                            if one.answer().headers["connection"] == "close":
                                raise Gone
                    except (Gone, OSError):
                        break
    except (ConnectionRefusedError, ConnectionResetError):
        pass  # it has been told to stop, perhaps when the kernel had accepted this one
    except BaseException as fault:
        faults.append(fault)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_under_mixed_load(make, serve, pki, secure):  # noqa: F811
    hooks = make.keep(Hooks())
    endpoint = make.endpoint(tls=True, default=moody(1), region=None, check=False)
    config = {"routes": [{"command": "/sync", "invoke": "eu-west-1/sync", "mode": "sync"}]}
    arguments, context = [], None
    if secure:
        leaf = pki.leaf()
        arguments = [
            "--tls-cert", pki.file(leaf.chain_pem()), "--tls-key", pki.file(leaf.key_pem()),
        ]
        context = client_context(pki)
    listener = serve(
        *arguments, endpoint=endpoint, hooks=hooks, functions=True, metrics=True,
        GATEWAY_WORKERS="6", GATEWAY_TIMEOUT_MS="250", GATEWAY_CONFIG=json.dumps(config),
        GATEWAY_FUNCTION_LIMIT="3",
    )  # fmt: skip
    listener.functions.add("quick", "echo quick; echo words >&2")
    listener.functions.add("slow", "sleep 0.2; cat | wc -c")
    faults = []
    threads = [
        threading.Thread(target=client, args=(listener, hooks, seed, faults, context))
        for seed in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    while sum(thread.is_alive() for thread in threads) > 2:
        assert listener.metrics().status == 200
        listener.process.terminate(signal.SIGHUP)
        time.sleep(0.2)
    # The last ones are still at it.
    code = listener.stop()
    # A modal that closed, whose function was refused afterwards, has no way back: its user cannot
    # be told.
    assert code == (1 if listener.process.lines[-1]["untold"] else 0), listener.process.lines[-60:]
    for thread in threads:
        thread.join()
    assert not faults, faults
    assert len(listener.requests()) > CLIENTS * REQUESTS / 3


def client_context(pki):
    return ssl.create_default_context(cafile=pki.bundle())
