"""Who may ask: only what was signed a moment ago, and no hint for anybody else."""

import time

import pytest

from support import slack
from support.front_doors import ALB_MULTI, ALL, HTTP2, REST, URL, encode

GOOD = slack.SECRET


def refused(runtime, request, door=URL, **options):
    """The answer to a request that must be refused, after making sure that it is refused in the one
    way."""
    lines = len(runtime.process.lines)
    answer = runtime.ask(request, door, **options)
    runtime.settled()
    assert answer[0] == 401 and answer[1] == {"content-type": "application/json"}
    assert not runtime.endpoint.requests
    told = runtime.process.logged("WARN", since=lines)
    assert len(told) == 1 and len(runtime.process.lines) == lines + 1, runtime.process.lines[lines:]
    return answer[2], told[0]


def hexes(n):
    return "v0=" + "0123456789abcdef" * (n // 16) + "0" * (n % 16)


CASES = {
    "other-secret": dict(secret="0" * 32),
    "no-signature": dict(signature=""),
    "no-timestamp": dict(timestamp=""),
    "neither": dict(signature="", timestamp=""),
    "zeros": dict(signature="v0=" + "0" * 64),
    "short": dict(signature=hexes(63)),
    "long": dict(signature=hexes(65)),
    "no-version": dict(signature=hexes(64)[3:]),
    "version-1": dict(signature=hexes(64).replace("v0", "v1")),
    "upper-case-version": dict(signature=hexes(64).replace("v0", "V0")),
    "not-hex": dict(signature="v0=" + "g" * 64),
    "space-before": dict(signature=" " + hexes(64)),
    "huge": dict(signature="v0=" + "a" * 100000),
    "non-ascii": dict(signature="v0=" + "\u00e4" * 64),
    "timestamp-word": dict(timestamp="now"),
    "timestamp-negative": dict(timestamp="-1"),
    "timestamp-zero": dict(timestamp="0"),
    "timestamp-hex": dict(timestamp="0x5b47d0ca"),
    "timestamp-huge": dict(timestamp="9" * 40),
    "timestamp-wraps": dict(timestamp=str((1 << 64) + int(time.time()))),
    "timestamp-fraction": lambda: dict(timestamp=f"{int(time.time())}.0"),
    "timestamp-plus": lambda: dict(timestamp=f"+{int(time.time())}"),
    "timestamp-space": lambda: dict(timestamp=f"{int(time.time())} "),
    "timestamp-ms": lambda: dict(timestamp=str(int(time.time() * 1000))),
    "stale": dict(age=302),
    "very-stale": dict(age=86400 * 365),
    "future": dict(age=-303),
    "far-future": dict(age=-86400),
}


def options_of(case):
    return case() if callable(case) else case


@pytest.mark.parametrize("case", CASES)
def test_refused(make, case):
    runtime = make.runtime()
    refused(runtime, slack.command(**options_of(CASES[case])))


def test_all_refusals_look_the_same(make):
    runtime = make.runtime()
    answers = {refused(runtime, slack.command(**options_of(case)))[0] for case in CASES.values()}
    assert len(answers) == 1, answers


@pytest.mark.parametrize("age", [0, 290, -290])
def test_within_the_window(make, age):
    runtime = make.runtime()
    assert "has been started" in runtime.text(slack.command(age=age))


@pytest.mark.parametrize("age", [400, -500])
def test_the_log_says_by_how_much(make, age):
    runtime = make.runtime()
    _, line = refused(runtime, slack.command(age=age))
    assert any(
        str(abs(age) + d) in line["message"] or str(abs(age) + d) in str(line) for d in (-1, 0, 1)
    ), line


def test_the_body_is_what_is_signed(make):
    runtime = make.runtime()
    request = slack.command()
    request.make()
    request.body += b"&text=more"
    refused(runtime, request)


def test_the_path_is_not_signed(make):
    """The reason for GATEWAY_ALLOW."""
    runtime = make.runtime()
    request = slack.command()
    request.path = "/eu-west-1/other"
    assert runtime.text(request) == "Lambda function other@eu-west-1 has been started..."


@pytest.mark.parametrize("door", ALL, ids=str)
def test_upper_case_hex_is_malformed(make, door):
    runtime = make.runtime()
    request = slack.command()
    headers = []
    for name, value in request.headers:
        headers.append(
            (name, value.upper().replace("V0", "v0") if name == "X-Slack-Signature" else value)
        )
    request.headers = headers
    refused(runtime, request, door)


@pytest.mark.parametrize("door", [REST, ALB_MULTI, HTTP2], ids=str)
@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
@pytest.mark.parametrize("order", ["good-last", "good-first", "same"])
def test_doubled_header(make, door, name, order):
    runtime = make.runtime()
    request = slack.command()
    value = dict(request.headers)[name]
    other = {"same": value}.get(order, "v0=" + "0" * 64 if name.endswith("Signature") else "1")
    if order == "good-first":
        request.headers.append((name, other))
    else:
        request.headers.insert(0, (name, other))
    refused(runtime, request, door)


@pytest.mark.parametrize("name", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
def test_doubled_by_case(make, name):
    """Two members of the map that are one header."""
    runtime = make.runtime()
    event = REST.event(slack.command())
    for headers in ("headers", "multiValueHeaders"):
        event[headers][name.lower()] = event[headers][name]
    lines = len(runtime.process.lines)
    assert REST.read(runtime.send(encode(event)).reply)[0] == 401
    runtime.settled()
    assert len(runtime.process.lines) == lines + 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda e: e["headers"].pop("x-slack-signature"), id="missing"),
        pytest.param(lambda e: e["headers"].update({"x-slack-signature": None}), id="null"),
        pytest.param(lambda e: e["headers"].update({"x-slack-signature": 1}), id="number"),
        pytest.param(lambda e: e["headers"].update({"x-slack-signature": []}), id="empty-array"),
        pytest.param(
            lambda e: e["headers"].update(
                {"x-slack-request-timestamp": int(e["headers"]["x-slack-request-timestamp"])}
            ),
            id="timestamp-number",
        ),
        pytest.param(lambda e: e.update(headers=None), id="no-headers"),
        pytest.param(lambda e: e.update(headers=[]), id="headers-array"),
        pytest.param(lambda e: e.pop("headers"), id="headers-missing"),
    ],
)
def test_headers_of_other_types(make, change):
    runtime = make.runtime()
    event = URL.event(slack.command())
    change(event)
    assert URL.read(runtime.send(encode(event)).reply)[0] == 401
    assert not runtime.endpoint.requests


@pytest.mark.parametrize(
    "configured",
    [
        f"{GOOD},{slack.OTHER_SECRET}",
        f"{slack.OTHER_SECRET},{GOOD}",
        f" {slack.OTHER_SECRET} , {GOOD} ",
        f"{GOOD},",
        ",".join(f"{i:032x}" for i in range(15)) + "," + GOOD,
    ],
    ids=["first", "second", "blanks", "comma-at-the-end", "last-of-16"],
)
def test_several_secrets(make, configured):
    runtime = make.runtime(SLACK_SIGNING_SECRET=configured)
    assert "has been started" in runtime.text(slack.command())
    assert runtime.ask(slack.command(secret="1" * 32))[0] == 401


def test_a_secret_is_text_of_any_length(make):
    for secret in ("x", "y" * 63, "z" * 64, "a" * 65, "b" * 300):
        runtime = make.runtime(SLACK_SIGNING_SECRET=secret)
        assert "has been started" in runtime.text(slack.command(secret=secret))


def test_skip_verify(make):
    runtime = make.runtime(SLACK_SIGNING_SECRET=None, GATEWAY_INSECURE_SKIP_VERIFY="1")
    assert any(
        "verif" in line["message"] or "GATEWAY_INSECURE_SKIP_VERIFY" in str(line)
        for line in runtime.process.logged("WARN")
    )
    assert "has been started" in runtime.text(slack.command(signature="", timestamp=""))
    assert "has been started" in runtime.text(slack.command(secret="wrong"))


def test_the_same_request_twice_is_two_requests(make):
    runtime = make.runtime()
    request = slack.command()
    for _ in range(2):
        assert "has been started" in runtime.text(request)
    assert len(runtime.endpoint.requests) == 2


def test_every_door_verifies(make):
    runtime = make.runtime()
    for door in ALL:
        for as_base64 in (True, False):
            assert runtime.ask(slack.command(secret="wrong"), door, as_base64=as_base64)[0] == 401
    assert not runtime.endpoint.requests
