"""What an answer to Slack cannot say goes through the response_url after it."""

import json

import pytest

from support import hosts, slack
from support.hooks import Hooks
from support.invoke_endpoint import accepted, failed

NAME = "Lambda function my-fn@eu-west-1"
ROUTES = [
    {"path": "listed", "invoke": "eu-west-1/my-fn", "users": ["U0"]},
    {"path": "other", "invoke": "us-east-1/my-fn"},
    {"action_id": "thanks", "invoke": "eu-west-1/my-fn",
        "ack": "Thank you, <{user_id}> in {channel_id} &amp; {command}"},
    {"callback_id": "noted", "invoke": "eu-west-1/my-fn", "ack": "Noted."},
]


@pytest.fixture(params=hosts.HOSTS)
def host(request, make):
    hooks = make.keep(Hooks())
    return hosts.start(
        make, request.param, endpoint=make.endpoint(), hooks=hooks, config={"routes": ROUTES},
        GATEWAY_ALLOW="eu-west-1/*"
    )


def button(host, path="/eu-west-1/my-fn", kind="block_actions", **members):
    return slack.interaction(kind, path, members={"response_url": host.hooks.url(), **members})


def told(host, number=0):
    return host.hooks.wait(number + 1)[number]


@pytest.mark.parametrize(
    "kind", ["block_actions", "message_action", "interactive_message", "dialog_submission"]
)
def test_reason_of_a_refusal(host, kind):
    reasons = {
        "/listed": NAME + " could not be started: you are not allowed to start it",
        "/other": (
            "Lambda function my-fn@us-east-1 could not be started: this gateway may not start it"
            " (GATEWAY_ALLOW does not list it)"
        ),
        "/nowhere": "Invalid resource [nowhere]. Expecting format [region/function-name]",
    }
    for number, (path, text) in enumerate(reasons.items()):
        status, _, body = host.ask(button(host, path, kind))
        assert (status, body) == (500, text)
        message = told(host, number)
        assert message == {"response_type": "ephemeral", "text": text, "replace_original": False}
    assert not host.endpoint.requests


@pytest.mark.parametrize("kind", ["block_actions", "message_action"])
def test_reason_of_a_failure(host, kind):
    host.endpoint.default = failed(404, "ResourceNotFoundException", "Function not found: <arn>")
    status, _, body = host.ask(
        button(host, kind=kind, actions=[{"action_id": "x"}], callback_id="x")
    )
    assert status == 500 and body.startswith(NAME + " could not be started: ")
    message = told(host)
    assert message["response_type"] == "ephemeral" and message["replace_original"] is False
    assert message["text"] == body and "&lt;arn&gt;" in body


def test_text_of_a_route(host):
    host.endpoint.default = accepted()
    assert host.ask(button(host, actions=[{"action_id": "thanks"}])) == (200, {}, "")
    assert told(host) == {
        "response_type": "ephemeral", "text": "Thank you, <U1> in C1 &amp; ",
        "replace_original": False,
    }
    assert host.ask(button(host, kind="message_action", callback_id="noted")) == (200, {}, "")
    assert told(host, 1)["text"] == "Noted."
    assert len(host.endpoint.requests) == 2


def test_what_needs_no_word(host):
    """Views, commands and events say it themselves, or have no way to."""
    host.endpoint.default = accepted()
    host.ask(
        button(
            host, "/other", "view_submission", response_urls=[{"response_url": host.hooks.url()}]
        )
    )
    host.ask(slack.command("/other", fields={"response_url": host.hooks.url()}))
    host.ask(slack.event("/other", {"response_url": host.hooks.url()}))
    assert host.ask(
        button(host, "/nowhere", actions=[{"action_id": "x", "url": "https://example.com"}])
    ) == (200, {}, "")
    assert host.ask(button(host)) == (200, {}, "")
    host.settled()
    assert not host.hooks.requests


def test_commands_with_large_payloads(make):
    for kind in hosts.HOSTS:
        host = hosts.start(
            make, kind,
            endpoint=make.endpoint(default=failed(413, "RequestTooLargeException", "too large")),
        )
        text = host.text(slack.command(fields={"text": "x" * 300_000}))
        assert text.startswith(NAME + " could not be started: ")


def test_metric_of_ignored_events(make):
    from support.listener import Serve

    config = json.dumps({"routes": [{"event": "app_mention", "invoke": "eu-west-1/my-fn"}]})
    listener = Serve(make)(endpoint=make.endpoint(), metrics=True, GATEWAY_CONFIG=config)
    for _ in range(3):
        assert listener.ask(slack.event("/", {"event": {"type": "reaction_added"}})).status == 200
    assert b"\ngateway_events_ignored_total 3\n" in listener.metrics().body
