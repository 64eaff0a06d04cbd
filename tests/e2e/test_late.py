"""What could not be said in three seconds is said through response_url."""

import datetime
import threading
import time

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.front_doors import URL
from support.hooks import Hooks
from support.invoke_endpoint import accepted, failed
from support.wire import PATIENCE, in_some_try, response

NOT = "Lambda function my-fn@eu-west-1 could not be started: "
MAYBE = "Lambda function my-fn@eu-west-1 may or may not have been started: "

refused = failed(404, "ResourceNotFoundException", "Function not found: <arn>")


class Answered:
    """Opens once each event that was delivered has its answer."""

    def __init__(self, api):
        self.api = api

    def wait(self, seconds):
        time.sleep(seconds)
        return all(item.done.is_set() for item in self.api.invocations.values())


def late(make, act, hooks=None, timeout_ms="150", **env):
    """With the usual timeout the endpoint does `act` when the answer has been given."""
    hooks = hooks or make.keep(Hooks())
    env.setdefault("GATEWAY_RESPONSE_HOSTS", hooks.origin)
    runtime = make.runtime(
        endpoint=make.endpoint(default=act), GATEWAY_TIMEOUT_MS=timeout_ms, **env
    )
    if timeout_ms == "150":
        runtime.endpoint.default = peer.later(Answered(runtime.api), act)
    runtime.process.forbidden.append("/commands/T1DC2JH3J/")
    return runtime, hooks


def assert_message(message, start, *parts):
    assert message["response_type"] == "ephemeral" and message["replace_original"] is False
    assert sorted(message) == ["replace_original", "response_type", "text"]
    assert message["text"].startswith(start) and all(part in message["text"] for part in parts)


def test_failure_after_the_answer(make):
    runtime, hooks = late(make, refused)
    assert "is still being started" in runtime.text(
        slack.command(fields={"response_url": hooks.url()})
    )
    assert_message(
        hooks.wait()[0], NOT, "ResourceNotFoundException", "Function not found: &lt;arn&gt;"
    )
    runtime.settled()
    assert len(hooks.requests) == 1
    assert hooks.requests[0].target == hooks.url().removeprefix(hooks.origin)
    assert hooks.requests[0].header("host") == hooks.origin.removeprefix("http://")


def test_next_event_only_after_the_message(make):
    gate = threading.Event()
    held = lambda wire: (gate.wait(PATIENCE), wire.send(response(200, b"ok")))  # noqa: E731
    hooks = make.keep(Hooks(script=[held]))
    runtime, _ = late(make, refused, hooks)
    runtime.text(slack.command(fields={"response_url": hooks.url()}))
    hooks.wait()
    time.sleep(0.1)
    assert len(runtime.api.nexts) == 1
    gate.set()
    runtime.settled()


def test_outcome_that_stays_unknown(make):
    runtime, hooks = late(make, peer.close)
    runtime.text(slack.command(fields={"response_url": hooks.url()}))
    assert_message(hooks.wait()[0], MAYBE)


def test_endpoint_that_never_answers(make):
    runtime, hooks = late(make, peer.hang)
    runtime.text(slack.command(fields={"response_url": hooks.url()}), deadline_ms=1500)
    assert_message(hooks.wait()[0], MAYBE)


def test_success_after_the_answer_says_nothing(make):
    runtime, hooks = late(make, accepted())
    runtime.text(slack.command(fields={"response_url": hooks.url()}))
    runtime.settled()
    assert not hooks.requests


def test_failure_in_time_is_said_once(make):
    runtime, hooks = late(make, refused, timeout_ms="2500")
    assert runtime.text(slack.command(fields={"response_url": hooks.url()})).startswith(NOT)
    runtime.settled()
    assert not hooks.requests


def test_failure_after_ack_first(make):
    runtime, hooks = late(
        make, refused, timeout_ms="2500", GATEWAY_ACK="first", GATEWAY_ACK_TYPE="in_channel",
        GATEWAY_ACK_TEXT=""
    )
    status, _, body = runtime.ask(slack.command(fields={"response_url": hooks.url()}))
    assert (status, body) == (200, '{"response_type":"in_channel"}')
    assert_message(hooks.wait()[0], NOT)


@pytest.mark.parametrize(
    "kind, members",
    [
        ("block_actions", lambda url: {"response_url": url}),
        ("message_action", lambda url: {"response_url": url}),
        (
            "view_submission",
            lambda url: {"response_urls": [{"block_id": "b", "action_id": "a", "channel_id": "C1",
                "response_url": url}]},
        ),
    ],
)
def test_interactions_too(make, kind, members):
    runtime, hooks = late(make, refused)
    assert runtime.ask(slack.interaction(kind, members=members(hooks.url()))) == (200, {}, "")
    assert_message(hooks.wait()[0], NOT)


def test_interaction_without_a_way_back(make):
    runtime, hooks = late(make, refused)
    assert runtime.ask(slack.interaction("shortcut"))[0] == 200
    runtime.settled()
    assert not hooks.requests and runtime.process.logged("WARN", "ERROR")


def test_over_tls(make, pki):
    hooks = make.keep(Hooks(tls=pki.server(), name="localhost"))
    runtime, _ = late(
        make, refused, hooks, GATEWAY_RESPONSE_HOSTS=f"localhost:{hooks.port}",
        SSL_CERT_FILE=pki.bundle()
    )
    runtime.text(slack.command(fields={"response_url": hooks.url()}))
    assert_message(hooks.wait()[0], NOT)


@pytest.mark.parametrize(
    "certificate",
    [dict(names=("other.test",), addresses=()), dict(end=datetime.timedelta(hours=-1))],
    ids=["wrong-host", "expired"],
)
def test_over_bad_tls(make, pki, certificate):
    hooks = make.keep(Hooks(tls=pki.server(pki.leaf(**certificate)), name="localhost"))
    runtime, _ = late(
        make, refused, hooks, GATEWAY_RESPONSE_HOSTS=f"localhost:{hooks.port}",
        SSL_CERT_FILE=pki.bundle()
    )
    runtime.text(slack.command(fields={"response_url": hooks.url()}))
    runtime.settled()
    assert not hooks.requests


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://127.0.0.2:{port}/x",
        "http://[::1]:{port}/x",
        "http://127.0.0.1:{other}/x",
        "http://127.0.0.1/x",
        "http://hooks.slack.com@127.0.0.1:{port}/x",
        "http://127.0.0.1:{port}@127.0.0.1:{other}/x",
        "http://127.0.0.1:{port}.evil.test/x",
        "http://127.0.0.1:{port}\\@127.0.0.1:{other}/x",
        "http://0x7f.1:{port}/x",
        "http://127.1:{port}/x",
        "http://2130706433:{port}/x",
        "ftp://127.0.0.1:{port}/x",
        "//127.0.0.1:{port}/x",
        "127.0.0.1:{port}/x",
        "",
        "x",
        "http://127.0.0.1:{port}/x\r\nX-Evil: 1",
        "http://127.0.0.1:{port}/a b",
        "HTTP://127.0.0.1:{port} /x",
        "http://127.0.0.1:{port}#@127.0.0.1:{other}/",
        "file:///etc/passwd",
    ],
    ids=lambda u: u[:50].encode("unicode_escape").decode(),
)
def test_only_where_it_may_point(make, url):
    hooks, other = make.keep(Hooks()), make.keep(Hooks())
    runtime, _ = late(make, refused, hooks)
    runtime.text(
        slack.command(fields={"response_url": url.format(port=hooks.port, other=other.port)})
    )
    runtime.settled()
    assert not hooks.requests and not other.requests


def test_not_to_loopback_by_default(make):
    hooks = make.keep(Hooks())
    runtime, _ = late(make, refused, hooks, GATEWAY_RESPONSE_HOSTS=None)
    runtime.text(slack.command(fields={"response_url": hooks.url()}))
    runtime.settled()
    assert not hooks.requests


def test_other_hosts_than_the_default_are_logged_at_start(make):
    hooks = make.keep(Hooks())
    runtime, _ = late(make, accepted(), hooks)
    assert any(hooks.origin in str(line) for line in runtime.process.lines)


@pytest.mark.parametrize(
    "answer",
    [
        response(404, b'{"ok":false,"error":"expired_url"}'),
        response(500),
        response(429, b"", [("Retry-After", "1")]),
        b"junk\r\n\r\n",
        lambda wire: wire.reset(),
        response(200, b"x" * 100000),
    ],
    ids=["404", "500", "429", "junk", "reset", "long"],
)
def test_hook_that_fails(make, answer):
    hooks = make.keep(Hooks(script=[answer]))
    runtime, _ = late(make, refused, hooks)
    runtime.text(slack.command(fields={"response_url": hooks.url()}))
    runtime.settled()
    runtime.endpoint.default = accepted()
    assert "has been started" in runtime.text(slack.command())


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_hook_redirects_are_not_followed(make, status):
    trap = make.keep(Hooks())
    hooks = make.keep(Hooks(script=[response(status, b"", [("Location", trap.url())])]))
    runtime, _ = late(
        make, refused, hooks,
        GATEWAY_RESPONSE_HOSTS=f"{hooks.origin},{trap.origin}",
    )
    runtime.text(slack.command(fields={"response_url": hooks.url()}))
    runtime.settled()
    assert len(hooks.requests) == 1 and not trap.requests


def test_hook_that_hangs_is_left_before_lambdas_deadline(make):
    hooks = make.keep(Hooks(script=[lambda wire: hooks.stopping.wait(10)]))
    runtime, _ = late(make, refused, hooks)

    def is_left():
        hooks.script = [lambda wire: hooks.stopping.wait(10)]
        nexts = len(runtime.api.nexts)
        item = runtime.send(
            slack.command(fields={"response_url": hooks.url()}), URL, deadline_ms=1500
        )
        item.wait()
        runtime.api.wait_for_next(nexts + 1)
        return hooks.requests and runtime.api.nexts[nexts] - item.delivered < 1.5

    assert in_some_try(is_left)


def test_nothing_is_posted_for_the_unsigned(make):
    runtime, hooks = late(make, refused)
    assert (
        runtime.ask(slack.command(fields={"response_url": hooks.url()}, secret="wrong"))[0] == 401
    )
    runtime.settled()
    assert not hooks.requests
