"""Every way in: what comes through it is understood, invoked unchanged, and answered in its own
form."""

import base64
import json

import pytest

from conftest import command_text

from support import slack
from support.front_doors import ALB, ALB_MULTI, ALL, HTTP1, HTTP2, REST, URL, encode
from support.invoke_endpoint import function_of

STARTED = (
    '{"response_type":"ephemeral","text":"Lambda function my-fn@eu-west-1 has been started..."}'
)
QUOTED = json.dumps(STARTED)

by_door = pytest.mark.parametrize("door", ALL, ids=str)


@by_door
@pytest.mark.parametrize("as_base64", [None, True, False], ids=["as-aws-does", "base64", "text"])
def test_command_starts_the_function(make, door, as_base64):
    runtime = make.runtime()
    event = encode(door.event(slack.command(), as_base64=as_base64))
    assert door.read(runtime.send(event).reply) == (
        200, {"content-type": "application/json"}, STARTED,
    )
    request = runtime.endpoint.only
    assert function_of(request) == "my-fn"
    assert request.body == event


@pytest.mark.parametrize(
    "door, answer",
    [
        (
            REST,
            '{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":%s,'
            '"isBase64Encoded":false}',
        ),
        (
            HTTP1,
            '{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":%s,'
            '"isBase64Encoded":false}',
        ),
        (
            HTTP2,
            '{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":%s,'
            '"isBase64Encoded":false}',
        ),
        (
            URL,
            '{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":%s,'
            '"isBase64Encoded":false}',
        ),
        (
            ALB,
            '{"statusCode":200,"statusDescription":"200 '
            'OK","headers":{"Content-Type":"application/json"},'
            '"body":%s,"isBase64Encoded":false}',
        ),
        (
            ALB_MULTI,
            '{"statusCode":200,"statusDescription":"200 '
            'OK","multiValueHeaders":{"Content-Type":["application/json"]},'
            '"body":%s,"isBase64Encoded":false}',
        ),
    ],
    ids=str,
)
def test_answer_byte_for_byte(make, door, answer):
    runtime = make.runtime()
    item = runtime.send(slack.command(), door).wait()
    assert item.answer.decode() == answer % QUOTED


@by_door
@pytest.mark.parametrize(
    "what, request_of, want",
    [
        ("unsigned", lambda: slack.command(signature=""),
            (401, {"content-type": "application/json"})),
        ("get", lambda: slack.command(method="GET"),
            (405, {"content-type": "application/json", "allow": "POST"})),
        ("ssl-check", lambda: slack.SlackRequest("ssl_check=1&token=t", signature="", timestamp=""),
            (200, {})),
        ("broken-json", lambda: slack.SlackRequest("{", slack.JSON),
            (400, {"content-type": "application/json"})),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_other_statuses_in_the_form_of_the_door(make, door, what, request_of, want):
    runtime = make.runtime()
    status, headers, _ = runtime.ask(request_of(), door)
    assert (status, headers) == want
    assert not runtime.endpoint.requests


@by_door
def test_event_of_the_events_api(make, door):
    runtime = make.runtime()
    status, headers, body = runtime.ask(slack.event(), door)
    assert (status, body) == (200, "")
    assert function_of(runtime.endpoint.only) == "my-fn"


@by_door
@pytest.mark.parametrize(
    "body, text",
    [("text=%C3%A4%20%F0%9F%98%80", "encoded"), ("text=gr\u00fc\u00dfe \u2713", "plain")],
    ids=["percent-encoded", "utf-8"],
)
def test_signature_covers_the_bytes_of_any_alphabet(make, door, body, text):
    runtime = make.runtime()
    for as_base64 in (True, False):
        assert "has been started" in runtime.text(
            slack.SlackRequest("command=%2Fx&" + body), door, as_base64=as_base64
        )


def test_documented_vectors(make):
    """The bodies and signatures of Slack's documentation, as far as a clock of today can take them.
    """
    import hashlib

    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&"
        "channel_id=G8PSS9T3V&channel_name=foobar"
        "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        "response_url=https%3A%2F%2Fhooks.slack.com"
        "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
        "trigger_id=398738663015.47445629121."
        "803a0bc887a14d10d2c447fce8b6703c"
    )
    assert (
        hashlib.sha256(body.encode()).hexdigest()
        == "390eeeff8d0cb7c9f6ecf8a88c3df6452fea0914eb02f64844369f3758d8d330"
    )
    assert (
        slack.sign(body.encode(), 1531420618)
        == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    )
    assert (
        slack.sign('{"text":"gr\u00fc\u00dfe \u2713"}'.encode(), 1531420618)
        == "v0=8fa6dc87862f60d22909038e71e3f0bb1a182d3c1eebf6732e7fa49060fad9d8"
    )
    runtime = make.runtime()
    assert "has been started" in runtime.text(slack.SlackRequest(body))


def change(event, **members):
    event.update(members)
    return event


def drop(event, *names):
    for name in names:
        event.pop(name)
    return event


def recase(event, how):
    event["headers"] = {how(name): value for name, value in event["headers"].items()}
    if event.get("multiValueHeaders"):
        event["multiValueHeaders"] = {
            how(name): value for name, value in event["multiValueHeaders"].items()
        }
    return event


@pytest.mark.parametrize(
    "door, alter",
    [
        pytest.param(REST, lambda e: drop(e, "multiValueHeaders"), id="rest-headers-only"),
        pytest.param(REST, lambda e: change(e, headers=None), id="rest-headers-null"),
        pytest.param(REST, lambda e: change(e, multiValueHeaders=None), id="rest-multi-null"),
        pytest.param(REST, lambda e: change(e, pathParameters=None), id="rest-no-path-parameters"),
        pytest.param(REST, lambda e: drop(e, "isBase64Encoded"), id="rest-no-base64-flag"),
        pytest.param(REST, lambda e: change(e, isBase64Encoded=None), id="rest-base64-flag-null"),
        pytest.param(REST, lambda e: drop(e, "requestContext"), id="rest-no-context"),
        pytest.param(REST, lambda e: recase(e, str.upper), id="rest-upper-case"),
        pytest.param(REST, lambda e: recase(e, str.lower), id="rest-lower-case"),
        pytest.param(HTTP1, lambda e: recase(e, str.lower), id="http1-lower-case"),
        pytest.param(HTTP2, lambda e: drop(e, "pathParameters"), id="http2-stage-only"),
        pytest.param(HTTP2, lambda e: change(e, pathParameters=None),
            id="http2-path-parameters-null"),
        pytest.param(HTTP2, lambda e: change(e, cookies=["a=b", "c=d"]), id="http2-cookies"),
        pytest.param(URL, lambda e: change(e, pathParameters=None, stageVariables=None),
            id="url-nulls"),
        pytest.param(
            URL,
            lambda e: change(e, isBase64Encoded=True,
                body=base64.b64encode(base64.b64decode(e["body"])).decode().rstrip("=")),
            id="url-base64-unpadded",
        ),
        pytest.param(ALB, lambda e: change(e, queryStringParameters=None), id="alb-query-null"),
        pytest.param(ALB_MULTI, lambda e: change(e, headers=None), id="alb-multi-headers-null"),
        pytest.param(ALB, lambda e: change(e,
            unknownMember={"deep": [1, 2.5e3, None, True, "\u2028"]}), id="unknown-members"),
    ],
)
def test_event_variations(make, door, alter):
    runtime = make.runtime()
    event = encode(alter(door.event(slack.command())))
    assert door.read(runtime.send(event).reply) == (
        200, {"content-type": "application/json"}, STARTED,
    )
    assert runtime.endpoint.only.body == event


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda e: json.dumps(e, indent=4).encode(), id="pretty-printed"),
        pytest.param(lambda e: json.dumps(e, indent="\t").replace("\n", "\r\n").encode(),
            id="tabs-and-crlf"),
        pytest.param(lambda e: b" \n" + encode(e) + b"\n ", id="space-around"),
        pytest.param(lambda e: encode(dict(reversed(e.items()))), id="members-reversed"),
        pytest.param(
            lambda e: encode(e).replace(b'"/eu-west-1/my-fn"', b'"\\/eu-west-1\\u002fmy-\\u0066n"'),
            id="escaped-path"
        ),
        pytest.param(lambda e: encode(e).replace(b'"isBase64Encoded"', b'"\\u0069sBase64Encoded"'),
            id="escaped-name"),
        pytest.param(lambda e: encode(e).replace(b'"rawPath"', b'"rawPath":"/x/y","rawPath"'),
            id="doubled-member-last-counts"),
        pytest.param(lambda e: encode({**e, "big": "\u00e4\U0001f600" * 2000}, ensure_ascii=False),
            id="utf-8"),
    ],
)
def test_payload_is_the_event_byte_for_byte(make, write):
    runtime = make.runtime()
    event = write(URL.event(slack.command()))
    assert URL.read(runtime.send(event).reply)[2] == STARTED
    assert runtime.endpoint.only.body == event


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded; charset=utf-8",
        "application/x-www-form-urlencoded;charset=UTF-8",
        "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded ; a=b",
        None,
    ],
)
def test_content_type_of_a_form(make, content_type):
    runtime = make.runtime()
    request = slack.SlackRequest(slack.command().body, content_type)
    assert runtime.text(request) == "Lambda function my-fn@eu-west-1 has been started..."


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/JSON"]
)
def test_content_type_of_an_event(make, content_type):
    runtime = make.runtime()
    request = slack.SlackRequest(slack.event().body, content_type)
    assert runtime.ask(request)[0] == 200
    assert runtime.endpoint.only


NOT_HTTP = [
    {},
    [],
    None,
    0,
    "ping",
    True,
    {"key1": "value1", "key2": "value2"},
    {"source": "serverless-plugin-warmup"},
    {
        "version": "0",
        "id": "53dc4d37",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2015-10-08T16:53:06Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {},
    },
    {"Records": [{"messageId": "1", "body": "x", "eventSource": "aws:sqs"}]},
    {"requestContext": None},
    {"version": 2.0, "rawPath": "/eu-west-1/my-fn"},
    {"version": "1.0"},
    {"httpMethod": None, "path": "/eu-west-1/my-fn"},
    {"requestContext": {"elb": None}},
]


@pytest.mark.parametrize("event", NOT_HTTP, ids=lambda e: json.dumps(e)[:40])
def test_not_http_gets_an_empty_object(make, event):
    runtime = make.runtime(GATEWAY_LOG_LEVEL="debug")
    before = len(runtime.process.lines)
    item = runtime.send(event).wait()
    assert item.answer == b"{}"
    runtime.settled()
    assert not runtime.endpoint.requests
    assert {line["level"] for line in runtime.process.lines[before:]} == {"DEBUG"}


FOREIGN = {
    "VPC Lattice": {"raw_path": "/eu-west-1/my-fn", "method": "POST", "headers": {}, "body": "x",
        "is_base64_encoded": False},
    "VPC Lattice, 2.0": {
        "version": "2.0",
        "path": "/eu-west-1/my-fn",
        "method": "POST",
        "headers": {"accept": ["*/*"]},
        "requestContext": {"serviceNetworkArn": "arn:aws:vpc-lattice:x", "targetGroupArn": "arn:x",
            "timeEpoch": "1"},
        "body": "x",
    },
    "Bedrock agent": {
        "messageVersion": "1.0",
        "agent": {"name": "a"},
        "actionGroup": "g",
        "apiPath": "/eu-west-1/my-fn",
        "httpMethod": "POST",
    },
    "API Gateway authorizer": {"type": "REQUEST", "methodArn": "arn:x", "httpMethod": "POST",
        "path": "/eu-west-1/my-fn", "headers": {}},
    "WebSocket API": {"requestContext": {"connectionId": "x=", "eventType": "MESSAGE"},
        "body": "x"},
    "CloudFront": {"Records": [{"cf": {"request": {"method": "POST", "uri": "/"}}}]},
    "integration without proxy":
        {"body-json": {"command": "/x"}, "params": {"header": {}}, "context": {"stage": "prod"}},
    "integration without proxy, bare":
        {"token": "x", "type": "event_callback", "event": {"type": "app_mention"}},
}


@pytest.mark.parametrize("door", FOREIGN)
def test_doors_that_are_not_served_say_so(make, door):
    """They only look like HTTP: nothing is started, and the log says what to set instead."""
    runtime = make.runtime()
    assert runtime.send(FOREIGN[door]).wait().answer == b"{}"
    line = runtime.process.wait_for_log("the event is not an HTTP request")
    assert (
        line["level"] == "WARN" and door.split(",")[0] in line["reason"] and ":" in line["reason"]
    )
    runtime.settled()
    assert not runtime.endpoint.requests


def test_doubled_content_type(make):
    """Two of them could mean two things to whoever reads the event later."""
    runtime = make.runtime()
    event = REST.event(slack.command())
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    name = next(name for name in event["headers"] if name.lower() == "content-type")
    event["multiValueHeaders"][name] = ["application/json", event["headers"][name]]
    assert REST.read(runtime.send(event).reply)[0] == 400
    runtime.settled()
    assert not runtime.endpoint.requests


STAGES = {
    # a path of one segment behind the stage of an HTTP API, which a route knows
    "named": (HTTP2, dict(stage="prod", proxy=None), "/deploy", "routed"),
    "named-two": (HTTP2, dict(stage="prod", proxy=None), "/eu-west-1/my-fn", "my-fn"),
    "payload-1.0": (HTTP1, dict(stage="prod", proxy=None), "/prod/deploy", "routed"),
    "payload-1.0-two": (HTTP1, dict(stage="prod", proxy=None), "/prod/eu-west-1/my-fn", "my-fn"),
    "rest": (REST, dict(stage="prod", proxy=None), "/deploy", "routed"),
    "slashes": (URL, {}, "//eu-west-1/my-fn/", "my-fn"),
    "slashes-of-a-route": (URL, {}, "//deploy//", "routed"),
}


@pytest.mark.parametrize("case", STAGES)
def test_stages_and_slashes(make, case):
    door, options, path, function = STAGES[case]
    config = json.dumps({"routes": [{"path": "deploy", "invoke": "eu-west-1/routed"}]})
    runtime = make.runtime(GATEWAY_CONFIG=config)
    assert door.read(runtime.send(door.event(slack.command(path), **options)).reply)[0] == 200
    runtime.settled()
    assert function_of(runtime.endpoint.only) == function


def test_not_http_is_silent_by_default(make):
    runtime = make.runtime()
    before = len(runtime.process.lines)
    assert runtime.send({"source": "serverless-plugin-warmup"}).wait().answer == b"{}"
    runtime.settled()
    assert len(runtime.process.lines) == before


def test_many_events_through_all_doors_one_after_another(make):
    runtime = make.runtime(endpoint=make.endpoint(tls=True, name="localhost"))
    events = []
    for i in range(60):
        door = ALL[i % len(ALL)]
        # Stamped when it is sent: time is counted from there.
        events.append(encode(door.event(slack.command(f"/eu-west-1/fn-{i}"))))
        item = runtime.send(events[-1])
        text = command_text(door.read(item.reply))
        if item.held.excuses(text):
            runtime.settled()
        else:
            assert text == f"Lambda function fn-{i}@eu-west-1 has been started..."
    assert [request.body for request in runtime.endpoint.requests] == events
    assert len(runtime.endpoint.links) == 1
    assert runtime.api.connections == 1
