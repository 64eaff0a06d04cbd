"""Routes that wait for the function: Slack gets what it returned, in time or late, from both hosts.
"""

import base64
import json
import threading

import pytest

from conftest import Maker
from support import hosts, slack
from support import invoke_endpoint as peer
from support.hooks import Hooks
from support.invoke_endpoint import failed
from support.wire import eventually, response

JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain; charset=utf-8"}
NAME = "Lambda function my-fn@eu-west-1"
CONFIG = {
    "routes": [
        {"path": "ack", "invoke": "eu-west-1/my-fn", "mode": "sync", "ack": "working on it"},
        {"path": "*", "invoke": "eu-west-1/my-fn", "mode": "sync", "payload": "slack"},
    ]
}


def returns(value, error=None, fields=()):
    """What Lambda answers for a function that returned this."""
    body = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    extra = [("X-Amz-Function-Error", error)] if error else []
    return lambda visit: visit.wire.send(
        response(200, body, [("x-amzn-RequestId", "id-1"), *extra, *fields])
    )


class Hosts:
    """One that is patient and one that is not, with one way back."""

    def __init__(self, make, kind):
        self.hooks = make.keep(Hooks())
        self.patient = hosts.start(make, kind, hooks=self.hooks, config=CONFIG)
        self.impatient = hosts.start(
            make, kind, hooks=self.hooks, config=CONFIG, GATEWAY_TIMEOUT_MS="100"
        )

    def ask(self, act, request):
        self.patient.endpoint.default = act
        return self.patient.ask(request)

    def ask_late(self, act, request):
        """The acknowledgement, and the messages that follow."""
        gate = threading.Event()
        before = len(self.hooks.requests)
        self.impatient.endpoint.default = peer.later(gate, act)
        answer = self.impatient.ask(request)
        gate.set()
        return answer, lambda: self.hooks.wait(before + 1)[before:]

    def command(self, path="/x", **fields):
        return slack.command(path, hosts.to(self.hooks, **fields))


@pytest.fixture(scope="module", params=hosts.HOSTS)
def host(request, tmp_path_factory, pki):
    return Hosts(Maker(request, tmp_path_factory.mktemp("sync"), pki), request.param)


ANSWERS = {
    # id: (what the function returns, status, headers, body)
    "object": ({"text": "a"}, 200, JSON, '{"text":"a"}'),
    "empty-object": ({}, 200, {}, ""),
    "as-it-stands": (b' { "text" : "\\u00fc", "text2":1.50 }\n', 200, JSON,
        '{ "text" : "\\u00fc", "text2":1.50 }'),
    "string": ("hello", 200, JSON, '{"text":"hello"}'),
    "number": (4.2, 200, JSON, '{"text":"4.2"}'),
    "list": ([1, None], 200, JSON, '{"text":"```[1,null]```"}'),
    "empty-string": ("", 200, {}, ""),
    "in-channel": ({"response_type": "in_channel"}, 200, JSON, '{"response_type":"in_channel"}'),
    "null": (None, 200, {}, ""),
    "response": ({"statusCode": 200, "body": '{"text":"a"}'}, 200, JSON, '{"text":"a"}'),
    "response-text": (
        {"statusCode": 200, "headers": {"Content-Type": "text/plain", "X-Other": "x"},
            "body": "gr\u00fc\u00dfe"},
        200,
        {"content-type": "text/plain"},
        "gr\u00fc\u00dfe",
    ),
    "response-object": ({"statusCode": 200, "body": {"text": "a"}}, 200, JSON, '{"text":"a"}'),
    "response-base64": (
        {"statusCode": 200, "body": base64.b64encode(b'{"text":"b"}').decode(),
            "isBase64Encoded": True},
        200,
        JSON,
        '{"text":"b"}',
    ),
    "response-empty": ({"statusCode": 200}, 200, JSON, ""),
    "response-status": ({"statusCode": 422, "body": "no"}, 422, JSON, "no"),
    "response-digits": ({"statusCode": "200", "body": '{"text":"a"}'}, 200, JSON, '{"text":"a"}'),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_answer(host, case):
    value, *want = ANSWERS[case]
    assert host.ask(returns(value), host.command()) == tuple(want)
    assert host.patient.endpoint.requests[-1].header("x-amz-invocation-type") == "RequestResponse"
    host.patient.settled()
    assert not host.hooks.requests


@pytest.mark.parametrize(
    "value",
    [
        {"response_action": "errors", "errors": {"b": "is wrong"}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "push", "view": {"type": "modal"}},
        {"response_action": "clear"},
    ],
    ids=lambda value: value["response_action"],
)
def test_modals(host, value):
    status, headers, body = host.ask(returns(value), slack.interaction("view_submission", "/x"))
    assert (status, headers, json.loads(body)) == (200, JSON, value)
    payload = host.patient.endpoint.requests[-1].json()
    assert payload["type"] == "view_submission" and payload["gateway"]["function"] == "my-fn"


def test_options(host):
    options = {
        "options": [
            {"text": {"type": "plain_text", "text": str(i)}, "value": str(i)} for i in range(100)
        ]
    }
    status, headers, body = host.ask(returns(options), slack.interaction("block_suggestion", "/x"))
    assert (status, headers, json.loads(body)) == (200, JSON, options)


UNFIT = {
    "not-json": (returns(b"{oops"), " failed: what it returned cannot be used: it is not JSON"),
    "no-status": (returns({"statusCode": 199, "body": "x"}),
        " failed: what it returned cannot be used: its status is below 200"),
    "bad-base64": (
        returns({"statusCode": 200, "body": "%", "isBase64Encoded": True}),
        " failed: what it returned cannot be used: its body is not valid base64",
    ),
    "injection": (
        returns({"statusCode": 200, "headers": {"content-type": "a/b\r\nX-Evil: 1"}, "body": "x"}),
        " failed: what it returned cannot be used: one of its headers cannot be sent",
    ),
    "error": (
        returns({"errorType": "TypeError", "errorMessage": "x is <not> a function", "trace": ["a"]},
            "Unhandled"),
        " failed: TypeError: x is &lt;not&gt; a function",
    ),
    "timeout": (
        returns({"errorMessage": "2026-01-01T00:00:00Z id Task timed out after 3.00 seconds"},
            "Unhandled"),
        " failed: 2026-01-01T00:00:00Z id Task timed out after 3.00 seconds",
    ),
    "error-without-a-word": (returns(None, "Unhandled"), " failed: without a reason"),
    "refused": (failed(404, "ResourceNotFoundException", "Function not found: a"),
        " could not be started: "),
    "accepted": (peer.accepted(), " may or may not have been started: "),
    "too-large": (returns(b'"' + b"x" * 300_000 + b'"'), " may or may not have been started: "),
    "cut": (peer.raw(response(200, b'{"text":"x"}')[:-4]), " may or may not have been started: "),
}


@pytest.mark.parametrize("case", UNFIT)
def test_no_answer(host, case):
    act, says = UNFIT[case]
    status, headers, body = host.ask(act, host.command())
    message = json.loads(body)
    assert (status, headers) == (200, JSON) and message["response_type"] == "ephemeral"
    assert message["text"].startswith(NAME + says)
    status, headers, text = host.ask(act, slack.interaction("view_submission", "/x"))
    assert (status, headers) == (500, TEXT) and text.startswith(NAME + says)
    assert host.ask(act, slack.interaction("block_suggestion", "/x")) == (
        200, JSON, '{"options":[]}',
    )
    host.patient.settled()
    assert not host.hooks.requests


def test_what_a_function_says_of_its_failure_is_not_logged(host):
    """It may have in it what the user wrote, which no log has."""
    act = returns(
        {"errorType": "ValueError", "errorMessage": f"invalid: {slack.TEXT}"}, "Unhandled"
    )
    before = len(host.patient.process.lines)

    def reasons():
        lines = host.patient.process.lines[before:]
        return [line["reason"] for line in lines if line["message"] == "failed"]

    assert slack.TEXT in host.ask(act, host.command())[2]
    assert eventually(lambda: reasons() == ["Unhandled"])
    host.ask(returns({"statusCode": 500, "body": slack.TEXT}), host.command())
    assert eventually(
        lambda: reasons()[1:] == ["it answered with the status 500 Internal Server Error"]
    )


def late_message(**members):
    return {**members, "replace_original": False}


LATE = {
    "object": (returns({"text": "a", "response_type": "in_channel"}),
        late_message(text="a", response_type="in_channel")),
    "replacing": (returns({"text": "a", "replace_original": True}),
        {"text": "a", "replace_original": True}),
    "string": (returns("a <#C1>"), late_message(text="a <#C1>")),
    "list": (returns(["<a>"]), late_message(text='```["&lt;a&gt;"]```')),
    "response": (returns({"statusCode": 200, "body": '{"text":"a"}'}), late_message(text="a")),
    "response-base64": (
        returns({"statusCode": "200", "body": base64.b64encode(b"hello").decode(),
            "isBase64Encoded": True}),
        late_message(text="hello"),
    ),
    "response-status": (
        returns({"statusCode": 500, "body": "<oops>"}),
        {"response_type": "ephemeral", "text": NAME + " failed: &lt;oops&gt;",
            "replace_original": False},
    ),
    "error": (
        returns({"errorType": "E", "errorMessage": "<m>"}, "Unhandled"),
        {"response_type": "ephemeral", "text": NAME + " failed: E: &lt;m&gt;",
            "replace_original": False},
    ),
}


@pytest.mark.parametrize("case", LATE)
def test_late(host, case):
    act, want = LATE[case]
    (status, headers, body), messages = host.ask_late(act, host.command())
    assert (status, headers) == (200, JSON)
    assert json.loads(body) == {
        "response_type": "ephemeral",
        "text": NAME + " is still being started...",
    }
    assert messages() == [want]


def test_late_modal(host):
    urls = [
        {"block_id": "b", "action_id": "a", "channel_id": "C1", "response_url": host.hooks.url()}
    ]
    request = slack.interaction("view_submission", "/x", {"response_urls": urls})
    answer, messages = host.ask_late(returns({"text": "later"}), request)
    assert answer == (200, {}, "") and messages() == [late_message(text="later")]


def test_late_errors_of_a_modal(host):
    """The modal has closed: what it could not show goes through the response_url, or to the log."""
    errors = returns({"response_action": "errors", "errors": {"a": "too <short>"}})
    urls = [
        {"block_id": "b", "action_id": "a", "channel_id": "C1", "response_url": host.hooks.url()}
    ]
    answer, messages = host.ask_late(
        errors, slack.interaction("view_submission", "/x", {"response_urls": urls})
    )
    assert answer == (200, {}, "")
    assert messages() == [
        late_message(
            text=(
                "The form had closed, but what you entered was not accepted:\n\u2022 too"
                " &lt;short&gt;"
            )
        )
    ]
    answer, _ = host.ask_late(errors, slack.interaction("view_submission", "/x"))
    assert answer == (200, {}, "")
    assert host.impatient.process.wait_for_log("the modal had closed")["level"] == "WARN"


def test_buttons(host):
    """They are answered with nothing, and what the function returned follows."""
    members = {"response_url": host.hooks.url()}
    before = len(host.hooks.requests)
    for kind in ("block_actions", "message_action"):
        assert host.ask(returns({"text": kind}), slack.interaction(kind, "/x", members)) == (
            200, {}, "",
        )
        assert host.hooks.wait(before + 1)[before:] == [late_message(text=kind)]
        before += 1
    assert host.ask(returns("a"), slack.interaction("block_actions", "/x", members)) == (
        200, {}, "",
    )
    assert host.hooks.wait(before + 1)[before:] == [late_message(text="a")]
    status, _, body = host.ask(
        returns({"statusCode": 500, "body": "oops"}),
        slack.interaction("block_actions", "/x", members),
    )
    assert (status, body) == (500, "oops")
    assert host.hooks.wait(before + 2)[before + 1]["text"] == NAME + " failed: oops"


def test_text_of_a_modal(host):
    """A text closes the modal and follows; a string that holds an object is the object."""
    urls = {
        "response_urls": [
            {
                "block_id": "b", "action_id": "a", "channel_id": "C1",
                "response_url": host.hooks.url(),
            }
        ]
    }
    before = len(host.hooks.requests)
    assert host.ask(returns("saved"), slack.interaction("view_submission", "/x", urls)) == (
        200, {}, "",
    )
    assert host.hooks.wait(before + 1)[before:] == [late_message(text="saved")]
    action = '{"response_action":"clear"}'
    assert host.ask(returns(action), slack.interaction("view_submission", "/x", urls)) == (
        200, JSON, action,
    )
    wrapped = returns({"statusCode": 200, "body": action})
    assert host.ask(wrapped, slack.interaction("view_submission", "/x", urls)) == (
        200, JSON, action,
    )
    assert len(host.hooks.requests) == before + 1


def test_late_options_and_nothing_to_say(host):
    before = len(host.hooks.requests)
    answer, _ = host.ask_late(returns({"options": []}), slack.interaction("block_suggestion", "/x"))
    assert answer == (200, JSON, '{"options":[]}')
    answer, _ = host.ask_late(returns(None), host.command())
    assert answer[0] == 200
    answer, messages = host.ask_late(returns("last"), host.command())
    assert messages() == [late_message(text="last")] and len(host.hooks.requests) == before + 1


def test_late_event(host):
    """There is no way back: Slack delivers it again, and it was started once."""
    gate, requests = threading.Event(), host.impatient.endpoint.requests
    before = len(requests)
    host.impatient.endpoint.default = peer.later(gate, returns({}))
    request = slack.event("/x", event_id="Ev0SYNC")
    assert host.impatient.ask(request)[0] == 503
    gate.set()
    host.impatient.settled()
    assert host.impatient.ask(request)[0] == 200 and len(requests) == before + 1


def test_first_is_not_for_those_who_wait(make):
    for kind in hosts.HOSTS:
        host = hosts.start(make, kind, config=CONFIG, GATEWAY_ACK="first")
        host.endpoint.default = returns({"text": "a"})
        assert host.ask(slack.command("/x")) == (200, JSON, '{"text":"a"}')
