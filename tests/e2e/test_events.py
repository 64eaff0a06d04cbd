"""Events of the Events API: at most one invocation for each, whatever Slack delivers twice."""

import threading

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.front_doors import URL
from support.invoke_endpoint import accepted, failed


def test_second_delivery_starts_nothing(make):
    runtime = make.runtime()
    for num in (None, "1", "2"):
        headers = (
            [("X-Slack-Retry-Num", num), ("X-Slack-Retry-Reason", "http_timeout")] if num else []
        )
        assert runtime.ask(slack.event(headers=headers)) == (200, {}, "")
    runtime.settled()
    assert len(runtime.endpoint.requests) == 1


def test_other_events_are_others(make):
    runtime = make.runtime()
    for i in range(5):
        assert runtime.ask(slack.event(event_id=f"Ev{i}"))[0] == 200
    assert len(runtime.endpoint.requests) == 5


@pytest.mark.parametrize("event_id", [None, "", 5])
def test_events_without_an_id_are_never_the_same(make, event_id):
    runtime = make.runtime()
    for _ in range(2):
        assert runtime.ask(slack.event(event_id=event_id))[0] == 200
    assert len(runtime.endpoint.requests) == 2


@pytest.mark.parametrize(
    "first, count",
    [(failed(503, "ServiceUnavailable", "no"), 4),
        (failed(404, "ResourceNotFoundException", "no"), 1), (peer.close, 1)],
    ids=["failed", "refused", "unknown"],
)
def test_what_failed_is_not_remembered(make, first, count):
    endpoint = make.endpoint(script=[first] * count, open_now=False)
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    assert runtime.ask(slack.event())[0] >= 400
    assert runtime.ask(slack.event())[0] == 200
    assert len(endpoint.requests) == count + 1


def test_the_retry_of_one_that_was_late_is_matched_with_it(make):
    gate = threading.Event()
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.later(gate, accepted())), GATEWAY_TIMEOUT_MS="300"
    )
    assert runtime.ask(slack.event())[0] == 503
    gate.set()
    runtime.settled()
    assert runtime.ask(slack.event())[0] == 200
    assert len(runtime.endpoint.requests) == 1


def test_second_delivery_waits_for_the_first(make):
    """With several loops in one process they can be there at once."""
    gate = threading.Event()
    api = make.api(concurrency=2)
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.later(gate, accepted())),
        api=api,
        AWS_LAMBDA_MAX_CONCURRENCY="2",
    )
    items = [runtime.send(slack.event()) for _ in range(2)]
    runtime.endpoint.wait_for_requests(1)
    gate.set()
    assert [URL.read(item.reply)[0] for item in items] == [200, 200]
    assert len(runtime.endpoint.requests) == 1
