"""The Runtime API as it is, and as it is on a bad day."""

import json
import time

import pytest

from support import runtime_api, slack
from support.front_doors import URL, encode
from support.runtime_api import ANSWER_MAX, close, raw, refuse, reset
from support.wire import PATIENCE, eventually, response

STARTED = "Lambda function my-fn@eu-west-1 has been started..."


def padded(size, path="/eu-west-1/my-fn"):
    """An event of exactly `size` bytes."""
    event = URL.event(slack.command(path))
    event["stageVariables"] = {"pad": ""}
    event["stageVariables"]["pad"] = "x" * (size - len(encode(event)))
    return encode(event)


@pytest.mark.parametrize("framing", ["length", "one-byte", 1, 7, 2048, 4096, 1 << 20], ids=str)
def test_framing(make, framing):
    runtime = make.runtime()
    event = padded(4000)
    assert URL.read(runtime.send(event, framing=framing).reply)[0] == 200
    runtime.settled()
    assert runtime.endpoint.only.body == event


@pytest.mark.parametrize(
    "size", [2047, 2048, 2049, 16383, 16384, 16385, 65536, 1 << 20, 6 << 20, ANSWER_MAX]
)
@pytest.mark.parametrize("framing", ["length", "auto"])
def test_size_of_the_event(make, size, framing):
    runtime = make.runtime()
    event = padded(size)
    item = runtime.send(event, framing=framing)
    assert URL.read(item.reply)[0] == 200
    runtime.settled()
    assert runtime.endpoint.only.body == event
    assert STARTED in runtime.text(slack.command())


def test_event_cut_by_the_service(make):
    """Over 6,291,556 bytes are cut without notice: what is left is no JSON, and still wants an
    answer."""
    runtime = make.runtime()
    whole = padded(ANSWER_MAX + 1000)
    item = runtime.api.send(whole, sent=whole[:ANSWER_MAX])
    status, _, _ = URL.read(item.reply)
    assert status in (400, 413)
    assert STARTED in runtime.text(slack.command())
    assert len(runtime.endpoint.requests) == 1


@pytest.mark.parametrize(
    "event",
    [b"", b"{", b"nul", b"{}x", b"\xff", b"\x00", b"[" * 5000, b'{"a":' * 3000, b'"', b" "],
    ids=lambda e: ascii(e)[:14],
)
def test_event_that_is_no_json(make, event):
    runtime = make.runtime()
    item = runtime.send(event).wait()
    assert item.errors or isinstance(item.reply, dict)
    runtime.settled()
    assert not runtime.endpoint.requests
    assert STARTED in runtime.text(slack.command())


@pytest.mark.parametrize(
    "fields",
    [
        [("Lambda-Runtime-Client-Context", ""), ("Lambda-Runtime-Cognito-Identity", ""),
            ("Lambda-Runtime-Trace-Id", "")],
        [("Lambda-Runtime-Aws-Tenant-Id", "t1"), ("X-Unknown", "y" * 8000)],
        [("Set-Cookie", "a=b")] * 50,
    ],
    ids=["empty", "unknown-and-long", "many"],
)
def test_header_fields_of_an_event(make, fields):
    runtime = make.runtime(api=make.api(always_fields=fields))
    for _ in range(3):
        assert runtime.text(slack.command()) == STARTED


def test_one_connection_for_everything(make):
    runtime = make.runtime()
    for _ in range(20):
        assert runtime.text(slack.command()) == STARTED
    runtime.settled()
    assert runtime.api.connections == 1
    assert len(runtime.api.nexts) == 21


def test_connection_closed_after_every_post(make):
    runtime = make.runtime(api=make.api(close_after_answer=True))
    for _ in range(5):
        assert runtime.text(slack.command()) == STARTED
    runtime.settled()


def test_connection_closed_while_it_waits(make):
    """As after a thaw: the kept connection is gone."""
    runtime = make.runtime()
    runtime.text(slack.command())
    runtime.settled()
    runtime.api.put(close)
    runtime.api.wait_for_next(3)
    assert runtime.text(slack.command()) == STARTED


@pytest.mark.parametrize(
    "trouble",
    [
        close,
        reset,
        refuse(500),
        refuse(403, "InvalidStateTransition"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
        raw(b"garbage\r\n\r\n"),
        raw(b"\n"),
        raw(response(200, b"{}")),
        raw(response(200, b"{}", [("Lambda-Runtime-Aws-Request-Id", "")])),
    ],
    ids=[
        "close", "reset", "500", "403", "cut-head", "cut-body", "garbage", "newline",
        "no-request-id", "empty-request-id",
    ],
)
def test_next_that_fails_for_ever(make, trouble):
    """Three tries, then the process ends so that the sandbox is replaced."""
    runtime = make.runtime()
    for _ in range(20):
        runtime.api.put(trouble)
    assert runtime.process.wait_exit() == 1
    assert 1 <= len(runtime.api.nexts) <= 4
    assert runtime.process.logged("ERROR")


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("trouble", [close, reset], ids=["close", "reset"])
def test_next_that_fails_for_a_while(make, trouble, times):
    runtime = make.runtime()
    for _ in range(times):
        runtime.api.put(trouble)
    assert runtime.text(slack.command()) == STARTED
    for _ in range(times):
        runtime.api.put(trouble)
    assert runtime.text(slack.command()) == STARTED, "a success starts the count again"


def test_runtime_api_that_is_not_there(make):
    api = make.api(open_now=False)
    runtime = make.runtime(api=api, wait=False)
    assert runtime.process.wait_exit() == 1
    assert runtime.process.logged("ERROR")


@pytest.mark.parametrize("status", [400, 403, 410, 413])
def test_answer_that_is_refused(make, status):
    """Told in the log; the next event is served."""
    runtime = make.runtime()
    item = runtime.send(slack.command(), statuses=(status,)).wait()
    assert item.posts == 1
    assert runtime.text(slack.command()) == STARTED
    assert runtime.api.redeliveries == 0
    assert runtime.process.logged("WARN", "ERROR")


def test_answer_that_breaks_the_container(make):
    """500 is documented as not recoverable."""
    runtime = make.runtime()
    runtime.send(slack.command(), statuses=(500,)).wait()
    assert runtime.process.wait_exit() == 1


@pytest.mark.parametrize("how", ["close", "reset"])
def test_answer_that_gets_no_answer(make, how):
    """Either it is posted once more or given up; never a loop, never a second start."""
    runtime = make.runtime()
    item = runtime.send(slack.command(), statuses=(how, 202))
    assert eventually(lambda: not runtime.process.alive or len(runtime.api.nexts) > 1)
    if runtime.process.alive:
        assert runtime.text(slack.command()) == STARTED
    else:
        assert runtime.process.wait_exit() == 1
    assert item.posts <= 2 and item.deliveries == 1
    assert len(runtime.endpoint.requests) <= 2


@pytest.mark.parametrize(
    "request_id", ["x", "8476a536-e9f4-11e8-9739-2dfe598c3fcd", "a" * 64, "A-Z_9"]
)
def test_request_id(make, request_id):
    runtime = make.runtime()
    item = runtime.api.send(encode(URL.event(slack.command())), request_id=request_id)
    assert URL.read(item.reply)[0] == 200


@pytest.mark.parametrize("request_id", ["../../init/error", "a b", "a/b", "x?y", "a%0d%0ab"])
def test_request_id_that_does_not_belong_into_a_path(make, request_id):
    """Nothing is posted to a place that the peer made up."""
    runtime = make.runtime()
    runtime.api.put(
        raw(response(200, b"{}", [("Lambda-Runtime-Aws-Request-Id", request_id)]), then_close=False)
    )
    assert eventually(
        lambda: not runtime.process.alive or len(runtime.api.nexts) > 1 or runtime.api.problems
    )
    assert not runtime.api.init_errors
    runtime.api.problems[:] = [p for p in runtime.api.problems if not p.startswith("POST to")]
    assert not runtime.api.problems
    if not runtime.process.alive:
        assert runtime.process.wait_exit() == 1


@pytest.mark.parametrize("value", ["", "soon", "-5", "99999999999999999999", "0", "1e3"])
def test_deadline_that_makes_no_sense(make, value):
    """Better the usual time than none."""
    runtime = make.runtime()
    item = runtime_api.Invocation(encode(URL.event(slack.command())))
    item.head_fields = lambda: [
        ("Lambda-Runtime-Aws-Request-Id", item.request_id),
        ("Lambda-Runtime-Deadline-Ms", value),
    ]
    runtime.api.put(item)
    status, _, body = URL.read(item.reply)
    assert status == 200 and ("started" in body)
    assert STARTED in runtime.text(slack.command())


def test_no_deadline_at_all(make):
    runtime = make.runtime()
    item = runtime_api.Invocation(encode(URL.event(slack.command())))
    item.head_fields = lambda: [("Lambda-Runtime-Aws-Request-Id", item.request_id)]
    runtime.api.put(item)
    assert STARTED in URL.read(item.reply)[2]


def test_waiting_for_an_event_costs_nothing(make):
    runtime = make.runtime()

    def ticks():
        with open(f"/proc/{runtime.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(0.6)
    assert ticks() - before <= 1
    assert len(runtime.api.nexts) == 1


def test_arguments_make_it_something_else(make):
    """Only without arguments is it the runtime."""
    api = make.api()
    process = make.process(
        make.environment(api, make.endpoint()), name="bootstrap", args=["--version"]
    )
    process.process.wait(PATIENCE)
    process.expected_exit = 0
    assert process.process.returncode == 0 and not api.nexts
    for reader in process.readers:
        reader.join(2)
    assert process.stdout
    process.stdout = b""


def test_the_log_warns_of_a_timeout_of_three_seconds(make):
    """Lambda's default leaves no time for what comes after the answer."""
    runtime = make.runtime()
    for _ in range(2):
        runtime.text(slack.command(), deadline_ms=3000)
        runtime.settled()
        warned = [line for line in runtime.process.logged("WARN") if "30 s" in line["message"]]
        assert len(warned) == 1, "once is enough"
