"""The acknowledgement as an operator wants it."""

import re

import pytest

from conftest import command_text
from support import invoke_endpoint as peer
from support import slack
from support.invoke_endpoint import accepted, failed

FN = "/eu-west-1/my-fn%3Alive"


def ask(make, template, fields=None, endpoint=None, kind="ephemeral", path=FN, **env):
    runtime = make.runtime(endpoint=endpoint, GATEWAY_ACK_TEXT=template, **env)
    return command_text(runtime.ask(slack.command(path, fields)), kind)


@pytest.mark.parametrize(
    "template, want",
    [
        ("ok", "ok"),
        ("{function}", "my-fn:live"),
        ("{region}", "eu-west-1"),
        ("{command}", "/webhook-collect"),
        ("{user_name}", "roadrunner"),
        ("<@{user_id}> in {channel_id}", "<@U2CERLKJA> in G8PSS9T3V"),
        ("{function}@{region}: {command} {text}!",
            f"my-fn:live@eu-west-1: /webhook-collect {slack.TEXT}!"),
        ("{function}{function}", "my-fn:livemy-fn:live"),
        ("a { b } c", "a { b } c"),
        ("{", "{"),
        ("}", "}"),
        ("{}", "{}"),
        (':tada: gr\u00fc\u00dfe \U0001f600 "q" \\', ':tada: gr\u00fc\u00dfe \U0001f600 "q" \\'),
        ("line\nline", "line\nline"),
        ("<https://example.com|more>", "<https://example.com|more>"),
        (" ", " "),
        ("{{function}}", "{my-fn:live}"),
    ],
)
def test_template(make, template, want):
    assert ask(make, template) == want


def test_request_id_is_the_one_of_aws(make):
    endpoint = make.endpoint(script=[accepted("11111111-2222-3333-4444-555555555555")])
    assert (
        ask(make, "id {request_id}", endpoint=endpoint) == "id 11111111-2222-3333-4444-555555555555"
    )


def test_request_id_that_nobody_sent(make):
    endpoint = make.endpoint(script=[peer.raw(peer.response(202), then="keep")])
    assert ask(make, "id {request_id}.", endpoint=endpoint) == "id ."


@pytest.mark.parametrize(
    "text, shown",
    [
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
        ("{function}", "{function}"),
        ('a\nb\t"\\', 'a\nb\t"\\'),
        ("\u00e4\U0001f600", "\u00e4\U0001f600"),
        ("", ""),
        ("x" * 3000, "x" * 3000),
        ("\x00\x1f\x7f", "\x00\x1f\x7f"),
    ],
)
def test_what_a_user_typed_cannot_ping_or_break(make, text, shown):
    assert ask(make, "[{text}]", {"text": text}) == f"[{shown}]"


@pytest.mark.parametrize(
    "body", ["command=%2Fx&text=%FF%FE%80", "command=%2Fx&text=%ED%A0%80"],
    ids=["not-utf-8", "surrogate"],
)
def test_text_that_is_not_utf8(make, body):
    runtime = make.runtime(GATEWAY_ACK_TEXT="[{text}]")
    status, _, _ = runtime.ask(slack.SlackRequest(body))
    assert status in (200, 400)


def test_fields_that_are_not_there(make):
    runtime = make.runtime(GATEWAY_ACK_TEXT="{command}|{text}|{user_name}")
    assert command_text(runtime.ask(slack.SlackRequest("command=%2Fx"))) == "/x||"


def test_empty_text_is_an_empty_answer(make):
    runtime = make.runtime(GATEWAY_ACK_TEXT="")
    status, _, body = runtime.ask(slack.command())
    assert (status, body) == (200, "")
    assert runtime.endpoint.only


@pytest.mark.parametrize("kind", ["ephemeral", "in_channel"])
def test_type(make, kind):
    text = ask(make, None, kind=kind, GATEWAY_ACK_TYPE=kind)
    assert text == "Lambda function my-fn:live@eu-west-1 has been started..."


@pytest.mark.parametrize("template", [None, "fine", ""])
def test_failures_are_ephemeral_and_say_so_whatever_the_acknowledgement(make, template):
    endpoint = make.endpoint(default=failed(404, "ResourceNotFoundException", "no"))
    assert ask(make, template, endpoint=endpoint, GATEWAY_ACK_TYPE="in_channel").startswith(
        "Lambda function my-fn:live@eu-west-1 could not be started: "
    )


def test_refusals_are_ephemeral(make):
    runtime = make.runtime(
        GATEWAY_ACK_TYPE="in_channel", GATEWAY_ACK_TEXT="fine", GATEWAY_ALLOW="eu-west-1/other"
    )
    assert "could not be started" in command_text(runtime.ask(slack.command()))
    assert "Invalid resource" in command_text(runtime.ask(slack.command("/x")))


def test_default_is_confirmed(make):
    for value in ("confirmed", ""):
        runtime = make.runtime(GATEWAY_ACK=value)
        assert "has been started" in runtime.text(slack.command())


# ---- GATEWAY_ACK=first ---------------------------------------------------------------------------

BEING = "Lambda function my-fn@eu-west-1 is being started..."


def test_first_answers_before_the_function_is_started(make):
    import threading

    gate = threading.Event()
    runtime = make.runtime(
        endpoint=make.endpoint(default=peer.later(gate, accepted())), GATEWAY_ACK="first"
    )
    item = runtime.send(slack.command())
    assert item.took_at_most(0.5)
    assert BEING in item.reply["body"]
    runtime.endpoint.wait_for_requests(1)
    assert len(runtime.api.nexts) == 1, "asked for the next event with work in hand"
    gate.set()
    runtime.settled()
    assert len(runtime.endpoint.requests) == 1


def test_first_does_not_hold_for_events(make):
    runtime = make.runtime(
        endpoint=make.endpoint(default=failed(500, "ServiceException", "no")), GATEWAY_ACK="first"
    )
    assert runtime.ask(slack.event())[0] == 503


def test_first_still_refuses_at_once(make):
    runtime = make.runtime(GATEWAY_ACK="first", GATEWAY_ALLOW="eu-west-1/other")
    assert "could not be started" in runtime.text(slack.command())
    assert "Invalid resource" in runtime.text(slack.command("/x"))
    assert runtime.ask(slack.command(secret="wrong"))[0] == 401
    runtime.settled()
    assert not runtime.endpoint.requests


@pytest.mark.parametrize("kind", ["block_actions", "view_submission", "shortcut"])
def test_first_for_interactions(make, kind):
    runtime = make.runtime(GATEWAY_ACK="first")
    assert runtime.ask(slack.interaction(kind)) == (200, {}, "")
    runtime.settled()
    assert len(runtime.endpoint.requests) == 1


def test_first_uses_the_template(make):
    runtime = make.runtime(GATEWAY_ACK="first", GATEWAY_ACK_TEXT="{function}[{request_id}]")
    assert re.fullmatch(r"my-fn\[\]", runtime.text(slack.command()))


def test_what_slack_has_escaped_is_not_escaped_twice(make):
    typed = {"text": "a &amp;&lt;b&gt; & <c>"}
    assert ask(make, "{text}", typed) == "a &amp;&lt;b&gt; &amp; &lt;c&gt;"


def test_an_empty_text_in_the_channel_shows_the_command(make):
    runtime = make.runtime(GATEWAY_ACK_TEXT="", GATEWAY_ACK_TYPE="in_channel")
    status, headers, body = runtime.ask(slack.command(FN))
    assert (status, headers, body) == (
        200, {"content-type": "application/json"}, '{"response_type":"in_channel"}',
    )
