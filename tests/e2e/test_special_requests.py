"""Requests that are answered without a function being started."""

import json

import pytest

from support import slack
from support.front_doors import ALB, ALB_MULTI, ALL, HTTP2, REST, URL, encode

by_door = pytest.mark.parametrize("door", ALL, ids=str)


def quiet(runtime):
    """Nothing was started and nobody was alarmed."""
    runtime.settled()
    assert not runtime.endpoint.requests
    assert not runtime.process.logged("WARN", "ERROR")[runtime.warnings_at_start :]


def started(make, **env):
    runtime = make.runtime(**env)
    runtime.warnings_at_start = len(runtime.process.logged("WARN", "ERROR"))
    return runtime


@by_door
def test_ssl_check_in_a_form_needs_no_signature(make, door):
    runtime = started(make)
    request = slack.SlackRequest("ssl_check=1&token=" + slack.TOKEN, signature="", timestamp="")
    assert runtime.ask(request, door) == (200, {}, "")
    quiet(runtime)


@by_door
def test_ssl_check_in_the_query_of_a_get(make, door):
    runtime = started(make)
    request = slack.SlackRequest(
        b"", None, method="GET", query="ssl_check=1&token=t", signature="", timestamp=""
    )
    assert runtime.ask(request, door) == (200, {}, "")
    quiet(runtime)


@pytest.mark.parametrize(
    "body",
    ["ssl_check=0&token=t", "ssl_check=11", "ssl_check=", "xssl_check=1", "a=ssl_check=1",
        "text=%26ssl_check=1&"],
    ids=str,
)
def test_almost_ssl_check_needs_a_signature(make, body):
    runtime = started(make)
    status, _, _ = runtime.ask(slack.SlackRequest(body, signature="", timestamp=""))
    assert status == 401
    assert not runtime.endpoint.requests


def test_ssl_check_in_the_query_of_a_post_means_nothing(make):
    runtime = started(make)
    request = slack.command(query="ssl_check=1", signature="", timestamp="")
    assert runtime.ask(request)[0] == 401


@by_door
def test_url_verification(make, door):
    runtime = started(make)
    request = slack.json_request(
        {
            "token": slack.TOKEN,
            "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
            "type": "url_verification",
        }
    )
    status, headers, body = runtime.ask(request, door)
    assert status == 200 and headers["content-type"].split(";")[0] == "text/plain"
    assert body == "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    quiet(runtime)


@pytest.mark.parametrize("path", ["/", "/x", "/eu-west-1/my-fn/more", ""])
def test_url_verification_whatever_the_path(make, path):
    runtime = started(make, GATEWAY_ALLOW="eu-west-1/other")
    request = slack.json_request({"type": "url_verification", "challenge": 'c\u00e4"h'}, path)
    assert runtime.ask(request, URL)[0::2] == (200, 'c\u00e4"h')
    quiet(runtime)


def test_url_verification_must_be_signed(make):
    runtime = started(make)
    body = {"type": "url_verification", "challenge": "secret-echo"}
    status, _, answer = runtime.ask(slack.json_request(body, secret="x" * 32))
    assert status == 401 and "secret-echo" not in answer


def test_app_rate_limited_is_logged(make):
    runtime = started(make)
    request = slack.json_request(
        {
            "type": "app_rate_limited",
            "token": slack.TOKEN,
            "team_id": "T1",
            "api_app_id": "A1",
            "minute_rate_limited": 1518467820,
        }
    )
    assert runtime.ask(request) == (200, {}, "")
    runtime.settled()
    assert not runtime.endpoint.requests
    assert len(runtime.process.logged("WARN")) == runtime.warnings_at_start + 1


@pytest.mark.parametrize("door", [ALB, ALB_MULTI], ids=str)
@pytest.mark.parametrize("path", ["/", "/healthz", "/eu-west-1/my-fn"])
def test_load_balancer_health_check(make, door, path):
    runtime = started(make)
    request = slack.SlackRequest(b"", None, path, "GET", signature="", timestamp="")
    request.headers = [("User-Agent", "ELB-HealthChecker/2.0")]
    assert runtime.ask(request, door)[0] == 200
    quiet(runtime)


@by_door
def test_healthz(make, door):
    runtime = started(make)
    request = slack.SlackRequest(b"", None, "/healthz", "GET", signature="", timestamp="")
    assert runtime.ask(request, door)[0] == 200
    quiet(runtime)


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "post", "POSTX", ""]
)
@pytest.mark.parametrize("door", [REST, HTTP2, ALB], ids=str)
def test_other_methods(make, door, method):
    runtime = started(make)
    status, headers, _ = runtime.ask(slack.command(method=method), door)
    assert status == 405 and headers["allow"] == "POST"
    assert not runtime.endpoint.requests


@pytest.mark.parametrize(
    "request_of",
    [
        pytest.param(lambda: slack.SlackRequest('{"type":', slack.JSON), id="cut-json"),
        pytest.param(lambda: slack.SlackRequest("", slack.JSON), id="no-json"),
        pytest.param(lambda: slack.SlackRequest("[1]", slack.JSON), id="json-array"),
        pytest.param(lambda: slack.SlackRequest('{"a":1}x', slack.JSON), id="json-and-more"),
        pytest.param(lambda: slack.SlackRequest(b'{"a":"\xff"}', slack.JSON), id="json-not-utf-8"),
        pytest.param(lambda: slack.SlackRequest(b"\xef\xbb\xbf{}", slack.JSON),
            id="json-with-a-mark"),
        pytest.param(lambda: slack.SlackRequest("payload=%7B%22type%22%3A"), id="cut-payload"),
        pytest.param(lambda: slack.SlackRequest("payload=x"), id="payload-not-json"),
        pytest.param(lambda: slack.SlackRequest("payload=%5B%5D"), id="payload-array"),
        pytest.param(lambda: slack.SlackRequest("text=%zz&command=%2Fx"),
            id="percent-without-digits"),
        pytest.param(lambda: slack.SlackRequest("command=%2Fx&text=%4"), id="percent-at-the-end"),
        pytest.param(lambda: slack.SlackRequest("[" * 100 + "]" * 100, slack.JSON), id="too-deep"),
    ],
)
def test_signed_but_not_what_it_claims_to_be(make, request_of):
    runtime = started(make)
    status, headers, body = runtime.ask(request_of(), as_base64=True)
    assert status == 400, (status, body)
    assert "error" in json.loads(body)
    runtime.settled()
    assert not runtime.endpoint.requests


@pytest.mark.parametrize(
    "body", ["=", "a", "!!!!", "YQ=", "YQ==YQ==", "Y Q==", "YR==", "YWJj\n",
        "\u00e9\u00e9\u00e9\u00e9", "YW-_"], ids=ascii
)
def test_body_that_is_not_the_base64_it_claims_to_be(make, body):
    runtime = started(make)
    event = URL.event(slack.command())
    event.update(body=body, isBase64Encoded=True)
    status, _, answer = URL.read(runtime.send(encode(event)).reply)
    assert status in (400, 401), answer
    assert not runtime.endpoint.requests


@pytest.mark.parametrize(
    "size, as_base64, status",
    [
        (1 << 20, True, 200),
        ((1 << 20) + 1, True, 413),
        (1 << 20, False, 200),
        ((1 << 20) + 1, False, 413),
        (4 << 20, True, 413),
    ],
)
def test_limit_of_the_body(make, size, as_base64, status):
    runtime = started(make)
    start = b"command=%2Fx&text="
    request = slack.SlackRequest(start + b"a" * (size - len(start)))
    item = runtime.send(request, URL, as_base64=as_base64)
    got, _, body = URL.read(item.wait(10).reply)
    assert got == status, body[:200]
    if status == 413:
        assert not runtime.endpoint.requests
    else:
        assert runtime.endpoint.only.body == item.event


def test_an_empty_body_is_no_command(make):
    runtime = started(make)
    status, _, _ = runtime.ask(slack.SlackRequest(b"", slack.FORM))
    runtime.settled()
    assert status in (200, 400, 500)
