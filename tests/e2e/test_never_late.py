"""Slack has its answer in time, whatever happens; the same work goes on, and the user hears how it
ended. From both hosts."""

import json
import threading
import time

import pytest

from conftest import Maker
from support import hosts, slack
from support import invoke_endpoint as peer
from support.hooks import Hooks
from support.invoke_endpoint import accepted, failed
from support.wire import eventually, in_some_try

NAME = "Lambda function my-fn@eu-west-1"
PENDING = NAME + " is still being started..."
TIMEOUT_MS = 250
LATEST = TIMEOUT_MS / 1000 + 0.25
RETRY = {"content-type": "text/plain; charset=utf-8"}

refused = failed(404, "ResourceNotFoundException", "Function not found: <arn>")


class Timed:
    """A host that takes the time."""

    def __init__(self, make, kind, tls=False, **env):
        self.kind, self.make = kind, make
        self.hooks = make.keep(Hooks())
        endpoint = make.endpoint(tls=tls)
        self.host = hosts.start(make, kind, endpoint=endpoint, hooks=self.hooks, **env)
        self.endpoint = endpoint

    def ask(self, request=None):
        """The answer, and after how many seconds it came."""
        request = request or slack.command(fields=hosts.to(self.hooks))
        began = time.monotonic()  # a front door's own time stamp counts, not when the event comes
        if self.kind == "lambda":
            item = self.host.started.send(request)
            status, headers, body = peer_read(item)
            return (status, headers, body), item.answered - began
        return self.host.ask(request), time.monotonic() - began

    def late(self, act, request=None):
        """What is said late, after an answer that could say nothing: `act` is kept back until it
        is there."""
        before = len(self.hooks.requests)
        gate = threading.Event()
        self.endpoint.default = peer.later(gate, act)
        answer, _ = self.ask(request)
        gate.set()
        self.hooks.wait(before + 1)
        return answer, [request.json() for request in self.hooks.requests[before:]]


def peer_read(item):
    reply = item.reply
    return (
        reply["statusCode"], {name.lower(): value for name, value in reply["headers"].items()},
        reply["body"],
    )


def text(answer):
    assert answer[0] == 200, answer
    return json.loads(answer[2])["text"]


@pytest.fixture(scope="module", params=hosts.HOSTS)
def timed(request, tmp_path_factory, pki):
    make = Maker(request, tmp_path_factory.mktemp("late"), pki)
    return Timed(make, request.param, GATEWAY_TIMEOUT_MS=str(TIMEOUT_MS))


@pytest.mark.parametrize("kind", ["command", "event"])
def test_in_time(timed, kind):
    """With a target that says nothing for as long as the answer takes."""

    def attempt():
        gate = threading.Event()
        timed.endpoint.default = peer.later(gate, accepted())
        event = slack.event(event_id=f"Ev{time.monotonic_ns()}")
        answer, took = timed.ask(event if kind == "event" else slack.command())
        gate.set()
        timed.host.settled()
        assert answer[:2] == (503, RETRY) if kind == "event" else text(answer) == PENDING
        assert took > TIMEOUT_MS / 1000 - 0.05
        return took < LATEST

    assert in_some_try(attempt)


# Each ends in something, but not in time: (what the endpoint does once Slack has its answer, how
# the late message begins).
ENDINGS = {
    "accepted": (accepted(), None),
    "refused": (refused, NAME + " could not be started: ResourceNotFoundException"),
    "unknown": (peer.raw(b"HTTP/1.1 202 Acc"), NAME + " may or may not have been started: "),
    "gateway-timeout": (failed(504, "", "no"), NAME + " may or may not have been started: "),
    "slow-answer": (peer.drip(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 0.012),
        NAME + " could not be started: "),
    "limited-for-ever": (failed(429, "TooManyRequestsException", "Rate exceeded"),
        NAME + " could not be started: TooManyRequests"),
    "broken-for-ever": (failed(500, "ServiceException", "no"),
        NAME + " could not be started: ServiceException"),
}


@pytest.mark.parametrize("case", ENDINGS)
def test_commands(timed, case):
    act, says = ENDINGS[case]
    timed.endpoint.requests.clear()
    if says is None:
        before, lines = len(timed.hooks.requests), len(timed.host.process.lines)
        gate = threading.Event()
        timed.endpoint.default = peer.later(gate, act)
        assert text(timed.ask()[0]) == PENDING
        gate.set()
        assert eventually(lambda: "started" in messages_since(timed, lines))
        timed.host.settled()
        assert len(timed.hooks.requests) == before
    else:
        answer, messages = timed.late(act)
        assert text(answer) == PENDING
        assert [sorted(message) for message in messages] == [
            ["replace_original", "response_type", "text"]
        ]
        message = messages[0]
        assert (
            message["text"].startswith(says)
            and message["response_type"] == "ephemeral"
            and message["replace_original"] is False
        )
    assert len(timed.endpoint.requests) <= 4
    if case in ("accepted", "refused", "unknown"):
        assert len(timed.endpoint.requests) == 1, "the same invocation goes on"


def messages_since(timed, lines):
    return [line["message"] for line in timed.host.process.lines[lines:]]


@pytest.mark.parametrize("kind", ["block_actions", "message_action"])
def test_interactions(timed, kind):
    answer, messages = timed.late(
        refused, slack.interaction(kind, members=hosts.to(timed.hooks))
    )
    assert answer == (200, {}, "") and messages[0]["text"].startswith(
        NAME + " could not be started: "
    )


def test_modals(timed):
    urls = [
        {"block_id": "b", "action_id": "a", "channel_id": "C1", "response_url": timed.hooks.url()}
    ]
    answer, messages = timed.late(
        refused,
        slack.interaction("view_submission", members={"response_urls": urls}),
    )
    assert answer == (200, {}, "") and messages[0]["text"].startswith(
        NAME + " could not be started: "
    )


def test_events_have_no_way_back(timed):
    before, lines = len(timed.hooks.requests), len(timed.host.process.lines)
    gate = threading.Event()
    timed.endpoint.default = peer.later(gate, refused)
    answer, _ = timed.ask(slack.event(event_id="Ev0LATE"))
    assert answer[:2] == (503, RETRY)
    gate.set()
    assert eventually(lambda: any("ResourceNotFound" in json.dumps(line)
        for line in timed.host.process.lines[lines:]))
    timed.host.settled()
    # A later message, if there had been another it would have come first.
    timed.late(refused)
    assert len(timed.hooks.requests) == before + 1


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize("stage", ["handshake", "answer"])
def test_over_tls(make, kind, stage):
    """The wait goes on where it was: one connection, one request."""
    gate = threading.Event()
    timed = Timed(make, kind, tls=True, GATEWAY_TIMEOUT_MS=str(TIMEOUT_MS))
    if stage == "handshake":
        timed.endpoint.drop_kept()
        timed.endpoint.at_accept = {"all": peer.handshake_after(gate)}
        timed.endpoint.links.clear()
    timed.endpoint.default = peer.later(gate, accepted())
    answer, took = timed.ask()
    assert text(answer) == PENDING and TIMEOUT_MS / 1000 - 0.05 <= took
    gate.set()
    timed.endpoint.wait_for_requests(1)
    timed.host.process.wait_for_log('"started"')
    assert len(timed.endpoint.requests) == 1 and not timed.hooks.requests


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_first(make, kind):
    """GATEWAY_ACK=first: at once; what becomes of it is told if it is bad."""
    gate = threading.Event()
    timed = Timed(make, kind, GATEWAY_ACK="first", GATEWAY_ACK_TYPE="in_channel")
    timed.endpoint.default = peer.later(gate, refused)
    answer, _ = timed.ask()
    assert json.loads(answer[2]) == {
        "response_type": "in_channel", "text": NAME + " is being started...",
    }
    gate.set()
    assert timed.hooks.wait()[0]["response_type"] == "ephemeral"
    timed.endpoint.default = accepted()
    assert timed.ask(slack.interaction("view_submission"))[0] == (200, {}, "")
    assert timed.ask(slack.event())[0] == (200, {}, "")


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_first_says_nothing_of_what_went_well(make, kind):
    timed = Timed(make, kind, GATEWAY_ACK="first", GATEWAY_ACK_TEXT="{function}[{request_id}]")
    answer, _ = timed.ask()
    assert text(answer) == "my-fn[]"
    timed.host.process.wait_for_log('"started"')
    timed.host.settled()
    # What goes badly afterwards is the first that is told.
    timed.endpoint.default = refused
    timed.ask()
    assert "could not be started" in timed.hooks.wait()[0]["text"]
    assert len(timed.hooks.requests) == 1


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_first_does_not_wait_for_events(make, kind):
    """Slack must know of an event whether to deliver it again."""
    timed = Timed(make, kind, GATEWAY_ACK="first", GATEWAY_TIMEOUT_MS=str(TIMEOUT_MS))
    timed.endpoint.default = refused
    assert timed.ask(slack.event())[0][0] == 403
    gate = threading.Event()
    timed.endpoint.default = peer.later(gate, accepted())
    assert timed.ask(slack.event(event_id="Ev0B"))[0][0] == 503
    gate.set()


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_the_message_does_not_overtake_the_answer(make, kind):
    timed = Timed(make, kind, GATEWAY_ACK="first")
    timed.endpoint.default = refused
    request = slack.command(fields=hosts.to(timed.hooks))

    def after_the_answer():
        """Of the listener's answer we know only when we have read it, which may be late."""
        before = len(timed.hooks.requests)
        if kind == "lambda":
            answered = timed.host.started.send(request).wait().answered
        else:
            timed.host.ask(request)
            answered = time.monotonic()
        timed.hooks.wait(before + 1)
        timed.host.settled()
        return 0.25 < timed.hooks.requests[before].arrived - answered < 1.0

    assert in_some_try(after_the_answer)


def test_first_is_first_also_when_all_workers_are_busy(make):
    gate = threading.Event()
    timed = Timed(make, "serve", GATEWAY_ACK="first", GATEWAY_WORKERS="1")
    timed.endpoint.default = peer.later(gate, accepted())
    for _ in range(3):
        answer, _ = timed.ask()
        assert text(answer) == NAME + " is being started..."
    gate.set()
    timed.endpoint.wait_for_requests(3)


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_nobody_there_until_later(make, kind):
    endpoint = make.endpoint(open_now=False)
    host = hosts.start(make, kind, endpoint=endpoint, GATEWAY_TIMEOUT_MS=str(TIMEOUT_MS))
    answer = host.ask(slack.command())
    assert " could not be started: " in text(answer) or text(answer) == PENDING


def test_short_timeout_of_the_function_leaves_time_for_the_message(make):
    """Lambda's default of three seconds: what is left after the answer is shared."""
    timed = Timed(make, "lambda", GATEWAY_TIMEOUT_MS="400")
    timed.endpoint.default = peer.hang
    api = timed.host.started.api

    def told_before_the_deadline():
        told, nexts = len(timed.hooks.requests), len(api.nexts)
        began = time.monotonic()
        item = timed.host.started.send(
            slack.command(fields=hosts.to(timed.hooks)), deadline_ms=1500
        )
        took = item.wait().answered - began
        api.wait_for_next(nexts + 1)
        return (
            0.35 < took < 0.65
            and [r.json()["text"] for r in timed.hooks.requests[told:]]
            and api.nexts[nexts] - item.delivered < 1.5
        )

    assert in_some_try(told_before_the_deadline)
    assert timed.hooks.wait()[0]["text"].startswith(NAME + " may or may not have been started: ")
