"""The way back: records of destinations, what is posted for them, and what never is."""

import hashlib
import hmac
import json
import time

import pytest

from conftest import Maker
from support import front_doors, hosts, slack
from support.hooks import BROKEN, EXPIRED, OK, Hooks, close, hang, limited, redirect, reset, says
from support.wire import eventually, in_some_try, response

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:my-fn"
FAILED = "Lambda function my-fn@eu-west-1 failed: "
ANSWER = "the answer is 4711 and nobody else's business"


def record(payload, response=ANSWER, condition="Success", error=None, **members):
    """What AWS tells a destination."""
    whole = {
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "requestContext": {
            "requestId": "c8f2b1d4-0000-4000-8000-000000000001",
            "functionArn": ARN + ":$LATEST",
            "condition": condition,
            "approximateInvokeCount": 1 if condition == "Success" else 3,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST",
            **({"functionError": error} if error else {})},
        "responsePayload": response,
        **members,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def event(request, door=front_doors.URL, **options):
    """The payload in the form `event`."""
    return door.event(request, **options)


def payload(body, age=0, url=None, secret=slack.SECRET, **word):
    """The payload in the form `slack`, with the gateway's word for it."""
    received_at = int((time.time() - age) * 1000)
    url = url or body.get("response_url") or body["response_urls"][0]["response_url"]
    mac = hmac.new(
        secret.encode(), f"relay:{received_at}:{url}".encode(), hashlib.sha256
    ).hexdigest()
    gateway = {
        "request_id": "r", "region": "eu-west-1", "function": "my-fn", "received_at": received_at,
        "reply_mac": mac, **word,
    }
    return {
        **body,
        "gateway": {name: value for name, value in gateway.items() if value is not None},
    }


class Relay:
    """A runtime that is the destination, and Slack's end of the way back."""

    def __init__(self, make, **env):
        self.hooks = hosts.tls_hooks(make)
        self.runtime = hosts.start(make, "lambda", hooks=self.hooks, **env).started
        self.process = self.runtime.process
        self.process.forbidden += [ANSWER, self.hooks.url()]

    def command(self, **fields):
        return slack.command(fields=hosts.to(self.hooks, **fields))

    def fields(self):
        return {"type": "slash_command", **slack.command_fields(response_url=self.hooks.url())}

    def take(self, what, script=(), **options):
        """What was posted for a record, and the log's line about it."""
        before, lines = len(self.hooks.requests), len(self.lines())
        self.hooks.script = list(script)
        item = self.runtime.api.send(json.dumps(what).encode(), **options)
        assert item.reply == {} and not item.errors
        assert eventually(lambda: len(self.lines()) > lines)
        self.took = item.took
        self.hooks.script = []
        line = self.lines()[lines]
        return [request.json() for request in self.hooks.requests[before:]], line

    def lines(self):
        return [line for line in self.process.lines if line["message"] == "relay"]

    def posted(self, what, **options):
        messages, line = self.take(what, **options)
        assert (
            line["level"] == "INFO" and line["outcome"] == "posted" and line["function"] == "my-fn"
        )
        assert line["invocation"] == "c8f2b1d4-0000-4000-8000-000000000001" and "reason" not in line
        return messages

    def refused(self, what, why, **options):
        messages, line = self.take(what, **options)
        assert not messages
        assert (
            line["level"] in ("WARN", "ERROR")
            and line["outcome"] == "failed"
            and why in line["reason"]
        ), line


@pytest.fixture(scope="module")
def relay(request, tmp_path_factory, pki):
    return Relay(Maker(request, tmp_path_factory.mktemp("relay"), pki))


def posted_text(text):
    return {"text": text, "replace_original": False}


# ---- what is posted ------------------------------------------------------------------------------

RESULTS = {
    "string": ("done <#C1>", posted_text("done <#C1>")),
    "object": (
        {"response_type": "in_channel", "blocks": []},
        {"response_type": "in_channel", "blocks": [], "replace_original": False},
    ),
    "replacing": ({"text": "x", "replace_original": True}, {"text": "x", "replace_original": True}),
    "deleting": ({"delete_original": True}, {"delete_original": True}),
    "response": ({"statusCode": 200, "headers": {}, "body": "done"}, posted_text("done")),
    "response-digits": ({"statusCode": "200", "body": "done"}, posted_text("done")),
    "response-base64": ({"statusCode": 200, "body": "ZG9uZQ==", "isBase64Encoded": True},
        posted_text("done")),
    "response-message": ({"statusCode": 200, "body": '{"text":"gr\u00fc\u00dfe"}'},
        posted_text("gr\u00fc\u00dfe")),
    "response-of-the-template":
        ({"statusCode": 200, "body": '"Hello from Lambda!"'}, posted_text("Hello from Lambda!")),
    "list": ([1, "a"], posted_text('```[1, "a"]```')),
    "no-message": ({"ok": "<```>"}, posted_text('```{"ok": "&lt;``\u200b`&gt;"}```')),
    "number": (42, posted_text("42")),
    "true": (True, posted_text("true")),
    "long-for-a-block": ("x" * 3001, posted_text("x" * 3001)),
    "longest": ("\u00fc" * 40_000, posted_text("\u00fc" * 40_000)),
    "too-long": ("y" * 40_001,
        posted_text("y" * 39_960 + "\n(cut off: Slack takes 40000 characters)")),
    "failed-status": (
        {"statusCode": 500, "body": "oops <a>"},
        {"response_type": "ephemeral", "text": FAILED + "oops &lt;a&gt;",
            "replace_original": False},
    ),
    "failed-without-a-word": (
        {"statusCode": "502"},
        {
            "response_type": "ephemeral",
            "text": FAILED + "it answered with the status 502 Bad Gateway",
            "replace_original": False,
        },
    ),
}


@pytest.mark.parametrize("case", RESULTS)
def test_results(relay, case):
    value, message = RESULTS[case]
    assert relay.posted(record(event(relay.command()), value)) == [message]
    request = relay.hooks.requests[-1]
    assert request.target == relay.hooks.url().removeprefix(relay.hooks.origin)
    assert request.header("content-type").startswith("application/json")


@pytest.mark.parametrize(
    "value",
    [
        None, "", {}, {"statusCode": 200, "body": ""}, {"statusCode": 200, "body": "{}"},
        {"statusCode": 204}, ...,
    ],
)
def test_nothing_to_say(relay, value):
    messages, line = relay.take(record(event(relay.command()), value))
    assert not messages and line["outcome"] == "nothing to say" and line["level"] == "INFO"


FAILURES = {
    "error": (
        dict(condition="RetriesExhausted", error="Unhandled"),
        {"errorType": "TypeError", "errorMessage": "<!here> x is not a function",
            "stackTrace": ["a"]},
        "TypeError: &lt;!here&gt; x is not a function",
    ),
    "timeout": (
        dict(condition="RetriesExhausted", error="Unhandled"),
        {"errorMessage": "2026-01-01T00:00:00.000Z c8f2 Task timed out after 3.00 seconds"},
        "2026-01-01T00:00:00.000Z c8f2 Task timed out after 3.00 seconds",
    ),
    "crash": (
        dict(condition="RetriesExhausted", error="Unhandled"),
        {"errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: c8f2 Error: Runtime exited with error: exit status 1"},
        "Runtime.ExitError: RequestId: c8f2 Error: Runtime exited with error: exit status 1",
    ),
    "no-retries": (dict(condition="RetriesExhausted", error="Handled"), {"errorMessage": "no"},
        "no"),
    "handled": (dict(condition="Success", error="Handled"), {"errorMessage": "no"}, "no"),
    "too-old": (dict(condition="EventAgeExceeded", responseContext=...), ..., "EventAgeExceeded"),
    "no-concurrency": (dict(condition="ZeroReservedConcurrency", responseContext=...), ...,
        "ZeroReservedConcurrency"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failures(relay, case):
    members, value, reason = FAILURES[case]
    want = {"response_type": "ephemeral", "text": FAILED + reason, "replace_original": False}
    assert relay.posted(record(event(relay.command()), value, **members)) == [want]


@pytest.mark.parametrize("door", front_doors.ALL, ids=repr)
def test_requests_through_every_front_door(relay, door):
    assert relay.posted(record(event(relay.command(), door), "a")) == [posted_text("a")]


@pytest.mark.parametrize("age", [0, 301, 1790], ids=str)
def test_as_long_as_a_response_url_lives(relay, age):
    assert relay.posted(record(event(aged(relay, age)), "a")) == [posted_text("a")]
    assert relay.posted(record(payload(relay.fields(), age), "b")) == [posted_text("b")]


def aged(relay, age, **options):
    return slack.command(fields=hosts.to(relay.hooks), age=age, **options)


def test_modals(relay):
    urls = [
        {"block_id": "b", "action_id": "a", "channel_id": "C1", "response_url": relay.hooks.url()}
    ]
    modal = slack.interaction_payload("view_submission", response_urls=urls)
    assert relay.posted(
        record(event(slack.interaction("view_submission", members={"response_urls": urls})), "a")
    ) == [posted_text("a")]
    assert relay.posted(record(payload(modal), "b")) == [posted_text("b")]


def test_what_the_gateway_sent_comes_back(make):
    """The payload as a function got it, in both forms."""
    for form in ("event", "slack"):
        own = Relay(make, GATEWAY_PAYLOAD=form)
        assert own.runtime.ask(own.command())[0] == 200
        assert own.posted(record(own.runtime.endpoint.only.json(), "a")) == [posted_text("a")]


def test_the_same_record_again(relay):
    """There is no replay cache, and Slack counts what it takes; but what is too old stays so."""
    what = record(event(relay.command()), "a")
    assert relay.posted(what) == relay.posted(what) == [posted_text("a")]


# ---- in the envelopes of AWS ---------------------------------------------------------------------


def by_topic(inner):
    return {
        "Records": [
            {
                "EventSource": "aws:sns", "EventVersion": "1.0",
                "Sns": {"MessageId": "n", "Message": json.dumps(inner)},
            }
        ]
    }


def by_bus(inner):
    return {
        "version": "0",
        "id": "e",
        "source": "lambda",
        "detail-type": "Lambda Function Invocation Result - Success",
        "detail": inner,
    }


def by_queue(*bodies):
    return {
        "Records": [
            {
                "messageId": f"m{i}", "eventSource": "aws:sqs",
                "body": body if isinstance(body, str) else json.dumps(body),
            }
            for i, body in enumerate(bodies)
        ]
    }


def notification(inner):
    return {"Type": "Notification", "MessageId": "n", "Message": json.dumps(inner)}


@pytest.mark.parametrize("wrap", [by_topic, by_bus], ids=lambda wrap: wrap.__name__)
def test_records_by_topic_and_bus(relay, wrap):
    assert relay.posted(wrap(record(event(relay.command()), "a"))) == [posted_text("a")]


@pytest.mark.parametrize("wrap", [by_topic, by_bus], ids=lambda wrap: wrap.__name__)
def test_requests_by_topic_and_bus(relay, wrap):
    """The function itself was behind it."""
    assert relay.posted(record(wrap(event(relay.command())), "a")) == [posted_text("a")]
    assert relay.posted(record(wrap(payload(relay.fields())), "b")) == [posted_text("b")]


def test_batches(relay):
    """Each message of a queue is handled; those come back for which a later attempt can help."""

    def send(what, script=()):
        before = len(relay.hooks.requests)
        relay.hooks.script = list(script)
        reply = relay.runtime.api.send(json.dumps(what).encode()).reply
        relay.hooks.script = []
        return reply, [request.json()["text"] for request in relay.hooks.requests[before:]]

    def wrapped(text):
        return record(event(relay.command()), text)

    whole = by_queue(
        wrapped("a"), "no JSON", notification(wrapped("b")), by_bus(wrapped("c")),
        notification(by_bus(wrapped("d"))),
    )
    assert send(whole) == ({"batchItemFailures": []}, ["a", "b", "c", "d"])
    forged = record(event(aged(relay, 0, secret="forged")), "x")
    assert send(by_queue(forged, wrapped("a"))) == ({"batchItemFailures": []}, ["a"])
    assert send(by_queue(wrapped("a"), wrapped("b")), [EXPIRED])[0] == {"batchItemFailures": []}
    reply, texts = send(by_queue(wrapped("a"), wrapped("b")), [BROKEN] * 4)
    assert reply == {"batchItemFailures": [{"itemIdentifier": "m0"}]} and texts == ["a"] * 4 + ["b"]
    assert send({"Records": []}) == ({}, [])


# ---- what is not ---------------------------------------------------------------------------------

OLD = "older than the 30 minutes"
UNSIGNED = "does not carry a valid Slack signature"


def test_too_old_or_from_the_future(relay):
    for age in (1802, 86400, -302, -86400):
        relay.refused(record(event(aged(relay, age))), OLD)
        relay.refused(record(payload(relay.fields(), age)), OLD)


def test_forged_events(relay):
    relay.refused(record(event(aged(relay, 0, secret="forged"))), UNSIGNED)
    relay.refused(record(event(aged(relay, 1000, secret="forged"))), UNSIGNED)
    relay.refused(record(event(aged(relay, 0, signature=""))), UNSIGNED)
    relay.refused(record(event(aged(relay, 0, timestamp="", signature="v0=" + "0" * 64))), UNSIGNED)
    # of a real one, everything that could be changed
    real = event(relay.command(), as_base64=False)
    for name, value in {
        "body": real["body"].replace("commands", "command2"),
        "headers": {**real["headers"], "x-slack-request-timestamp": str(int(time.time()) - 1)},
        "isBase64Encoded": True,
    }.items():
        relay.refused(record({**real, name: value}), "")
    real["headers"]["X-SLACK-SIGNATURE"] = real["headers"]["x-slack-signature"]
    relay.refused(record(real), UNSIGNED)


def test_forged_payloads(relay):
    real = payload(relay.fields())
    word = real["gateway"]
    for change in (
        {"response_url": relay.hooks.url("/other")},
        {"gateway": {**word, "received_at": word["received_at"] + 1}},
        {"gateway": {**word, "reply_mac": "0" * 64}},
        {"gateway": {**word, "reply_mac": word["reply_mac"][:-2]}},
        {"gateway": {**word, "reply_mac": None}},
        {"gateway": {**word, "received_at": str(word["received_at"])}},
        {"gateway": {}},
        {"gateway": None},
    ):
        relay.refused(record({**real, **change}), "")
    relay.refused(
        record(payload(relay.fields(), secret="forged")),
        "not made with any of this gateway's secrets",
    )


def test_nothing_to_answer_to(relay):
    relay.refused(record(event(slack.event())), "no response_url")
    relay.refused(record(event(slack.interaction("shortcut"))), "no response_url")
    for strange in (None, "text", [], {}, {"a": 1}, {"source": "aws.events"}):
        relay.refused(record(strange), "no request of this gateway")


def test_apps_with_secrets_of_their_own(make):
    own = "a1" * 16
    relay = Relay(make, GATEWAY_CONFIG=json.dumps({"apps": {"A1": {"secret": own}}}))
    relay.process.forbidden.append(own)
    assert relay.posted(record(event(relay.command(api_app_id="A2")), "a")) == [posted_text("a")]
    relay.refused(
        record(event(relay.command(api_app_id="A1"))), "another secret than that of the app"
    )
    relay.refused(
        record(payload({**relay.fields(), "api_app_id": "A1"})),
        "another secret than that of the app",
    )
    assert relay.posted(
        record(payload({**relay.fields(), "api_app_id": "A1"}, secret=own), "b")
    ) == [posted_text("b")]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/x",
        "https://{host}:{other}/x",
        "https://{host}/x",
        "http://{host}:{port}/x",
        "https://hooks.slack.com@{host}:{port}/x",
        "https://{host}:{port}@evil.test/x",
        "https://127.0.0.1:{port}/x",
        "https://{host}.:{port}/x",
        "https://{host}:{port}",
        "https://{host}:{port}/x y",
        "https://{host}:{port}/x#y",
        "https://{host}:{port}\\@evil.test/x",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_where_it_may_point(relay, url):
    url = url.format(host="localhost", port=relay.hooks.port, other=relay.hooks.port - 1)
    why = "GATEWAY_RESPONSE_HOSTS" if url else ""
    relay.refused(record(event(relay.command(response_url=url))), why)
    relay.refused(record(payload(dict(relay.fields(), response_url=url), url=url or "-")), why)


def test_certificates_are_checked(make, pki):
    relay = Relay(make)
    bad = make.keep(
        Hooks(tls=pki.server(pki.leaf(names=("hooks.example",), addresses=())), name="localhost")
    )
    other = Relay(make, GATEWAY_RESPONSE_HOSTS=bad.origin.removeprefix("https://"))
    other.refused(record(event(other.command(response_url=bad.url()))), "certificate")
    assert not bad.requests and relay.posted(record(event(relay.command()), "a")) == [
        posted_text("a")
    ]


def test_records_are_the_runtimes_alone(make):
    """For a front door, what looks like one is a body like any other."""
    for kind in hosts.HOSTS:
        hooks = hosts.tls_hooks(make)
        host = hosts.start(make, kind, hooks=hooks)
        what = record(event(slack.command(fields=hosts.to(hooks))))
        assert host.ask(slack.json_request(what, signature=""))[0] == 401
        assert host.ask(slack.json_request(what, "/a/b/c")) == (200, {}, "")
        assert not hooks.requests and not host.endpoint.requests


# ---- Slack's answers -----------------------------------------------------------------------------


def again(relay, script, count, **options):
    """That a message is posted `count` times until Slack takes it; the pauses between."""
    before = len(relay.hooks.requests)
    messages, line = relay.take(record(event(relay.command()), "a"), script=script, **options)
    assert messages == [posted_text("a")] * count and line["outcome"] == "posted", line
    times = [request.arrived for request in relay.hooks.requests[before:]]
    return [b - a for a, b in zip(times, times[1:])]


def test_rate_limits_are_obeyed(relay):
    assert in_some_try(lambda: 1.0 <= again(relay, [limited(1)], 2)[0] < 1.5)


def test_rate_limit_without_a_time(relay):
    assert in_some_try(lambda: 0.9 <= again(relay, [limited()], 2)[0] < 1.5)


def test_rate_limit_that_does_not_fit(relay):
    """Waiting for it would only cost."""

    def is_given_up(seconds):
        messages, line = relay.take(
            record(event(relay.command())), script=[limited(seconds)], deadline_ms=2000
        )
        assert len(messages) == 1
        return "429" in line["reason"] and relay.took < 1.9

    for seconds in (5, 99999):
        assert in_some_try(lambda: is_given_up(seconds))


def test_out_of_order_for_a_moment(relay):

    def is_tried_again():
        pauses = again(relay, [BROKEN, response(502)], 3)
        return 0.2 <= pauses[0] < 0.6 and 0.8 <= pauses[1] < 1.3

    assert in_some_try(is_tried_again)


def test_out_of_order_for_longer(relay):

    def is_given_up():
        messages, line = relay.take(
            record(event(relay.command())), script=[says(500, "server_error")] * 9, deadline_ms=2000
        )
        assert len(messages) < 4
        why = "Slack answered 500 server_error to the message"
        return len(messages) > 1 and line["reason"] == why

    assert in_some_try(is_given_up)


@pytest.mark.parametrize(
    "answer, reason",
    [
        (EXPIRED, "Slack answered 404 expired_url to the message"),
        (says(404, "used_url"), "Slack answered 404 used_url to the message"),
        (response(400, b"invalid_payload\n"), "Slack answered 400 invalid_payload to the message"),
        (says(200, "no_text"), "Slack answered 200 no_text to the message"),
        (says(403, "a b"), "Slack answered 403 to the message"),
        (says(403, "x" * 41), "Slack answered 403 to the message"),
        (says(403, ["x"]), "Slack answered 403 to the message"),
        (response(404, b"<html>gone</html>"), "Slack answered 404 to the message"),
        (response(410), "Slack answered 410 to the message"),
        (response(404, b"x" * 5000), "Slack answered 404 to the message"),
    ],
)
def test_refusals_are_final(relay, answer, reason):
    messages, line = relay.take(record(event(relay.command())), script=[answer])
    assert len(messages) == 1 and line["outcome"] == "failed" and line["reason"] == reason


@pytest.mark.parametrize(
    "answer", [OK, response(200, b'{"ok":true}'), response(204), response(200, b"x" * 5000)]
)
def test_acceptances(relay, answer):
    messages, line = relay.take(record(event(relay.command())), script=[answer])
    assert len(messages) == 1 and line["outcome"] == "posted"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_refusals(relay, status):
    messages, line = relay.take(
        record(event(relay.command())), script=[redirect(relay.hooks.url("/other"), status)]
    )
    assert len(messages) == 1 and line["reason"] == f"Slack answered {status} to the message"


@pytest.mark.parametrize("end", [reset, close])
def test_a_message_that_may_have_arrived_is_not_doubled(make, end):
    relay = Relay(make)
    messages, line = relay.take(record(event(relay.command())), script=[end])
    assert len(messages) == 1 and line["outcome"] == "failed"


def test_a_kept_connection_that_had_died(make):
    """What ends on it without a byte was dead before: the one reason to send a message twice."""
    relay = Relay(make)
    relay.posted(record(event(relay.command()), "a"))
    again(relay, [close], 2)


def test_silence_ends_before_lambdas_deadline(make):
    relay = Relay(make)

    def is_left():
        messages, line = relay.take(record(event(relay.command())), script=[hang], deadline_ms=1200)
        assert len(messages) <= 1 and line["outcome"] == "failed"
        return messages and 0.7 < relay.took < 1.2

    assert in_some_try(is_left)


def test_nobody_there(make):
    hooks = make.keep(Hooks(open_now=False))
    host = hosts.start(make, "lambda", GATEWAY_RESPONSE_HOSTS=hooks.origin)
    what = record(event(slack.command(fields=hosts.to(hooks))), "a")
    item = host.started.api.send(json.dumps(what).encode())
    time.sleep(0.1)
    hooks.open()
    assert hooks.wait() == [posted_text("a")] and item.reply == {}
