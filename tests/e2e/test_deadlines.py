"""Slack is answered in time whatever the endpoint does, and what was begun goes on."""

import threading
import time

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.black_hole import BlackHole
from support.front_doors import ALB, HTTP2, REST, URL, encode
from support.invoke_endpoint import accepted, failed
from support.wire import PATIENCE, eventually

STILL = "Lambda function my-fn@eu-west-1 is still being started..."
EARLIEST, LATEST = 2.4, 2.95


def assert_still(item, earliest=EARLIEST, latest=LATEST):
    assert STILL in item.reply["body"], item.reply
    assert_took(item, earliest, latest)


def assert_took(item, earliest, latest):
    """A busy machine hands an event over later than it was stamped, and delays the answer."""
    passed = item.answered - item.began
    assert earliest <= passed and item.took_at_most(latest), f"answered after {item.took:.3f} s"


def hanging(gate, stage):
    """Options of an endpoint that stops at a stage until `gate` is set, and then goes on as if
    nothing had been."""

    def halves(first, second):
        def act(visit):
            visit.wire.send(first)
            peer.later(gate, lambda v: v.wire.send(second))(visit)

        return act

    return {
        "before-handshake": dict(tls=True, at_accept={"all": peer.handshake_after(gate)}),
        "before-answer": dict(tls=True, default=peer.later(gate, accepted())),
        "before-answer-plain": dict(default=peer.later(gate, accepted())),
        "in-status-line": dict(tls=True,
            default=halves(b"HTTP/1.1 20", b"2 Accepted\r\nContent-Length: 0\r\n\r\n")),
        "before-body-read": dict(tls=True, at_head=lambda visit: gate.wait(PATIENCE)),
    }[stage]


STAGES = [
    "before-handshake", "before-answer", "before-answer-plain", "in-status-line",
    "before-body-read",
]


@pytest.mark.parametrize("stage", STAGES)
def test_endpoint_hangs_and_comes_back(make, stage):
    """The same invocation goes on: one connection, one request."""
    gate = threading.Event()
    endpoint = make.endpoint(open_now=False, **hanging(gate, stage))
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    item = runtime.send(slack.command())
    assert_still(item)
    assert len(runtime.api.nexts) == 1
    gate.set()
    runtime.settled()
    assert len(endpoint.requests) == 1 and len(endpoint.links) == 1
    assert len(runtime.api.invocations) == 1 and item.posts == 1


def test_connection_hangs_and_comes_back(make):
    endpoint = make.endpoint(open_now=False)
    runtime = make.runtime(endpoint=endpoint)
    hole = make.keep(BlackHole(endpoint))
    item = runtime.send(slack.command())
    assert_still(item)
    hole.release()
    runtime.api.wait_for_next(2)
    assert len(endpoint.requests) == 1 and len(endpoint.links) == 1


@pytest.mark.parametrize("timeout_ms", [100, 400, 1000])
def test_the_time_is_configurable(make, timeout_ms):
    gate = threading.Event()
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.later(gate, accepted())),
        GATEWAY_TIMEOUT_MS=str(timeout_ms),
    )
    item = runtime.send(slack.command())
    assert_still(item, timeout_ms / 1000 - 0.02, timeout_ms / 1000 + 0.15)
    gate.set()
    runtime.settled()
    assert len(runtime.endpoint.requests) == 1


@pytest.mark.parametrize(
    "door, field", [(HTTP2, "timeEpoch"), (URL, "timeEpoch"), (REST, "requestTimeEpoch")], ids=str
)
@pytest.mark.parametrize(
    "age_ms, took",
    [(0, 1.0), (400, 0.6), (900, 0.1), (2900, 0.0), (3200, 1.0), (-500, 1.0), (10**9, 1.0)],
)
def test_time_is_counted_from_the_front_door(make, door, field, age_ms, took):
    """A cold start is part of Slack's three seconds; a stamp that cannot be right is not."""
    gate = threading.Event()
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.later(gate, accepted())), GATEWAY_TIMEOUT_MS="1000"
    )
    item = runtime.send(slack.command(), door, epoch_ms=int(time.time() * 1000) - age_ms)
    assert_still(item, max(took - 0.05, 0), took + 0.2)
    gate.set()
    runtime.settled()
    assert len(runtime.endpoint.requests) == 1


@pytest.mark.parametrize("stamp", [None, "soon", 1e300, -1, 1.5, {}, "1700000000000"])
def test_stamps_that_are_none(make, stamp):
    gate = threading.Event()
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.later(gate, accepted())), GATEWAY_TIMEOUT_MS="500"
    )
    event = URL.event(slack.command())
    event["requestContext"]["timeEpoch"] = stamp
    item = runtime.send(encode(event))
    assert_still(item, 0.45, 0.75)
    gate.set()
    runtime.settled()


def test_load_balancers_have_no_stamp(make):
    gate = threading.Event()
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.later(gate, accepted())), GATEWAY_TIMEOUT_MS="500"
    )
    assert_still(runtime.send(slack.command(), ALB), 0.45, 0.75)
    gate.set()
    runtime.settled()


@pytest.mark.parametrize("deadline_ms, latest", [(3000, 2.8), (1000, 0.8), (600, 0.4)])
def test_the_answer_leaves_time_before_lambdas_deadline(make, deadline_ms, latest):
    runtime = make.runtime(endpoint=make.endpoint(default=peer.hang))
    item = runtime.send(slack.command(), deadline_ms=deadline_ms)
    item.wait()
    assert item.took_at_most(latest + 0.1), f"answered after {item.took:.3f} s"
    assert "started" in item.reply["body"]


@pytest.mark.parametrize("stage", ["before-handshake", "before-answer"])
def test_the_work_ends_before_lambdas_deadline(make, stage):
    """300 ms before it at the latest, so that the sandbox is not killed in the middle of something;
    a little earlier if the user still has to be told."""
    endpoint = make.endpoint(open_now=False, **hanging(threading.Event(), stage))
    runtime = make.runtime(endpoint=endpoint, GATEWAY_TIMEOUT_MS="300")
    endpoint.open()
    item = runtime.send(slack.command(), deadline_ms=2000)
    assert_still(item, 0.28, 0.5)
    runtime.api.wait_for_next(2)
    ended = runtime.api.nexts[1] - item.delivered
    assert 1.0 <= ended <= 1.8 + item.held.seconds, f"went on for {ended:.3f} s"
    assert eventually(lambda: runtime.process.logged("WARN", "ERROR"))


def test_after_the_answer_retries_still_happen(make):
    script = [peer.after(0.5, failed(503, "ServiceUnavailable", "no")), accepted()]
    runtime = make.runtime(endpoint=make.endpoint(script=script), GATEWAY_TIMEOUT_MS="200")
    assert_still(runtime.send(slack.command()), 0.18, 0.4)
    runtime.settled()
    assert len(runtime.endpoint.requests) == 2


@pytest.mark.parametrize("kind", ["block_actions", "view_submission", "shortcut"])
def test_interactions_get_their_empty_answer_in_time(make, kind):
    gate = threading.Event()
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.later(gate, accepted())), GATEWAY_TIMEOUT_MS="300"
    )
    item = runtime.send(slack.interaction(kind))
    assert URL.read(item.reply) == (200, {}, "")
    assert_took(item, 0.28, 0.5)
    gate.set()
    runtime.settled()
    assert len(runtime.endpoint.requests) == 1


def test_events_unsettled_in_time_are_to_be_sent_again(make):
    """There is no other way back to Slack."""
    gate = threading.Event()
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.later(gate, accepted())), GATEWAY_TIMEOUT_MS="300"
    )
    item = runtime.send(slack.event())
    status, headers, _ = URL.read(item.reply)
    assert status == 503 and "x-slack-no-retry" not in headers
    assert_took(item, 0.28, 0.5)
    gate.set()
    runtime.settled()
    assert len(runtime.endpoint.requests) == 1


@pytest.mark.parametrize(
    "drip",
    [
        peer.drip(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 0.02),
        peer.drip(b"HTTP/1.1 202 Accepted\r\nx: " + b"y" * 300 + b"\r\n\r\n", 0.005),
    ],
    ids=["slow", "slower"],
)
def test_slow_answers_count_when_they_are_whole(make, drip):
    runtime = make.runtime(endpoint=make.endpoint(tls=True, default=drip))
    assert "has been started" in runtime.text(slack.command())


def test_a_status_line_is_enough(make):
    """202 is 202, whether or not the rest ever comes: the answer does not wait for it."""
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.raw(b"HTTP/1.1 202 Accepted\r\n", then="hang")),
        GATEWAY_TIMEOUT_MS="1000",
    )
    item = runtime.send(slack.command())
    assert "has been started" in item.reply["body"]
    assert item.took_at_most(1.3)


def test_fast_answers_do_not_wait(make):
    runtime = make.runtime(endpoint=make.endpoint(tls=True))
    runtime.text(slack.command())
    times = []
    for _ in range(10):
        item = runtime.send(slack.command())
        times.append(item.took - item.held.seconds)
    assert sorted(times)[5] < 0.05, times


def assert_started_soon(runtime):
    runtime.api.wait_for_next()
    process = runtime.process
    assert runtime.api.nexts[0] - process.started < 0.3 + 0.15 + process.held.seconds


def test_black_holed_endpoint_delays_the_start_by_little(make):
    """What is prepared before the first /next is bounded."""
    endpoint = make.endpoint(open_now=False)
    make.keep(BlackHole(endpoint))
    runtime = make.runtime(endpoint=endpoint, wait=False)
    assert_started_soon(runtime)


@pytest.mark.parametrize(
    "behaviour",
    [peer.never_handshake, peer.close_at_once, peer.reset_at_once,
        peer.refuse_with(b"HTTP/1.1 400 Bad Request\r\n\r\n")],
    ids=["never-handshakes", "closes", "resets", "no-tls"],
)
def test_bad_endpoint_delays_the_start_by_little(make, behaviour):
    runtime = make.runtime(endpoint=make.endpoint(tls=True, at_accept={0: behaviour}), wait=False)
    assert_started_soon(runtime)
    assert "has been started" in runtime.text(slack.command())
