"""Events once: what is the same event, what is remembered of it, and when Slack need not come
again. From both hosts."""

import concurrent.futures
import threading
import time

import pytest

from conftest import Maker
from support import hosts, slack
from support import invoke_endpoint as peer
from support.invoke_endpoint import accepted, failed
from support.machine import Held
from support.wire import eventually, in_some_try

LOOPS = 4
NO_RETRY = {"content-type": "text/plain; charset=utf-8", "x-slack-no-retry": "1"}
RETRY = {"content-type": "text/plain; charset=utf-8"}


class Events:
    """A host that works on several events at once."""

    def __init__(self, make, kind, **env):
        self.kind = kind
        if kind == "lambda":
            api = make.api(concurrency=LOOPS)
            endpoint = make.endpoint()
            runtime = make.runtime(
                endpoint=endpoint, api=api, AWS_LAMBDA_MAX_CONCURRENCY=str(LOOPS), **env
            )
            self.host = hosts.Host(kind, runtime, endpoint)
        else:
            self.host = hosts.start(make, kind, endpoint=make.endpoint(), **env)
        self.endpoint, self.process = self.host.endpoint, self.host.process
        self.count = 0

    def new(self, act=None):
        """An id that was not there before; from here on the endpoint does this."""
        self.count += 1
        self.endpoint.default = act or accepted()
        self.endpoint.requests.clear()
        return f"Ev{self.count:04}{self.kind}"

    def deliver(self, event_id, retry=None, reason="http_timeout", **options):
        headers = (
            [("X-Slack-Retry-Num", str(retry)), ("X-Slack-Retry-Reason", reason)] if retry else []
        )
        return self.host.ask(slack.event(event_id=event_id, headers=headers, **options))


@pytest.fixture(scope="module", params=hosts.HOSTS)
def events(request, tmp_path_factory, pki):
    return Events(Maker(request, tmp_path_factory.mktemp("dedupe"), pki), request.param)


@pytest.fixture(scope="module", params=hosts.HOSTS)
def hasty(request, tmp_path_factory, pki):
    return Events(
        Maker(request, tmp_path_factory.mktemp("hasty"), pki), request.param,
        GATEWAY_TIMEOUT_MS="150",
    )


def test_once(events):
    event_id = events.new()
    for retry in range(4):
        assert events.deliver(event_id, retry) == (200, {}, "")
    assert len(events.endpoint.requests) == 1
    assert events.process.wait_for_log(event_id)["outcome"] == "started before"


def test_it_is_the_id_that_counts(events):
    """Neither the retry's fields nor the event's contents."""
    first, second = events.new(), events.new()
    assert events.deliver(first, 3)[0] == events.deliver(second, 3)[0] == 200
    assert events.deliver(first, members={"event": {"type": "other"}})[0] == 200
    assert len(events.endpoint.requests) == 2


@pytest.mark.parametrize("event_id", [None, "", 5])
def test_without_a_usable_id_every_delivery_is_one(events, event_id):
    events.new()
    assert events.deliver(event_id, 1)[0] == events.deliver(event_id, 2)[0] == 200
    assert len(events.endpoint.requests) == 2


def test_long_ids_count_too(events):
    event_id = events.new() + "x" * 2000
    assert events.deliver(event_id, 1)[0] == events.deliver(event_id, 2)[0] == 200
    assert len(events.endpoint.requests) == 1


def test_app_team_and_target_count_too(events):
    """Two apps that one message names get the same id, and one event may be for two functions."""
    event_id = events.new()
    for _ in range(2):
        for members in ({}, {"api_app_id": "A2"}, {"authorizations": [{"team_id": "T2"}]}):
            assert events.deliver(event_id, members=members)[0] == 200
        assert events.deliver(event_id, path="/eu-west-1/other-fn")[0] == 200
    assert len(events.endpoint.requests) == 4


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_once_for_a_message(make, kind):
    """A mention is an event for itself and as a message: with `once` it starts the function once.
    """
    config = {"routes": [{"event": "*", "invoke": "eu-west-1/my-fn", "once": "message"}]}
    host = hosts.start(make, kind, endpoint=make.endpoint(default=accepted()), config=config)

    def deliver(event_id, ts, channel="C1", **event):
        return host.ask(
            slack.event("/", {"event": {"ts": ts, "channel": channel, **event}}, event_id)
        )

    assert (
        deliver("Ev1", "1.1", type="app_mention")
        == deliver("Ev2", "1.1", type="message")
        == (200, {}, "")
    )
    assert len(host.endpoint.requests) == 1
    deliver("Ev3", "1.2", type="message")
    deliver("Ev4", "1.1", channel="C2", type="message")
    assert len(host.endpoint.requests) == 3
    # without a message it is the event's own id that counts
    for event_id in ("Ev5", "Ev6", "Ev5"):
        host.ask(slack.event("/", {"event": {"type": "reaction_added"}}, event_id))
    assert len(host.endpoint.requests) == 5


def test_others_than_events_are_never_the_same(events):
    event_id = events.new()
    for _ in range(2):
        assert events.host.ask(slack.command(fields={"event_id": event_id}))[0] == 200
        assert (
            events.host.ask(slack.interaction("shortcut", members={"event_id": event_id}))[0] == 200
        )
    assert len(events.endpoint.requests) == 4


def test_deliveries_at_once_wait_for_the_first(events):

    def attempt():
        gate = threading.Event()
        event_id = events.new(peer.later(gate, accepted()))
        with concurrent.futures.ThreadPoolExecutor(LOOPS) as pool:
            answers = [pool.submit(events.deliver, event_id, retry) for retry in range(LOOPS)]
            events.endpoint.wait_for_requests(1)
            time.sleep(0.05)
            early = any(answer.done() for answer in answers)
            gate.set()
            codes = [answer.result()[0] for answer in answers]
        assert len(events.endpoint.requests) == 1
        return not early and codes == [200] * LOOPS

    assert in_some_try(attempt, 5)


def test_one_of_those_that_wait_takes_over(events):
    """When the first is refused for good, the second is tried, and gets its own answer."""

    def attempt():
        gate = threading.Event()
        event_id = events.new(peer.later(gate, failed(404, "ResourceNotFoundException", "no")))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            first = pool.submit(events.deliver, event_id)
            events.endpoint.wait_for_requests(1)
            second = pool.submit(events.deliver, event_id, 1)
            time.sleep(0.05)
            events.endpoint.default = accepted()
            gate.set()
            codes = first.result()[0], second.result()[0]
        return codes == (403, 200) and len(events.endpoint.requests) == 2

    assert in_some_try(attempt, 5)


@pytest.mark.parametrize(
    "act, status, headers",
    [
        (failed(404, "ResourceNotFoundException", "no"), 403, NO_RETRY),
        (failed(403, "AccessDeniedException", "no"), 403, NO_RETRY),
        (failed(400, "InvalidRequestContentException", "no"), 403, NO_RETRY),
        (failed(413, "RequestTooLargeException", "no"), 403, NO_RETRY),
        (failed(429, "TooManyRequestsException", "no"), 503, RETRY),
        (failed(500, "ServiceException", "no"), 503, RETRY),
        (failed(409, "ResourceConflictException", "no"), 503, RETRY),
        (failed(504, "", "no"), 503, RETRY),
        (peer.close, 503, RETRY),
        (peer.raw(b"junk\r\n\r\n"), 503, RETRY),
    ],
    ids=["404", "403", "400", "413", "429", "500", "409", "504", "unknown", "junk"],
)
def test_what_is_not_known_to_be_started_is_not_remembered(events, act, status, headers):
    """And Slack is told not to come again only where that cannot help."""
    event_id = events.new(act)
    assert events.deliver(event_id)[:2] == (status, headers)
    events.endpoint.default = accepted()
    assert events.deliver(event_id, 1) == (200, {}, "")
    count = len(events.endpoint.requests)
    assert events.deliver(event_id, 2) == (200, {}, "") and len(events.endpoint.requests) == count


def test_unsettled(hasty):
    """While the first goes on, every delivery is asked to come again; then the retry is matched
    with it."""
    gate = threading.Event()
    event_id = hasty.new(peer.later(gate, accepted()))
    for retry in range(3):
        began, held = time.monotonic(), Held(hasty.process.pid)
        status, headers, _ = hasty.deliver(event_id, retry)
        assert (status, headers) == (503, RETRY)
        assert time.monotonic() - began < 0.4 + held.seconds
    gate.set()
    assert eventually(lambda: any(line["message"] == "started" for line in hasty.process.lines))
    assert eventually(lambda: hasty.deliver(event_id, 3) == (200, {}, ""))
    assert len(hasty.endpoint.requests) == 1


def test_unsettled_that_fails_in_the_end(hasty):
    gate = threading.Event()
    event_id = hasty.new(peer.later(gate, failed(404, "ResourceNotFoundException", "no")))
    assert hasty.deliver(event_id)[0] == 503
    gate.set()
    assert eventually(lambda: any(line["message"] == "not started" for line in hasty.process.lines))
    hasty.endpoint.default = accepted()
    assert eventually(lambda: hasty.deliver(event_id, 1)[0] == 200)
    assert len(hasty.endpoint.requests) == 2
