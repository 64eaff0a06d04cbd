"""What a function gets from the listener: the event that a Function URL makes of the same request.
"""

import json
import re
import time
from urllib.parse import parse_qsl, unquote_plus, urlencode

import pytest

from support import front_doors, slack
from support.listener import serve_once, wire_form  # noqa: F401

IDENT = re.compile(r"[0-9a-f]{32}\Z")


@pytest.fixture(scope="module")
def endpoint(serve_once):  # noqa: F811
    return serve_once.make.endpoint()


@pytest.fixture(scope="module")
def listener(serve_once, endpoint):  # noqa: F811
    return serve_once(endpoint=endpoint)


def event_of(listener, endpoint, request, fields=(), http="1.1"):
    with listener.connect() as client:
        assert client.ask(wire_form(request, fields=fields, http=http)).status == 200
    return endpoint.requests[-1].json()


def expected(request, fields=(), cookies=None, http="1.1"):
    """The same as a dictionary, by hand. What differs from request to request is looked at
    elsewhere."""
    headers = {}
    for name, value in [*request.headers, ("Content-Length", str(len(request.body))), *fields]:
        if name.lower() != "cookie":
            headers[name.lower()] = (
                f"{headers[name.lower()]},{value}" if name.lower() in headers else value
            )
    event = front_doors.URL.event(request)
    event["headers"] = headers
    if cookies is not None:
        event["cookies"] = cookies
    context = event["requestContext"]
    del context["authorizer"]
    context.update(apiId="gateway", domainName="example.test", domainPrefix="example")
    context["http"].update(sourceIp="127.0.0.1", protocol="HTTP/" + http)
    return event


def same(event, wanted):
    context = event["requestContext"]
    assert IDENT.match(context.pop("requestId"))
    epoch = context.pop("timeEpoch")
    assert abs(epoch / 1000 - time.time()) < 5
    assert context.pop("time") == time.strftime(
        "%d/%b/%Y:%H:%M:%S +0000", time.gmtime(epoch // 1000)
    )
    for name in ("requestId", "timeEpoch", "time"):
        del wanted["requestContext"][name]
    assert event == wanted


BODIES = {
    "form": (slack.FORM, slack.command().body),
    "form with a charset": (slack.FORM + "; charset=utf-8", slack.command().body),
    "json": (slack.JSON, slack.event().body),
    "json with a charset": ("application/json; charset=utf-8", slack.event(event_id="Ev2").body),
    "json in capitals": ("Application/JSON", slack.event(event_id="Ev3").body),
    "json outside ASCII": (
        slack.JSON,
        json.dumps(
            {"type": "event_callback", "event": {"text": "grüße ✓ \U0001f600"}},
            ensure_ascii=False,
        ).encode(),
    ),
    "json with escapes": (
        slack.JSON,
        b'{"type":"event_callback","event_id":"E1","event":{"text":"\\u0000 \\" \\\\ \\n"}, '
        b'"x":1.0e5 }',
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(listener, endpoint, name):
    content_type, body = BODIES[name]
    request = slack.SlackRequest(body, content_type, f"/eu-west-1/fn-{list(BODIES).index(name)}")
    event = event_of(listener, endpoint, request)
    if content_type.lower().startswith("application/json"):
        assert event["isBase64Encoded"] is False and event["body"] == body.decode()
    else:
        assert event["isBase64Encoded"] is True
    wanted = expected(request)
    if content_type == "Application/JSON":
        wanted.update(body=body.decode(), isBase64Encoded=False)
    same(event, wanted)


def test_bytes_that_are_no_text(listener, endpoint):
    request = slack.SlackRequest(
        b"command=%2Fx&text=\xff\xfe\x00", "text/plain; x=application/x-www-form-urlencoded"
    )
    with listener.connect() as client:
        status = client.ask(wire_form(request)).status
    if status == 200:  # it may be refused as no form; if it is taken, it must be base64
        assert endpoint.requests[-1].json()["isBase64Encoded"] is True


def test_fields(listener, endpoint):
    request = slack.command()
    fields = [
        ("X-One", "a"), ("x-one", "b"), ("X-ONE", "c, d"), ("X-Empty", ""),
        ("X-Quote", 'say "x" \\ y'),
        ("X-Forwarded-For", "1.2.3.4"), ("X-" + "Long-" * 60 + "Name", "v"),
        ("X-Letters", "!#$%&'*+-.^_`|~"),
        ("!#$%&'*+-.^_`|~", "odd name"),
    ]  # fmt: skip
    same(event_of(listener, endpoint, request, fields), expected(request, fields))


def test_many_fields_of_one_name(listener, endpoint):
    request = slack.command()
    fields = [("X-Many", str(i)) for i in range(85)]
    event = event_of(listener, endpoint, request, fields)
    assert event["headers"]["x-many"] == ",".join(str(i) for i in range(85))


def test_bytes_outside_ascii_in_a_field(listener, endpoint):
    request = slack.command()
    event = event_of(
        listener, endpoint, request,
        [("X-Utf8", "grüße".encode().decode("latin-1")), ("X-Latin", "gr\xfc\xdfe")],
    )
    assert (
        event["headers"]["x-utf8"] == "grüße" and event["headers"]["x-latin"] == "gr\ufffd\ufffde"
    )


@pytest.mark.parametrize(
    ("fields", "cookies"),
    [
        ([("Cookie", "a=b")], ["a=b"]),
        ([("Cookie", "a=b; c=d;e=f ;  g=h")], ["a=b", "c=d", "e=f", "g=h"]),
        ([("COOKIE", "a=b"), ("Cookie", "c=d; e")], ["a=b", "c=d", "e"]),
        ([("Cookie", "")], None),
        ([("Cookie", "a=b;; ;")], ["a=b"]),
        ([("Cookie", 'a="x y"')], ['a="x y"']),
    ],
)
def test_cookies(listener, endpoint, fields, cookies):
    request = slack.command()
    same(event_of(listener, endpoint, request, fields), expected(request, fields, cookies))


QUERIES = {
    "one": "a=b",
    "two": "a=b&c=d",
    "same name twice": "a=1&b=2&a=3",
    "three times": "a=1&a=2&a=3",
    "escapes": "a%20b=c%26d&e=%C3%BC",
    "plus": "a+b=c+d",
    "escaped plus": "a=1%2B1",
    "no value": "a=&b",
    "no name": "=x",
    "several signs": "a=b=c",
    "empty pairs": "&&a=b&&",
    "only a sign": "&",
    "quotes": "a=%22%5C%00%0A",
    "long value": "a=" + "%41" * 4500,
    "long plain value": "a=" + "b" * 9000,
    "bad escape": "a=%zz&b=%4",
    "name in escapes twice": "%61=1&a=2",
}


@pytest.mark.parametrize("name", QUERIES)
def test_queries(listener, endpoint, name):
    query = QUERIES[name]
    request = slack.command(query=query)
    event = event_of(listener, endpoint, request)
    assert event["rawQueryString"] == query
    wanted = {}
    for key, value in pairs_of(query):
        wanted[key] = f"{wanted[key]},{value}" if key in wanted else value
    assert event.get("queryStringParameters", {}) == wanted
    # A name stands there once.
    text = endpoint.requests[-1].body.decode()
    json.loads(text, object_pairs_hook=no_doubles)


def pairs_of(query):
    for pair in query.split("&"):
        if pair:
            key, _, value = pair.partition("=")
            yield decoded(key), decoded(value)


def decoded(text):
    """What does not decode stands for itself."""
    return text if re.search("%(?![0-9A-Fa-f]{2})", text) else unquote_plus(text)


def no_doubles(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


def test_no_query(listener, endpoint):
    event = event_of(listener, endpoint, slack.command())
    assert (
        event["rawQueryString"] == ""
        and "queryStringParameters" not in event
        and "cookies" not in event
    )


@pytest.mark.parametrize(
    "path", ["/eu-west-1/my-fn", "/eu-west-1/my%2Dfn", "/eu-west-1/my-fn%3Aprod", "/eu-west-1/fn:1"]
)
def test_paths_as_they_came(listener, endpoint, path):
    request = slack.command(path)
    event = event_of(listener, endpoint, request)
    assert event["rawPath"] == path and event["requestContext"]["http"]["path"] == path


def test_absolute_form(listener, endpoint):
    request = slack.command(query="x=y")
    with listener.connect() as client:
        client.ask(wire_form(request).replace(b"POST /", b"POST http://example.test/"))
    event = endpoint.requests[-1].json()
    assert event["rawPath"] == "/eu-west-1/my-fn" and event["rawQueryString"] == "x=y"


def test_http_1_0(listener, endpoint):
    request = slack.command()
    same(event_of(listener, endpoint, request, http="1.0"), expected(request, http="1.0"))


def test_chunks_look_like_a_length(listener, endpoint):
    """A function sees the body, not how it travelled."""
    request = slack.command()
    plain = wire_form(request).replace(
        b"Content-Length: %d" % len(request.body), b"Transfer-Encoding: chunked"
    )
    head, _, body = plain.partition(b"\r\n\r\n")
    with listener.connect() as client:
        assert (
            client.ask(head + b"\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n").status == 200
        )
    event = endpoint.requests[-1].json()
    assert event["body"] == expected(request)["body"]


def test_large_body(listener, endpoint):
    """The largest that there may be, and every byte of it escaped."""
    request = slack.SlackRequest(
        b'{"type":"event_callback","event_id":"L","x":"' + b"\\u0001" * 174000 + b'"}', slack.JSON
    )
    assert len(request.body) < 1 << 20
    assert event_of(listener, endpoint, request)["body"] == request.body.decode()


def test_slack_payload(serve_once, endpoint):  # noqa: F811
    listener = serve_once("--payload", "slack", endpoint=endpoint)
    request = slack.command(
        headers=[("X-Slack-Retry-Num", "2"), ("X-Slack-Retry-Reason", "http_timeout")]
    )
    with listener.connect() as client:
        assert client.ask(wire_form(request)).status == 200
    payload = endpoint.requests[-1].json()
    gateway = payload.pop("gateway")
    assert payload == {
        "type": "slash_command",
        **dict(parse_qsl(request.body.decode(), keep_blank_values=True)),
    }
    assert IDENT.match(gateway.pop("request_id"))
    assert abs(gateway.pop("received_at") / 1000 - time.time()) < 60
    assert re.match(r"[0-9a-f]{64}\Z", gateway.pop("reply_mac"))
    assert gateway == {
        "region": "eu-west-1", "function": "my-fn", "retry_num": 2, "retry_reason": "http_timeout",
    }


def test_request_id_is_the_one_of_the_log(listener, endpoint):
    event = event_of(listener, endpoint, slack.command("/eu-west-1/fn-logged"))
    number = event["requestContext"]["requestId"]
    (line,) = listener.wait_for_requests(1, request_id=number)
    assert (
        line["path"] == "/eu-west-1/fn-logged"
        and line["kind"] == "slash_command"
        and line["status"] == 200
    )
    assert any(
        entry["message"] == "started" and entry["request_id"] == number
        for entry in listener.process.lines
    )


def test_unix_socket_has_no_source_address(serve_once, endpoint):  # noqa: F811
    listener = serve_once(endpoint=endpoint, listen=f"unix:{serve_once.make.folder}/event.sock")
    event = event_of(listener, endpoint, slack.command())
    assert event["requestContext"]["http"]["sourceIp"] == ""


def test_form_of_a_million_bytes(listener, endpoint):
    body = urlencode({"command": "/x", "text": "ü" * 170000})
    assert 1_000_000 < len(body) < 1 << 20
    request = slack.SlackRequest(body)
    same(event_of(listener, endpoint, request), expected(request))
