"""What the listener takes for a request, and what it refuses: byte by byte over a socket."""

import threading
import time

import pytest

from support import slack
from support.listener import get, serve_once, wire_form  # noqa: F401
from support.wire import Gone, chunked, eventually

BODY_MAX = 1 << 20
HEAD_MAX = 16384
WORKING = {"working": True}


@pytest.fixture(scope="module")
def endpoint(serve_once):  # noqa: F811
    return serve_once.make.endpoint()


@pytest.fixture(scope="module")
def listener(serve_once, endpoint):  # noqa: F811
    return serve_once(endpoint=endpoint)


def post(*fields, line="POST /eu-west-1/my-fn HTTP/1.1", host="Host: example.test", body=b""):
    lines = [line, *([host] if host else []), *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


CHUNKED = "Transfer-Encoding: chunked"

REFUSED = {
    "two lengths": post("Content-Length: 1", "Content-Length: 2", body=b"ab"),
    "two equal lengths": post("Content-Length: 1", "Content-Length: 1", body=b"a"),
    "lengths in a list": post("Content-Length: 1, 1", body=b"a"),
    "length and chunked": post("Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
    "chunked and length": post(CHUNKED, "Content-Length: 5", body=b"0\r\n\r\n"),
    "negative length": post("Content-Length: -1"),
    "length with a plus": post("Content-Length: +1", body=b"a"),
    "length in hexadecimal": post("Content-Length: 0x1", body=b"a"),
    "length with a space": post("Content-Length: 1 1", body=b"a"),
    "length that is empty": post("Content-Length:"),
    "length of 30 digits": post("Content-Length: 123456789012345678901234567890"),
    "length just over 64 bits": post("Content-Length: 18446744073709551617", body=b"a"),
    "chunked twice": post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "chunked, chunked": post("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "gzip, chunked": post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked, identity": post("Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "identity": post("Transfer-Encoding: identity"),
    "xchunked": post("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunked behind a vertical tab": post("Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "chunked in 1.0": post(CHUNKED, line="POST /eu-west-1/my-fn HTTP/1.0", body=b"0\r\n\r\n"),
    "folded line": post("X-A: one", " two"),
    "folded by a tab": post("X-A: one", "\ttwo"),
    "first line folded": b"POST /eu-west-1/my-fn HTTP/1.1\r\n Host: example.test\r\n\r\n",
    "bare LF": b"GET /healthz HTTP/1.1\nHost: example.test\n\n",
    "bare LF in one line": b"GET /healthz HTTP/1.1\r\nHost: example.test\nX: y\r\n\r\n",
    "bare LF at the end": b"GET /healthz HTTP/1.1\r\nHost: example.test\r\n\n",
    "bare CR": b"GET /healthz HTTP/1.1\r\nHost: example.test\r\nX: a\rb\r\n\r\n",
    "CR CR LF": b"GET /healthz HTTP/1.1\r\r\nHost: example.test\r\n\r\n",
    "two empty lines first": b"\r\n\r\n" + get(),
    "absolute form with an empty Host":
        post(line="POST http://example.test/eu-west-1/my-fn HTTP/1.1", host="Host:"),
    "NUL in a value": post("X-A: a\0b"),
    "NUL in a name": post("X\0A: b"),
    "NUL in the target": post(line="POST /eu-west-1/my\0fn HTTP/1.1"),
    "control byte in a value": post("X-A: a\x01b"),
    "delete in a value": post("X-A: a\x7fb"),
    "space before the colon": post("X-A : b"),
    "tab before the colon": post("X-A\t: b"),
    "space before a name": post(" X-A: b"),
    "no colon": post("X-A"),
    "no name": post(": b"),
    "name in quotes": post('"X-A": b'),
    "name outside ASCII": post("X-\xc4: b"),
    "no Host": post(host=None),
    "two Hosts": post("Host: example.test"),
    "Host with a path": post(host="Host: example.test/x"),
    "Host with a user": post(host="Host: user@example.test"),
    "Host list": post(host="Host: a.test, b.test"),
    "absolute form of another host": post(line="POST http://other.test/eu-west-1/my-fn HTTP/1.1"),
    "absolute form of another port":
        post(line="POST http://example.test:81/eu-west-1/my-fn HTTP/1.1"),
    "absolute form with a user": post(line="POST http://u@example.test/eu-west-1/my-fn HTTP/1.1"),
    "absolute form of another scheme":
        post(line="POST ftp://example.test/eu-west-1/my-fn HTTP/1.1"),
    "authority form": b"CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n",
    "target without a slash": post(line="POST eu-west-1/my-fn HTTP/1.1"),
    "asterisk": post(line="POST * HTTP/1.1"),
    "fragment": post(line="POST /eu-west-1/my-fn#x HTTP/1.1"),
    "space in the target": post(line="POST /eu-west-1/my fn HTTP/1.1"),
    "two spaces": post(line="POST  /eu-west-1/my-fn HTTP/1.1"),
    "tab for a space": post(line="POST\t/eu-west-1/my-fn HTTP/1.1"),
    "space at the end": post(line="POST /eu-west-1/my-fn HTTP/1.1 "),
    "no target": post(line="POST HTTP/1.1"),
    "no version": b"GET /healthz\r\n\r\n",
    "HTTP/0.9": b"GET /healthz HTTP/0.9\r\nHost: example.test\r\n\r\n",
    "HTTP/1.2": b"GET /healthz HTTP/1.2\r\nHost: example.test\r\n\r\n",
    "HTTP/1.10": b"GET /healthz HTTP/1.10\r\nHost: example.test\r\n\r\n",
    "HTTP/2.0": b"GET /healthz HTTP/2.0\r\nHost: example.test\r\n\r\n",
    "http/1.1": b"GET /healthz http/1.1\r\nHost: example.test\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "rubbish": b"\xff\xfe\xfd\xfc\r\n\r\n",
    "method with a colon": post(line="PO:ST /eu-west-1/my-fn HTTP/1.1"),
    "chunk size that is empty": post(CHUNKED, body=b"\r\n\r\n"),
    "chunk size with a sign": post(CHUNKED, body=b"+1\r\na\r\n0\r\n\r\n"),
    "chunk size with 0x": post(CHUNKED, body=b"0x1\r\na\r\n0\r\n\r\n"),
    "chunk size with a space before": post(CHUNKED, body=b" 1\r\na\r\n0\r\n\r\n"),
    "chunk size with a space behind": post(CHUNKED, body=b"1 \r\na\r\n0\r\n\r\n"),
    "chunk size of 17 digits": post(CHUNKED, body=b"00000000000000001\r\na\r\n0\r\n\r\n"),
    "chunk size that is no number": post(CHUNKED, body=b"g\r\n"),
    "chunk size with a bare LF": post(CHUNKED, body=b"1\na\r\n0\r\n\r\n"),
    "chunk longer than its size": post(CHUNKED, body=b"1\r\nab\r\n0\r\n\r\n"),
    "chunk with a bare LF behind": post(CHUNKED, body=b"1\r\na\n0\r\n\r\n"),
    "trailer with a bare LF": post(CHUNKED, body=b"0\r\nX: y\n\r\n"),
    "trailer that is folded": post(CHUNKED, body=b"0\r\nX: y\r\n z\r\n\r\n"),
    "chunk extension with a control byte": post(CHUNKED, body=b"1;a=\x01\r\na\r\n0\r\n\r\n"),
    "more framing than content": post(CHUNKED, body=chunked(b"a" * 5000, 1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_400(listener, name):
    with listener.connect() as client:
        answer = client.ask(REFUSED[name] + get() * 2)
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert answer.headers["content-type"] == "application/json" and answer.body.startswith(
            b'{"error":"'
        )
        # What follows is not read as another request, and the end is in good order.
        client.half_close()
        assert client.end() == "closed"


def test_each_refusal_is_logged_once_with_its_reason(serve_once):  # noqa: F811
    listener = serve_once()
    for name, request in REFUSED.items():
        with listener.connect() as client:
            assert client.ask(request).status == 400, name
    lines = listener.wait_for_requests(len(REFUSED))
    assert len(lines) == len(REFUSED)
    for line in lines:
        assert (
            line["status"] == 400
            and line["remote"] == "127.0.0.1"
            and line["why"]
            and line["ms"] >= 0
        )
    # A path is shown where the head could be read.
    assert {line.get("path") for line in lines} == {None, "/eu-west-1/my-fn"}


SIGNED = slack.command()


def as_chunks(request, size=100, extension=b"", trailer=b"", coding="chunked"):
    head, _, body = wire_form(request).partition(b"\r\n\r\n")
    head = head.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: " + coding.encode())
    framed = chunked(body, size).replace(b"\r\n", extension + b"\r\n", 1)
    return head + b"\r\n\r\n" + framed[:-2] + trailer + b"\r\n"


def accepted():
    """Signed when they are asked for."""
    return {
        "absolute form": wire_form(SIGNED).replace(b"POST /", b"POST http://example.test/"),
        "absolute form in other letters":
            wire_form(SIGNED).replace(b"POST /", b"POST HTTPS://EXAMPLE.test/"),
        "an empty Host": wire_form(SIGNED).replace(b"Host: example.test", b"Host:"),
        "one empty line first": b"\r\n" + wire_form(SIGNED),
        "names in capitals": wire_form(SIGNED).replace(b"Content-Length",
            b"CONTENT-LENGTH").replace(b"X-Slack-Signature", b"X-SLACK-SIGNATURE"),
        "no space behind the colon": wire_form(SIGNED).replace(b": ", b":"),
        "blanks around values": wire_form(SIGNED).replace(b": ",
            b": \t ").replace(b"Host: \t example.test", b"Host: example.test \t"),
        "value outside ASCII": wire_form(SIGNED, fields=[("X-A", "gr\xfc\xdfe")]),
        "value that is empty": wire_form(SIGNED, fields=[("X-A", "")]),
        "1.0 with its length": wire_form(SIGNED, http="1.0"),
        "leading zeros in the length":
            wire_form(SIGNED).replace(b"Content-Length: ", b"Content-Length: 000"),
        "chunks": as_chunks(SIGNED),
        "one chunk": as_chunks(SIGNED, 10000),
        "chunks of one byte": as_chunks(SIGNED, 1),
        "chunk extension": as_chunks(SIGNED, extension=b';name="value"'),
        "trailer": as_chunks(SIGNED, trailer=b"X-Checksum: 1\r\nX-Other: \r\n"),
        "Chunked": as_chunks(SIGNED, coding="Chunked"),
    }  # fmt: skip


ACCEPTED = list(accepted())


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(listener, endpoint, name):
    before = len(endpoint.requests)
    with listener.connect() as client:
        assert client.ask(accepted()[name]).status == 200
        if "1.0" not in name:
            assert client.ask(get()).status == 200
    assert len(endpoint.requests) == before + 1


@pytest.mark.parametrize("name", ACCEPTED)
def test_one_byte_at_a_time(listener, endpoint, name):
    before = len(endpoint.requests)
    with listener.connect() as client:
        client.drip(accepted()[name])
        assert client.answer().status == 200
    assert len(endpoint.requests) == before + 1


@pytest.mark.parametrize(
    "name",
    [
        "two lengths", "bare LF in one line", "folded line", "chunk longer than its size",
        "HTTP/2's preface",
    ],
)
def test_refused_one_byte_at_a_time(listener, name):
    with listener.connect() as client:
        try:
            client.drip(REFUSED[name])
        except OSError:
            pass  # it has heard enough
        assert client.answer().status == 400


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 100, 455, 456, 457, 458, 459, 460, 500])
def test_cut_in_two(listener, cut):
    request = wire_form(SIGNED)
    with listener.connect() as client:
        client.send(request[:cut])
        time.sleep(0.01)
        client.send(request[cut:])
        assert client.answer().status == 200


# ---- sizes ---------------------------------------------------------------------------------------


def head_of_size(size):
    start = b"GET /healthz HTTP/1.1\r\nHost: example.test\r\nX-Fill: "
    return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("size", "status"),
    [
        (HEAD_MAX - 1, 200), (HEAD_MAX, 200), (HEAD_MAX + 1, 431), (2 * HEAD_MAX, 431),
        (10 * HEAD_MAX, 431),
    ],
)
def test_head_sizes(listener, size, status):
    with listener.connect() as client:
        assert client.ask(head_of_size(size)).status == status
        if status == 200:
            assert client.ask(get()).status == 200
        else:
            client.half_close()
            assert client.end() == "closed"


def test_head_without_end(listener):
    with listener.connect() as client:
        try:
            client.send(b"GET /" + b"a" * 10_000_000)
        except OSError:
            pass
        assert client.answer().status == 431


@pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 431), (2000, 431)])
def test_field_counts(listener, count, status):
    with listener.connect() as client:
        assert client.ask(get(fields=[f"X{i}: y" for i in range(count - 1)])).status == status


def large(size):
    """A signed form of that size."""
    body = "command=%2Fx&text="
    return slack.SlackRequest(body + "a" * (size - len(body)))


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(
    ("size", "status"),
    [
        (16384, 200), (32768, 200), (BODY_MAX - 1, 200), (BODY_MAX, 200), (BODY_MAX + 1, 413),
        (2 * BODY_MAX, 413),
    ],
)
def test_body_sizes(listener, endpoint, size, status, framing):
    before = len(endpoint.requests)
    request = large(size)
    with listener.connect() as client:
        answer = client.ask(wire_form(request) if framing == "length" else as_chunks(request, 8000))
        assert answer.status == status
        if status == 200:
            assert client.ask(get()).status == 200
        else:
            assert answer.headers["connection"] == "close"
            client.half_close()
            assert client.end() == "closed"
    assert len(endpoint.requests) == before + (status == 200)
    if status == 200:
        assert endpoint.requests[-1].json()["body"]


def test_refused_by_its_length_before_it_comes(listener):
    with listener.connect() as client:
        assert client.ask(wire_form(large(BODY_MAX + 1), body=False)).status == 413
    with listener.connect() as client:
        assert client.ask(post("Content-Length: 9007199254740992")).status == 413
    with listener.connect() as client:
        assert client.ask(post(CHUNKED, body=b"ffffffffffffffff\r\n")).status == 413


def test_a_4xx_is_seen_by_who_goes_on_sending(listener):
    """The rest of a refused request is taken and thrown away, so that no reset swallows the answer.
    """
    with listener.connect() as client:
        client.send(wire_form(large(10 * BODY_MAX), body=False))
        time.sleep(0.05)
        try:
            for _ in range(40):
                client.send(b"a" * 65536)
                time.sleep(0.005)
        except OSError:
            pytest.fail("the connection was reset while the request was still being sent")
        assert client.answer().status == 413


def test_large_bodies_at_once(listener, endpoint):
    """More than there are large buffers: each is served, or told to come again."""
    statuses = []

    def one():
        with listener.connect() as client:
            answer = client.ask(wire_form(large(BODY_MAX), close=True))
            statuses.append((answer.status, answer.headers.get("retry-after")))

    threads = [threading.Thread(target=one) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (
        len(statuses) == 24
        and set(statuses) <= {(200, None), (503, "1")}
        and (200, None) in statuses
    )
    assert listener.ask(get()).status == 200


# ---- what a client may leave to the other side ---------------------------------------------------


def test_expect_continue(listener):
    with listener.connect() as client:
        client.send(wire_form(SIGNED, fields=[("Expect", "100-continue")], body=False))
        assert client.read(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(SIGNED.body)
        assert client.answer().status == 200
        # The next request on the same connection expects nothing.
        assert client.ask(SIGNED).status == 200


def test_expect_continue_with_the_body_there_already(listener):
    with listener.connect() as client:
        assert client.ask(wire_form(SIGNED, fields=[("Expect", "100-Continue")])).status == 200


def test_expect_continue_in_1_0_is_not_answered(listener):
    with listener.connect() as client:
        client.send(wire_form(SIGNED, http="1.0", fields=[("Expect", "100-continue")], body=False))
        time.sleep(0.05)
        client.send(SIGNED.body)
        assert client.answer().status == 200


def test_expect_continue_for_too_large_a_body(listener):
    with listener.connect() as client:
        assert (
            client.ask(
                wire_form(large(BODY_MAX + 1), fields=[("Expect", "100-continue")], body=False)
            ).status
            == 413
        )


@pytest.mark.parametrize("value", ["200-ok", "100-continue, 100-continue", "100-continue;x=y", ""])
def test_other_expectations(listener, value):
    with listener.connect() as client:
        answer = client.ask(wire_form(SIGNED, fields=[("Expect", value)]))
        assert (answer.status, answer.headers["connection"]) == (417, "close")


@pytest.mark.parametrize(
    ("http", "fields", "kept"),
    [
        ("1.1", [], True),
        ("1.1", ["Connection: close"], False),
        ("1.1", ["Connection: CLOSE"], False),
        ("1.1", ["Connection: keep-alive"], True),
        ("1.1", ["Connection: keep-alive, close"], False),
        ("1.1", ["Connection: x", "Connection: close"], False),
        ("1.1", ["Connection: closed"], True),
        ("1.1", ["Connection: upgrade", "Upgrade: h2c"], True),
        ("1.0", [], False),
        ("1.0", ["Connection: keep-alive"], True),
        ("1.0", ["Connection: Keep-Alive"], True),
        ("1.0", ["Connection: keep-alive, close"], False),
    ],
)
def test_connections_are_kept_as_asked(listener, http, fields, kept):
    with listener.connect() as client:
        answer = client.ask(get(http=http, fields=fields))
        assert (answer.status, answer.headers["connection"]) == (
            200,
            "keep-alive" if kept else "close",
        )
        if kept:
            assert client.ask(get()).status == 200
        else:
            assert client.end() == "closed"


def test_1_0_needs_no_host(listener):
    with listener.connect() as client:
        assert client.ask(b"GET /healthz HTTP/1.0\r\n\r\n").status == 200


def test_head_has_no_body(listener):
    with listener.connect() as client:
        answer = client.ask(get(method="HEAD"))
        assert (answer.status, answer.headers["content-length"]) == (200, "3")
        answer = client.ask(get("/eu-west-1/my-fn", method="HEAD"))
        assert answer.status == 405 and int(answer.headers["content-length"]) > 0
        assert client.ask(get()).body == b"ok\n"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW", "post"])
def test_other_methods(listener, method):
    with listener.connect() as client:
        answer = client.ask(get("/eu-west-1/my-fn", method=method))
        assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_options_asterisk(listener):
    with listener.connect() as client:
        answer = client.ask(get("*", method="OPTIONS"))
        assert (answer.status, answer.headers["allow"], answer.body) == (
            204, "GET, HEAD, OPTIONS, POST", b"",
        )
        answer = client.ask(get("/"))
        assert (
            answer.status == 200
            and answer.body.startswith(b"slack-lambda-gateway: ")
            and answer.body.count(b"\n") == 1
        )
        assert client.ask(get("/", method="PUT")).status == 405


@pytest.mark.parametrize("target", ["/healthz", "http://example.test/healthz"])
def test_health(listener, target):
    with listener.connect() as client:
        answer = client.ask(get(target))
        assert (answer.status, answer.headers["content-type"], answer.body) == (
            200, "text/plain", b"ok\n",
        )


# ---- many requests on one connection -------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order(listener, endpoint):
    before = len(endpoint.requests)
    requests, wanted = [], []
    for i in range(50):
        kind = i % 5
        if kind == 0:
            requests.append(get())
            wanted.append((200, b"ok\n"))
        elif kind == 1:
            request = slack.command(f"/eu-west-1/fn-{i}")
            requests.append(wire_form(request))
            wanted.append((200, b"fn-%d@" % i))
        elif kind == 2:
            requests.append(wire_form(slack.command(signature="v0=" + "0" * 64)))
            wanted.append((401, b"error"))
        elif kind == 3:
            requests.append(as_chunks(slack.command(f"/eu-west-1/fn-{i}"), 60))
            wanted.append((200, b"fn-%d@" % i))
        else:
            requests.append(get("/nowhere"))
            wanted.append((405, b"error"))
    with listener.connect() as client:
        client.send(b"".join(requests))
        for status, text in wanted:
            answer = client.answer()
            assert answer.status == status and text in answer.body
        assert client.ask(get()).status == 200
    assert len(endpoint.requests) == before + 20


def test_pipelined_large_and_small(listener):
    with listener.connect() as client:
        thread = threading.Thread(
            target=client.send,
            args=((wire_form(large(BODY_MAX)) + get() + wire_form(large(40000)) + get()) * 3,),
        )
        thread.start()
        for _ in range(3):
            assert [client.answer().status for _ in range(4)] == [200] * 4
        thread.join()


def test_nothing_is_answered_behind_a_request_that_closes(listener):
    with listener.connect() as client:
        client.send(get() + get(fields=["Connection: close"]) + get())
        assert client.answer().headers["connection"] == "keep-alive"
        assert client.answer().headers["connection"] == "close"
        assert client.end() in ("closed", "reset")


def test_what_follows_a_refusal_is_not_a_request(listener, endpoint):
    before = len(endpoint.requests)
    with listener.connect() as client:
        client.send(post("Content-Length: 4", CHUNKED, body=b"0\r\n\r\n") + wire_form(SIGNED))
        assert client.answer().status == 400
        client.half_close()
        assert client.end() == "closed"
    time.sleep(0.05)
    assert len(endpoint.requests) == before


def test_half_closed_clients_get_their_answers(listener):
    with listener.connect() as client:
        client.send(wire_form(SIGNED) + get() + wire_form(SIGNED))
        client.half_close()
        assert [client.answer().status for _ in range(3)] == [200, 200, 200]
        assert client.end() == "closed"


@pytest.mark.parametrize(
    "part", [wire_form(SIGNED)[:100], wire_form(SIGNED)[:-1], as_chunks(SIGNED)[:-1]],
    ids=["head", "body", "chunks"],
)
def test_half_closed_in_the_middle(listener, part):
    with listener.connect() as client:
        client.send(part)
        client.half_close()
        assert client.end() == "closed"


def test_half_closed_without_a_word(listener):
    with listener.connect() as client:
        client.half_close()
        assert client.end() == "closed"


def test_reset_in_the_middle(listener):
    for part in (b"", b"GET", wire_form(SIGNED)[:100], wire_form(SIGNED)[:-1], wire_form(SIGNED)):
        with listener.connect() as client:
            client.send(part)
            with pytest.raises(Gone):
                client.reset()
    assert listener.ask(get()).status == 200


def test_no_descriptor_is_left_behind(listener):
    """Whatever the tests above did to it."""
    assert listener.ask(get()).status == 200
    assert eventually(lambda: any_client(listener) == 0)


def any_client(listener):
    """Established connections of the listener's port, as the kernel counts them."""
    port = f"{listener.address[1]:04X}"
    with open("/proc/net/tcp") as table:
        return sum(
            1 for line in table if line.split()[1].endswith(":" + port) and line.split()[3] == "01"
        )
