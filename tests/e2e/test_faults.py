"""The endpoint's bad days: what each is called, how soon Slack hears, and that nothing is started
twice."""

import time

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.front_doors import URL
from support.invoke_endpoint import close_notify, failed
from support.wire import chunked, response

STARTED = " has been started..."
NOT = " could not be started: "
MAYBE = " may or may not have been started: "
STILL = " is still being started..."

ok = b"HTTP/1.1 202 Accepted\r\n"

FAULTS = {
    # id: (behaviour, what is said, requests in all, seconds at most)
    "202": (peer.accepted(), STARTED, 1, 0.3),
    "202-other-reason": (
        peer.raw(b"HTTP/1.1 202 \r\nContent-Length: 0\r\n\r\n", "keep"), STARTED, 1, 0.3,
    ),
    "202-no-reason": (peer.raw(b"HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", "keep"), None, 1, 0.3),
    "202-http-1.0": (peer.raw(b"HTTP/1.0 202 Accepted\r\n\r\n"), STARTED, 1, 0.3),
    "202-chunked": (
        peer.raw(ok + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"{}", 1), "keep"), STARTED,
        1, 0.3,
    ),
    "202-with-body": (peer.raw(response(202, b"x" * 5000), "keep"), STARTED, 1, 0.3),
    "202-until-close": (peer.raw(ok + b"\r\n" + b"x" * 100), STARTED, 1, 0.3),
    "202-after-100": (
        peer.raw(b"HTTP/1.1 100 Continue\r\n\r\n" + response(202), "keep"), STARTED, 1, 0.3,
    ),
    "202-after-many-100": (
        peer.raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + response(202), "keep"), STARTED, 1, 0.3,
    ),
    "202-byte-by-byte": (peer.drip(response(202, b"{}")), STARTED, 1, 1.0),
    "202-then-cut-head": (peer.raw(ok + b"Content-Le"), STARTED, 1, 0.3),
    "202-then-cut-head-reset": (peer.raw(ok + b"Content-Le", "reset"), None, 1, 0.3),
    "202-then-cut-body": (peer.raw(ok + b"Content-Length: 10\r\n\r\nabc"), STARTED, 1, 0.3),
    "202-then-cut-chunk": (
        peer.raw(ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), STARTED, 1, 0.3,
    ),
    "202-then-bad-chunk": (
        peer.raw(ok + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "keep"), STARTED, 1, 0.3,
    ),
    "202-then-two-lengths": (
        peer.raw(ok + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n", "keep"), STARTED, 1, 0.3,
    ),
    "202-then-bare-lf": (peer.raw(ok + b"X: y\nZ: w\r\n\r\n", "keep"), STARTED, 1, 0.3),
    "202-then-control-bytes": (peer.raw(ok + b"X: \x00\x01\r\n\r\n", "keep"), STARTED, 1, 0.3),
    "202-then-endless-head": (peer.endless(ok, b"X-Pad: " + b"y" * 100 + b"\r\n"), STARTED, 1, 0.5),
    "202-then-endless-line": (peer.endless(ok + b"X: ", b"y" * 1000), STARTED, 1, 0.5),
    "202-then-endless-body": (
        peer.endless(
            ok + b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"y" * 1000 + b"\r\n"
        ),
        STARTED,
        1,
        1.0,
    ),
    "202-then-huge-length": (
        peer.raw(ok + b"Content-Length: 99999999999999999999\r\n\r\n"), STARTED, 1, 0.3,
    ),
    "202-and-goodbye": (close_notify(peer.accepted()), STARTED, 1, 0.3),
    "always-429": (failed(429, "TooManyRequestsException", "Rate Exceeded."), NOT, 4, 1.2),
    "always-500": (failed(500, "ServiceException", "no"), NOT, 4, 1.2),
    "always-503": (failed(503, "ServiceUnavailable", "no"), NOT, 4, 1.2),
    "504": (failed(504, "GatewayTimeout", "no"), MAYBE, 1, 0.3),
    "403-html": (
        peer.raw(response(403, b"<html>WAF</html>", [("Content-Type", "text/html")]), "keep"), NOT,
        1, 0.3,
    ),
    "404-cut-body": (
        peer.raw(
            b'HTTP/1.1 404 Not Found\r\nx-amzn-ErrorType: ResourceNotFoundException\r\n'
            b'Content-Length: 99\r\n\r\n{"Mess'
        ),
        NOT,
        1,
        0.3,
    ),
    "404-huge-body": (
        peer.raw(
            response(404, b"x" * 3000000, [("x-amzn-ErrorType", "ResourceNotFoundException")]),
            "keep",
        ),
        NOT,
        1,
        1.0,
    ),
    "404-endless-body": (
        peer.endless(
            b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"3e8\r\n" + b"y" * 1000 + b"\r\n",
        ),
        NOT,
        1,
        1.0,
    ),
    "404-endless-head": (
        peer.endless(b"HTTP/1.1 404 Not Found\r\n", b"X-Pad: " + b"y" * 100 + b"\r\n"), NOT, 1, 1.0,
    ),
    "500-cut-head": (peer.raw(b"HTTP/1.1 500 Oops\r\nContent-"), None, None, 1.5),
    "closed": (peer.close, MAYBE, 1, 0.3),
    "reset": (peer.reset, MAYBE, 1, 0.3),
    "goodbye-only": (close_notify(lambda visit: None), MAYBE, 1, 0.5),
    "cut-status-line": (peer.raw(b"HTTP/1.1 202 Acc"), MAYBE, 1, 0.3),
    "cut-status-line-at-cr": (peer.raw(b"HTTP/1.1 202 Accepted\r"), MAYBE, 1, 0.3),
    "cut-status-line-reset": (peer.raw(b"HTTP/1.1 202 Acc", "reset"), MAYBE, 1, 0.3),
    "empty-line": (peer.raw(b"\r\n\r\n"), MAYBE, 1, 0.3),
    "bare-lf-status-line": (peer.raw(b"HTTP/1.1 202 Accepted\n\n", "keep"), MAYBE, 1, 0.3),
    "garbage": (peer.raw(bytes(range(256)) * 4, "keep"), MAYBE, 1, 0.3),
    "http-2": (peer.raw(b"HTTP/2 202 \r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "http-1.9": (peer.raw(b"HTTP/1.9 202 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "icy": (peer.raw(b"ICY 202 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "lower-case": (peer.raw(b"http/1.1 202 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "status-2020": (peer.raw(b"HTTP/1.1 2020 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "status-20": (peer.raw(b"HTTP/1.1 20 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "status-minus": (peer.raw(b"HTTP/1.1 -02 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "status-099": (peer.raw(b"HTTP/1.1 099 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "status-wraps": (peer.raw(b"HTTP/1.1 4294967498 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "two-spaces": (peer.raw(b"HTTP/1.1  202 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "space-first": (peer.raw(b" HTTP/1.1 202 OK\r\n\r\n", "keep"), MAYBE, 1, 0.3),
    "endless-line": (peer.endless(b"", b"A" * 1000), MAYBE, 1, 0.5),
    "endless-status-line": (peer.endless(b"HTTP/1.1 202 ", b"A" * 1000), MAYBE, 1, 0.5),
    "endless-100": (peer.endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), MAYBE, 1, 2.9),
    "json-only": (peer.raw(b'{"StatusCode":202}'), MAYBE, 1, 0.3),
    "tls-alert-bytes": (peer.raw(b"\x15\x03\x03\x00\x02\x02\x28"), MAYBE, 1, 0.3),
    "101": (
        peer.raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "keep"),
        (MAYBE, NOT, STILL), 1, 2.9,
    ),
    "200": (peer.raw(response(200, b"{}"), "keep"), STARTED, 1, 0.3),
    "204": (peer.raw(b"HTTP/1.1 204 No Content\r\n\r\n", "keep"), (NOT, MAYBE), 1, 0.3),
    "304": (peer.raw(b"HTTP/1.1 304 Not Modified\r\n\r\n", "keep"), NOT, 1, 0.3),
    "999": (peer.raw(b"HTTP/1.1 999 No\r\n\r\n", "keep"), (NOT, MAYBE), 1, 0.3),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_fault(make, fault, tls):
    behaviour, said, requests, seconds = FAULTS[fault]
    endpoint = make.endpoint(tls=tls, default=behaviour, open_now=False)
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    item = runtime.send(slack.command())
    text = URL.read(item.reply)[2]
    assert said is None or any(
        words in text for words in ([said] if isinstance(said, str) else said)
    ), text
    assert item.took_at_most(seconds + 0.15), f"took {item.took:.3f} s"
    if said is not None and STILL not in text:
        runtime.settled()
    assert requests is None or len(endpoint.requests) == requests
    endpoint.default = peer.accepted()
    endpoint.script.clear()
    if runtime.process.alive and STILL not in text:
        assert STARTED in runtime.text(
            slack.command("/eu-west-1/after")
        ), "the next one must not suffer"


def test_reused_connection_gets_the_same_faults(make):
    """The faults on a connection that has served before, for those that end within the answer."""
    for fault in ("cut-status-line", "garbage", "empty-line", "404-cut-body", "202-then-cut-body"):
        behaviour, said, requests, _ = FAULTS[fault]
        runtime = make.runtime(endpoint=make.endpoint(script=[peer.accepted(), behaviour]))
        runtime.text(slack.command("/eu-west-1/first"))
        assert said in runtime.text(slack.command()), fault
        assert len(runtime.endpoint.requests) == 1 + requests


def test_memory_does_not_grow(make):
    """A process lives for hours: nothing is gathered on the way."""

    def resident():
        with open(f"/proc/{runtime.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    runtime = make.runtime(endpoint=make.endpoint(tls=True))
    for _ in range(20):
        runtime.text(slack.command())
    before = resident()
    for _ in range(200):
        runtime.text(slack.command())
    assert resident() - before <= 64, "KiB"


def test_descriptors_do_not_grow(make):
    import os

    behaviours = [
        peer.close,
        peer.raw(b"junk"),
        peer.reset,
        peer.accepted(),
        failed(404, "ResourceNotFoundException", "no"),
    ] * 8
    runtime = make.runtime(endpoint=make.endpoint(tls=True, script=behaviours, check=False))
    runtime.text(slack.command())
    before = len(os.listdir(f"/proc/{runtime.process.pid}/fd"))
    for _ in range(30):
        runtime.text(slack.command())
    runtime.settled()
    assert len(os.listdir(f"/proc/{runtime.process.pid}/fd")) <= before + 1
