"""Lambda Managed Instances: as many `/next` calls as the environment says, each on a connection of
its own."""

import threading
import time

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.front_doors import URL, encode
from support.invoke_endpoint import accepted, failed


def several(make, count, endpoint=None, **env):
    api = make.api(
        concurrency=count,
        always_fields=[
            ("Lambda-Runtime-Client-Context", ""),
            ("Lambda-Runtime-Cognito-Identity", ""),
        ],
    )
    runtime = make.runtime(
        endpoint=endpoint,
        api=api,
        AWS_LAMBDA_MAX_CONCURRENCY=str(count),
        AWS_LAMBDA_INITIALIZATION_TYPE="lambda-managed-instances",
        **env,
    )
    api.wait_for_next(count)
    return runtime


@pytest.mark.parametrize("count", [2, 4, 16, 64])
def test_that_many_wait(make, count):
    runtime = several(make, count)
    time.sleep(0.1)
    assert runtime.api.most_waiting == count and len(runtime.api.nexts) == count
    assert runtime.api.connections == count


def test_one_is_one(make):
    runtime = several(make, 1)
    assert "has been started" in runtime.text(slack.command())


def test_work_runs_side_by_side(make):
    gate = threading.Event()
    runtime = several(make, 8, make.endpoint(tls=True, default=peer.later(gate, accepted())))
    items = [runtime.send(slack.command(f"/eu-west-1/fn-{i}")) for i in range(8)]
    runtime.endpoint.wait_for_requests(8)
    assert not any(item.done.is_set() for item in items)
    gate.set()
    for i, item in enumerate(items):
        assert f"fn-{i}@eu-west-1 has been started" in item.reply["body"]
    assert sorted(runtime.endpoint.functions) == sorted(f"fn-{i}" for i in range(8))


def test_one_that_hangs_holds_up_nobody(make):
    runtime = several(make, 2, make.endpoint(script=[peer.hang]))
    stuck = runtime.send(slack.command("/eu-west-1/stuck"))
    runtime.endpoint.wait_for_requests(1)
    begin = time.monotonic()
    for i in range(20):
        assert (
            "has been started"
            in URL.read(runtime.send(slack.command(f"/eu-west-1/fn-{i}")).reply)[2]
        )
    assert time.monotonic() - begin < 2 + stuck.held.seconds
    assert stuck.took_at_most(2.95)


def test_many_events(make):
    runtime = several(make, 4, make.endpoint(tls=True))
    items = [runtime.send(slack.command(f"/eu-west-1/fn-{i}")) for i in range(80)]
    for i, item in enumerate(items):
        assert f"fn-{i}@eu-west-1 has been started" in item.wait().reply["body"]
    assert sorted(runtime.endpoint.functions) == sorted(f"fn-{i}" for i in range(80))
    assert len(runtime.endpoint.links) <= 5, "connections are kept and shared"
    assert runtime.api.connections == 4


def test_answer_after_the_platform_gave_up(make):
    """410: drop it, go on."""
    runtime = several(make, 2)
    runtime.send(slack.command(), statuses=(410,)).wait()
    for _ in range(4):
        assert "has been started" in runtime.text(slack.command())


def test_the_clock_is_corrected_for_all(make):
    """One thread's failure is not another's."""
    runtime = several(
        make, 4, make.endpoint(script=[failed(404, "ResourceNotFoundException", "no")])
    )
    texts = [item.reply["body"] for item in [runtime.send(slack.command()) for _ in range(8)]]
    assert sum("could not be started" in text for text in texts) == 1


def test_trace_ids_do_not_mix(make):
    runtime = several(make, 4)
    items = {
        f"Root=1-5bef4de7-{i:024x};Parent=9a9197af755a6419;Sampled=1": f"fn-{i}" for i in range(24)
    }
    for trace, name in items.items():
        runtime.api.send(encode(URL.event(slack.command(f"/eu-west-1/{name}"))), trace_id=trace)
    for request in runtime.endpoint.wait_for_requests(24):
        assert items[request.header("x-amzn-trace-id")] == peer.function_of(request)


@pytest.mark.parametrize("trouble", ["close", "500"])
def test_next_that_fails_for_ever_ends_all(make, trouble):
    from support.runtime_api import close, refuse

    runtime = several(make, 4)
    for _ in range(40):
        runtime.api.put(close if trouble == "close" else refuse(500))
    assert runtime.process.wait_exit() == 1


ENDS = {
    "the Runtime API refuses an answer": ({"statuses": (500,)}, None, "did not take the answer"),
    "the keys have expired": (
        {},
        failed(403, "ExpiredTokenException",
            "The security token included in the request is expired"),
        "credentials have expired",
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_an_end_waits_for_the_others(make, case):
    """One loop cannot go on: nothing more is asked for, and the events that others have in their
    hands are finished first."""
    options, refusal, told = ENDS[case]
    gate = threading.Event()
    wait = peer.later(gate, accepted())
    runtime = several(
        make, 4, make.endpoint(script=[wait, wait, wait, *([refusal] if refusal else [])])
    )
    others = [runtime.send(slack.command(f"/eu-west-1/fn-{i}")) for i in range(3)]
    runtime.endpoint.wait_for_requests(3)
    asked = len(runtime.api.nexts)
    runtime.send(slack.command("/eu-west-1/last"), **options).wait()
    runtime.process.wait_for_log(told)
    assert runtime.process.alive and not any(item.done.is_set() for item in others)
    gate.set()
    for i, item in enumerate(others):
        assert f"fn-{i}@eu-west-1 has been started" in item.wait().reply["body"]
    assert runtime.process.wait_exit() == 1
    assert len(runtime.api.nexts) == asked


def test_a_slow_answer_ends_nothing(make):
    """The Runtime API takes its time to take an answer."""
    runtime = several(make, 2)
    runtime.send(slack.command(), slow=1.3).wait()
    assert "has been started" in runtime.text(slack.command())
