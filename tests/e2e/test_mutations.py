"""Events and answers with a little damage: whatever comes, an answer goes out and the process
lives."""

import random

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.front_doors import ALL, encode
from support.wire import PATIENCE, response

PIECES = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"-1",
    b"1e999",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\\u0000",
    b"\\ud800",
    b"true",
    b"%",
    b"%2F",
    b"/",
    b" ",
    b"\n",
    b"0" * 50,
    b"A" * 300,
    b'"headers":',
    b'"body":',
    b'"isBase64Encoded":true,',
    b'"requestContext":{"elb":{}},',
]


def damaged(data, rng, pieces=PIECES):
    """One to three small changes: a byte, a cut, a doubled stretch, something put in."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data) + 1)
        how = rng.randrange(5)
        if how == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            del data[at : at + rng.randint(1, 20)]
        elif how == 2:
            data[at:at] = data[at : at + rng.randint(1, 200)]
        elif how == 3:
            del data[at:]
        else:
            data[at:at] = rng.choice(pieces)
    return bytes(data)


@pytest.mark.parametrize("door", ALL, ids=str)
@pytest.mark.parametrize("skip_verify", ["0", "1"], ids=["verified", "unverified"])
def test_damaged_events(make, door, skip_verify):
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    # What is damaged may still be JSON to us and not to the strictest reader; that is the
    # endpoint's business here.
    runtime = make.runtime(
        endpoint=make.endpoint(check=False), GATEWAY_INSECURE_SKIP_VERIFY=skip_verify
    )
    makers = [
        slack.command,
        slack.event,
        lambda: slack.interaction("block_actions"),
        lambda: slack.command(method="GET", query="ssl_check=1"),
    ]
    for i in range(120):
        event = damaged(encode(door.event(makers[i % 4](), as_base64=bool(i & 8))), rng)
        # What is invalid UTF-8 on Slack's side may stand in a log line about it, but never what it
        # says.
        item = runtime.api.send(event, framing="length")
        assert item.done.wait(PATIENCE), f"seed {seed}, event {i}: not answered: {event!r}"
        assert item.answer == b"{}" or item.reply["statusCode"] in (
            200,
            400,
            401,
            405,
            413,
            500,
            503,
            403,
            404,
        ), f"seed {seed}, event {i}: {item.answer!r}"
    assert "has been started" in runtime.text(slack.command()), f"seed {seed}"
    assert len({request.body for request in runtime.endpoint.requests}) == len(
        runtime.endpoint.requests
    ), f"seed {seed}"


GOOD_ANSWERS = [
    response(202, b"", [("x-amzn-RequestId", "1"), ("Date", "Thu, 01 Jan 2026 00:00:00 GMT")]),
    response(404, b'{"Type":"User","Message":"Function not found"}',
        [("x-amzn-ErrorType", "ResourceNotFoundException")]),
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n"
    b"Connection: keep-alive\r\n\r\nhello",
    response(
        403,
        b'{"message":"Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"}',
        [("x-amzn-ErrorType", "InvalidSignatureException"),
            ("Date", "Thu, 01 Jan 2026 00:00:00 GMT")],
    ),
]
HTTP_PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b":",
    b" ",
    b"\t",
    b"\x00",
    b"\xff",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: -1\r\n",
    b"X: " + b"y" * 20000 + b"\r\n",
    b"A: b\r\n" * 200,
    b"HTTP/1.1 ",
    b"202",
    b"0\r\n",
    b"ffffffffffffffff\r\n",
    b"0x5\r\n",
]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_damaged_answers(make, tls):
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    sent = []

    def act(visit):
        sent.append(damaged(rng.choice(GOOD_ANSWERS), rng, HTTP_PIECES))
        peer.raw(sent[-1])(visit)

    runtime = make.runtime(endpoint=make.endpoint(tls=tls, default=act, check=False))
    for i in range(120):
        item = runtime.send(slack.command())
        assert item.done.wait(PATIENCE), f"seed {seed}, answer {i}: {sent[-1]!r}"
        assert (
            "start" in item.reply["body"]
        ), f"seed {seed}, answer {i}: {item.answer!r} after {sent[-1]!r}"
        if "has been started" in item.reply["body"]:
            assert any(
                b"202" in answer for answer in sent[-4:]
            ), f"seed {seed}, answer {i}: started by {sent[-1]!r}"
    runtime.settled()
    runtime.endpoint.default = peer.accepted()
    assert "has been started" in runtime.text(slack.command()), f"seed {seed}"
