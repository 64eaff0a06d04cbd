"""What a person reads after a slash command, and what Slack gets for every other kind of request.
"""

import json

import pytest

from support import invoke_endpoint as peer
from support import slack
from support.front_doors import URL
from support.invoke_endpoint import failed
from support.wire import eventually

NOT = "Lambda function my-fn@eu-west-1 could not be started: "
MAYBE = "Lambda function my-fn@eu-west-1 may or may not have been started: "

# Errors of the Invoke API, and how often the request may be sent in all.
ERRORS = [
    (400, "InvalidParameterValueException", "1 validation error detected", 1),
    (400, "InvalidRequestContentException", "Could not parse request body into json", 1),
    (400, "RecursiveInvocationException", "The function has been invoked too many times in a loop",
        1),
    (400, "ValidationException", "no", 1),
    (402, "ServiceQuotaExceededException", "quota", 1),
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: lambda:InvokeFunction",
        1,
    ),
    (403, "UnrecognizedClientException", "The security token included in the request is invalid.",
        1),
    (403, "MissingAuthenticationToken", "Missing Authentication Token", 1),
    (403, "InvalidClientTokenId", "The security token included in the request is invalid", 1),
    (403, "KMSAccessDeniedException", "no", 1),
    (404, "ResourceNotFoundException",
        "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:my-fn", 1),
    (408, "EFSMountTimeoutException", "timeout", 1),
    (
        409,
        "ResourceConflictException",
        "The operation cannot be performed at this time. The function is currently in the "
        "following state: Pending",
        4,
    ),
    (410, "EFSIOException", "io", 1),
    (413, "RequestTooLargeException", "Request must be smaller than 1048576 bytes", 1),
    (415, "UnsupportedMediaTypeException", "media", 1),
    (429, "TooManyRequestsException", "Rate Exceeded.", 4),
    (500, "ServiceException", "The AWS Lambda service encountered an internal error.", 4),
    (500, "InternalFailure", "internal", 4),
    (502, "EC2AccessDeniedException", "no", 4),
    (502, "KMSDisabledException", "disabled", 4),
    (503, "ServiceUnavailable", "Service is unavailable", 4),
]


@pytest.mark.parametrize(
    "status, name, message, attempts", ERRORS, ids=[f"{e[0]}-{e[1]}" for e in ERRORS]
)
def test_errors_of_the_invoke_api(make, status, name, message, attempts):
    runtime = make.runtime(endpoint=make.endpoint(default=failed(status, name, message)))
    text = runtime.text(slack.command())
    assert text.startswith(NOT)
    assert name in text and message.rstrip(".") in text
    runtime.settled()
    assert len(runtime.endpoint.requests) == attempts
    assert eventually(lambda: runtime.process.logged("WARN", "ERROR"))


def body(data, fields=(("x-amzn-ErrorType", "SomeException"),), status=400):
    return peer.raw(peer.response(status, data, fields), then="keep")


@pytest.mark.parametrize(
    "answer, name, message",
    [
        pytest.param(body(b'{"Type":"User","Message":"tell me"}'), "SomeException", "tell me",
            id="Message"),
        pytest.param(body(b'{"message":"tell me"}'), "SomeException", "tell me", id="message"),
        pytest.param(body(b'{"Message":null,"message":"tell me"}'), "SomeException", "tell me",
            id="Message-null"),
        pytest.param(
            body(b'{"message":"tell me"}',
                [("x-amzn-ErrorType", "SomeException:http://internal.amazon.com/coral/x/")]),
            "SomeException",
            "tell me",
            id="name-with-url",
        ),
        pytest.param(
            body(b'{"message":"tell me"}',
                [("X-Amzn-Errortype", "com.amazonaws.lambda#SomeException")]),
            "SomeException",
            "tell me",
            id="name-with-namespace",
        ),
        pytest.param(
            body(b'{"message":"tell me"}', [("X-AMZN-ERRORTYPE", "SomeException:")]),
            "SomeException",
            "tell me",
            id="upper-case",
        ),
        pytest.param(body(b'{"__type":"com.x#SomeException","message":"tell me"}', []), "",
            "tell me", id="name-in-body"),
        pytest.param(body(b'{"message":"t\\u0065ll me"}'), "SomeException", "tell me",
            id="escaped"),
        pytest.param(body(b""), "SomeException", "", id="no-body"),
        pytest.param(body(b"<html>Bad Gateway</html>", []), "400", "", id="html"),
        pytest.param(body(b'{"message":', []), "400", "", id="cut-json"),
        pytest.param(body(b'"text"'), "SomeException", "", id="json-text"),
        pytest.param(body(b'{"message":["a"]}'), "SomeException", "", id="message-array"),
        pytest.param(body(b"\xff\xfe", []), "400", "", id="not-utf-8"),
        pytest.param(body(b"", [], 301), "301", "", id="redirect"),
        pytest.param(body(b"", [], 418), "418", "", id="418"),
    ],
)
def test_reasons(make, answer, name, message):
    runtime = make.runtime(endpoint=make.endpoint(default=answer))
    text = runtime.text(slack.command())
    assert text.startswith(NOT) and len(text) > len(NOT)
    assert name in text and message in text
    assert len(runtime.endpoint.requests) == 1


@pytest.mark.parametrize(
    "message, shown",
    [
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
        ('a\nb\tc"d\\', None),
        ("\u2028\U0001f600 \u00e4", "\U0001f600 \u00e4"),
        ("x" * 100000, None),
        ("\u0000\u001b[31m", None),
    ],
    ids=["mentions", "controls", "unicode", "long", "terminal"],
)
def test_what_aws_says_cannot_ping_or_break(make, message, shown):
    runtime = make.runtime(
        endpoint=make.endpoint(default=failed(404, "ResourceNotFoundException", message))
    )
    text = runtime.text(slack.command())
    assert text.startswith(NOT) and "<" not in text
    assert not shown or shown in text


def test_slack_text_never_shows_up_in_a_refusal(make):
    runtime = make.runtime(
        endpoint=make.endpoint(default=failed(404, "ResourceNotFoundException", "no"))
    )
    assert slack.TEXT not in runtime.text(slack.command())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(failed(504, "GatewayTimeout", "late"), id="504"),
        pytest.param(peer.raw(b"HTTP/1.1 202 Acc"), id="cut-status-line"),
        pytest.param(peer.close, id="closed"),
        pytest.param(peer.reset, id="reset"),
    ],
)
def test_unknown_is_said_to_be_unknown_and_never_sent_again(make, answer):
    endpoint = make.endpoint(default=answer, open_now=False)
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    assert runtime.text(slack.command()).startswith(MAYBE)
    runtime.settled()
    assert len(endpoint.requests) == 1


# ---- the other kinds -----------------------------------------------------------------------------

QUIET = [kind for kind in slack.INTERACTIONS if kind != "block_suggestion"]


@pytest.mark.parametrize("kind", QUIET)
def test_interaction_started(make, kind):
    runtime = make.runtime()
    assert runtime.ask(slack.interaction(kind)) == (200, {}, "")
    assert peer.function_of(runtime.endpoint.only) == "my-fn"


@pytest.mark.parametrize("kind", QUIET)
def test_interaction_not_started(make, kind):
    runtime = make.runtime(
        endpoint=make.endpoint(
            default=failed(404, "ResourceNotFoundException", "Function not found")
        )
    )
    status, headers, body = runtime.ask(slack.interaction(kind))
    assert status == 500 and headers["content-type"].startswith("text/plain")
    assert body.startswith(NOT) and "ResourceNotFoundException" in body


@pytest.mark.parametrize("path", ["/eu-west-1/my-fn", "/nowhere"])
def test_block_suggestion_is_not_invoked(make, path):
    runtime = make.runtime()
    assert runtime.ask(slack.interaction("block_suggestion", path)) == (
        200,
        {"content-type": "application/json"},
        '{"options":[]}',
    )
    runtime.settled()
    assert not runtime.endpoint.requests


def test_event_started(make):
    runtime = make.runtime()
    assert runtime.ask(slack.event()) == (200, {}, "")
    assert runtime.endpoint.only


@pytest.mark.parametrize(
    "answer, statuses, no_retry",
    [
        (failed(404, "ResourceNotFoundException", "no"), range(400, 500), True),
        (failed(403, "AccessDeniedException", "no"), range(400, 500), True),
        (failed(413, "RequestTooLargeException", "no"), range(400, 500), True),
        (failed(429, "TooManyRequestsException", "no"), [503], False),
        (failed(500, "ServiceException", "no"), [503], False),
        (failed(503, "ServiceUnavailable", "no"), [503], False),
        (peer.raw(b"HTTP/1.1 20"), [503], False),
    ],
    ids=["404", "403", "413", "429", "500", "503", "unknown"],
)
def test_event_not_started(make, answer, statuses, no_retry):
    runtime = make.runtime(endpoint=make.endpoint(default=answer))
    status, headers, _ = runtime.ask(slack.event())
    assert status in statuses
    assert headers.get("x-slack-no-retry") == ("1" if no_retry else None)


@pytest.mark.parametrize(
    "allow, path", [("eu-west-1/other", "/eu-west-1/my-fn"), ("*/*", "/nowhere"), ("*/*", "/x/y")]
)
def test_event_to_a_target_that_a_retry_cannot_help(make, allow, path):
    runtime = make.runtime(GATEWAY_ALLOW=allow)
    status, headers, _ = runtime.ask(slack.event(path))
    assert 400 <= status < 500 and headers["x-slack-no-retry"] == "1"
    assert not runtime.endpoint.requests


@pytest.mark.parametrize("kind", ["block_actions", "view_submission", "shortcut"])
@pytest.mark.parametrize(
    "allow, path", [("eu-west-1/other", "/eu-west-1/my-fn"), ("*/*", "/nowhere")]
)
def test_interaction_to_no_target(make, kind, allow, path):
    runtime = make.runtime(GATEWAY_ALLOW=allow)
    status, headers, body = runtime.ask(slack.interaction(kind, path))
    assert status == 500 and headers["content-type"].startswith("text/plain") and body
    assert not runtime.endpoint.requests


@pytest.mark.parametrize(
    "num, reason", [("1", "http_timeout"), ("2", "http_error"), ("3", "connection_failed")]
)
def test_a_retried_event_is_not_dropped(make, num, reason):
    """Its first delivery may never have arrived."""
    runtime = make.runtime()
    request = slack.event(headers=[("X-Slack-Retry-Num", num), ("X-Slack-Retry-Reason", reason)])
    assert runtime.ask(request)[0] == 200
    assert runtime.endpoint.only


def test_a_form_that_is_no_command_still_gets_an_answer(make):
    runtime = make.runtime()
    for form in ("hello=world", "payload="):
        assert runtime.ask(slack.SlackRequest(form))[0] in (200, 400)


def test_payload_field_behind_others(make):
    runtime = make.runtime()
    text = slack.interaction("block_actions").body.decode()
    assert runtime.ask(slack.SlackRequest("a=b&" + text + "&c=d")) == (200, {}, "")


def test_json_command_text_is_untouched_in_the_payload(make):
    runtime = make.runtime()
    fields = {"text": '<@U1|n> & \u00e4 \U0001f600 %41 + "q" \\ \x01'}
    item = runtime.send(slack.command(fields=fields), URL)
    assert item.wait() and runtime.endpoint.only.body == item.event
    assert json.loads(item.event)["body"]
