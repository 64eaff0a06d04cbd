"""Which function a path names, and which paths name none."""

from urllib.parse import quote

import pytest

from conftest import command_text
from support import slack
from support.front_doors import ALB, HTTP1, HTTP2, REST, URL, encode
from support.invoke_endpoint import function_of
from support.wire import eventually

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:my-fn"


def wire(function):
    return quote(function, safe="-_.~")


@pytest.mark.parametrize(
    "segment, function",
    [
        ("my-fn", "my-fn"),
        ("My_Fn-9", "My_Fn-9"),
        ("a", "a"),
        ("x" * 64, "x" * 64),
        ("my.fn", "my.fn"),
        ("my-fn:live", "my-fn:live"),
        ("my-fn%3Alive", "my-fn:live"),
        ("my-fn%3alive", "my-fn:live"),
        ("my-fn:42", "my-fn:42"),
        ("my-fn:$LATEST", "my-fn:$LATEST"),
        ("my-fn%3A%24LATEST", "my-fn:$LATEST"),
        ("%6d%79-fn", "my-fn"),
        ("123456789012:function:my-fn", "123456789012:function:my-fn"),
        ("123456789012:function:my-fn:live", "123456789012:function:my-fn:live"),
        (ARN, ARN),
        (ARN + ":live", ARN + ":live"),
        (quote(ARN, safe=""), ARN),
        (quote(ARN + ":7", safe=""), ARN + ":7"),
    ],
)
@pytest.mark.parametrize("door", [URL, REST, ALB], ids=str)
def test_function(make, door, segment, function):
    runtime = make.runtime()
    text = runtime.text(slack.command("/eu-west-1/" + segment), door)
    assert text == f"Lambda function {function}@eu-west-1 has been started..."
    assert function_of(runtime.endpoint.only) == wire(function)


@pytest.mark.parametrize(
    "region",
    [
        "us-east-1",
        "eu-central-2",
        "us-gov-west-1",
        "cn-north-1",
        "ap-southeast-4",
        "eusc-de-east-1",
        "us-iso-east-1",
        "il-central-1",
        "mx-central-1",
        "us-isob-east-1",
        "eu-isoe-west-1",
    ],
)
def test_region(make, region):
    runtime = make.runtime(endpoint=make.endpoint(region=region))
    assert (
        runtime.text(slack.command(f"/{region}/my-fn"))
        == f"Lambda function my-fn@{region} has been started..."
    )


def test_full_arn_of_another_partition(make):
    arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:my-fn"
    runtime = make.runtime(endpoint=make.endpoint(region="us-gov-west-1"))
    assert "has been started" in runtime.text(slack.command(f"/us-gov-west-1/{arn}"))
    assert function_of(runtime.endpoint.only) == wire(arn)


BAD = [
    # path, as shown (None: as it is without the first slash)
    ("", None),
    ("/", None),
    ("/my-fn", None),
    ("/eu-west-1", None),
    ("/eu-west-1/", "eu-west-1"),
    ("//my-fn", "my-fn"),
    ("/eu-west-1//my-fn", None),
    ("/eu-west-1/my-fn/more", None),
    ("/a/b/c/d", None),
    ("/my-fn/eu-west-1", None),
    ("/EU-WEST-1/my-fn", None),
    ("/eu-west/my-fn", None),
    ("/eu-west-1a/my-fn", None),
    ("/eu-west-1.evil.com/my-fn", None),
    ("/evil.com/my-fn", None),
    ("/eu-west-1@evil/my-fn", None),
    ("/x.evil.com%23/my-fn", "x.evil.com#/my-fn"),
    ("/eu-west-1%2F/my-fn", "eu-west-1//my-fn"),
    ("/eu-west-1%2Fmy-fn", "eu-west-1/my-fn"),
    ("/eu-west-1/my%2Ffn", "eu-west-1/my/fn"),
    ("/eu-west-1/..%2F..%2Fx", "eu-west-1/../../x"),
    ("/eu-west-1/..", None),
    ("/eu-west-1/.", None),
    ("/../eu-west-1/my-fn", None),
    ("/eu-west-1/my-fn%253Alive", "eu-west-1/my-fn%3Alive"),
    ("/eu-west-1/my%25fn", "eu-west-1/my%fn"),
    ("/eu-west-1/my-fn%", None),
    ("/eu-west-1/my-fn%4", None),
    ("/eu-west-1/my-fn%zz", None),
    ("/eu-west-1/my%00fn", "eu-west-1/my\0fn"),
    ("/eu-west-1/my%0d%0afn", "eu-west-1/my\r\nfn"),
    ("/eu-west-1/my%7Ffn", "eu-west-1/my\x7ffn"),
    ("/eu-west-1/my fn", None),
    ("/eu-west-1/my+fn", None),
    ("/eu-west-1/my%20fn", "eu-west-1/my fn"),
    ("/eu-west-1/f%C3%BCn", "eu-west-1/f\u00fcn"),
    ("/eu-west-1/f\u00fcn", None),
    ("/eu-west-1/my-fn?x=1", None),
    ("/eu-west-1/my-fn#x", None),
    ("/eu-west-1/my-fn:", None),
    ("/eu-west-1/:live", None),
    ("/eu-west-1/my-fn:a:b", None),
    ("/eu-west-1/my-fn:li/ve", None),
    ("/eu-west-1/my-fn:$OTHER", None),
    ("/eu-west-1/my$fn", None),
    ("/eu-west-1/" + "x" * 141, None),
    ("/us-east-1/" + ARN, None),
    ("/eu-west-1/arn:aws:lambda:us-east-1:123456789012:function:my-fn", None),
    ("/eu-west-1/us-east-1:123456789012:function:my-fn", None),
    ("/eu-west-1/arn:aws:s3:eu-west-1:123456789012:function:my-fn", None),
    ("/eu-west-1/arn:aws:lambda:eu-west-1:123:function:my-fn", None),
    ("/eu-west-1/arn:aws:lambda:eu-west-1:123456789012:layer:my-fn", None),
    ("\\eu-west-1\\my-fn", None),
    ("eu-west-1/my-fn/x", "eu-west-1/my-fn/x"),
]


@pytest.mark.parametrize("path, shown", BAD, ids=[ascii(p[0])[:60] for p in BAD])
@pytest.mark.parametrize("door", [URL, ALB], ids=str)
def test_bad_path(make, door, path, shown):
    runtime = make.runtime()
    shown = path.removeprefix("/") if shown is None else shown
    text = runtime.text(slack.command(path), door)
    escaped = shown[:200].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert text in (
        f"Invalid resource [{escaped}]. Expecting format [region/function-name]",
        f"Invalid resource [/{escaped}]. Expecting format [region/function-name]",
    )
    runtime.settled()
    assert not runtime.endpoint.requests


@pytest.mark.parametrize(
    "path, text",
    [("/<!channel>/&", "&lt;!channel&gt;/&amp;"), ("/%3C!here%3E/x", "&lt;!here&gt;/x"),
        ("/%26lt;/x", "&amp;lt;/x")],
)
def test_bad_path_cannot_ping(make, path, text):
    runtime = make.runtime()
    assert text in runtime.text(slack.command(path)) and "<" not in runtime.text(
        slack.command(path)
    )


@pytest.mark.parametrize(
    "path", ["/" + "a" * 5000, "/" + "%41" * 5000, "/" + "\u00e4" * 300, "/" + "%C3%A4" * 300,
        "/" + "a/" * 3000]
)
def test_long_bad_path_is_cut(make, path):
    runtime = make.runtime()
    text = runtime.text(slack.command(path))
    shown = text.removeprefix("Invalid resource [").removesuffix(
        "]. Expecting format [region/function-name]"
    )
    assert 100 <= len(shown) <= 201, len(shown)


def test_bad_utf8_in_a_path(make):
    runtime = make.runtime()
    for path in ("/eu-west-1/%ff%fe", "/%c3", "/" + "a" * 199 + "%c3%a4"):
        assert runtime.text(slack.command(path)).startswith("Invalid resource [")


# ---- what is taken off ---------------------------------------------------------------------------

GOOD = "Lambda function my-fn@eu-west-1 has been started..."


@pytest.mark.parametrize(
    "door, options",
    [
        (HTTP2, dict(stage="prod")),
        (HTTP2, dict(stage="prod", proxy=None)),
        (HTTP2, dict(stage="$default", proxy=None)),
        (HTTP2, dict(stage="eu-west-1", proxy=None)),
        (REST, dict(stage="prod", proxy=None)),
        (REST, dict(stage="eu-west-1", proxy=None)),
        (HTTP1, dict(stage="$default", proxy=None)),
        (HTTP2, dict(stage="prod", proxy="/eu-west-1/my-fn")),
        (HTTP2, dict(stage="prod", proxy="eu-west-1/my-fn")),
    ],
    ids=lambda v: str(v),
)
def test_stage(make, door, options):
    runtime = make.runtime()
    assert runtime.text(slack.command(), door, **options) == GOOD


def test_stage_is_a_whole_segment(make):
    runtime = make.runtime()
    event = HTTP2.event(slack.command(), stage="prod", proxy=None)
    event["rawPath"] = "/production/eu-west-1/my-fn"
    assert command_text(HTTP2.read(runtime.send(encode(event)).reply)).startswith(
        "Invalid resource [production/eu-west-1/my-fn]"
    )


@pytest.mark.parametrize(
    "base, prefix",
    [("/slack", "/slack"), ("slack", "/slack"), ("/slack/", "/slack"), ("/a/b", "/a/b"),
        ("/slack", ""), ("/", ""), ("", "")],
)
@pytest.mark.parametrize("door", [URL, ALB, HTTP2, REST], ids=str)
def test_base_path(make, door, base, prefix):
    runtime = make.runtime(GATEWAY_BASE_PATH=base)
    options = dict(proxy=None) if door in (HTTP2, REST) else {}
    assert runtime.text(slack.command(), door, base_path=prefix, **options) == GOOD


@pytest.mark.parametrize(
    "path", ["/slackx/eu-west-1/my-fn", "/slack/slack/eu-west-1/my-fn", "/slack", "/slack/",
        "/SLACK/eu-west-1/my-fn"]
)
def test_base_path_is_taken_off_once_and_whole(make, path):
    runtime = make.runtime(GATEWAY_BASE_PATH="/slack")
    assert runtime.text(slack.command(path)).startswith("Invalid resource [")


def test_proxy_wins_over_the_path(make):
    runtime = make.runtime()
    for door in (REST, HTTP2):
        event = door.event(slack.command("/eu-west-1/other"), proxy="eu-west-1/my-fn")
        assert GOOD in door.read(runtime.send(encode(event)).reply)[2]
    for parameters in ({}, {"region": "x"}, {"proxy": None}):
        event = REST.event(slack.command("/eu-west-1/my-fn"))
        event["pathParameters"] = parameters
        assert GOOD in REST.read(runtime.send(encode(event)).reply)[2]


def test_proxy_is_decoded_once_like_every_path(make):
    runtime = make.runtime()
    for proxy, function in (
        ("eu-west-1/my-fn:live", "my-fn%3Alive"),
        ("eu-west-1/my-fn%3Alive", "my-fn%3Alive"),
    ):
        assert "has been started" in runtime.text(slack.command(), REST, proxy=proxy)
        assert function_of(runtime.endpoint.requests[-1]) == function
    assert runtime.text(slack.command(), REST, proxy="eu-west-1/my-fn%253Alive").startswith(
        "Invalid resource"
    )


# ---- who may be started --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "allow, path, allowed",
    [
        ("*/*", "/eu-west-1/my-fn", True),
        ("", "/eu-west-1/my-fn", True),
        ("eu-west-1/my-fn", "/eu-west-1/my-fn", True),
        ("eu-west-1/*", "/eu-west-1/my-fn", True),
        ("*/my-*", "/eu-west-1/my-fn", True),
        ("eu-*/m*n", "/eu-west-1/my-fn", True),
        ("us-east-1/x, eu-west-1/my-fn", "/eu-west-1/my-fn", True),
        ("us-east-1/x,eu-west-1/my-fn,", "/eu-west-1/my-fn", True),
        ("eu-west-1/my-fn", "/eu-west-1/my%2Dfn", True),
        ("eu-west-1/my-fn:*", "/eu-west-1/my-fn%3Alive", True),
        ("eu-west-1/my-fn:live", "/eu-west-1/my-fn:live", True),
        ("eu-west-1/**", "/eu-west-1/my-fn", True),
        ("eu-west-1/other", "/eu-west-1/my-fn", False),
        ("us-east-1/*", "/eu-west-1/my-fn", False),
        ("eu-west-1/my", "/eu-west-1/my-fn", False),
        ("eu-west-1/y-fn", "/eu-west-1/my-fn", False),
        ("eu-west-1/MY-FN", "/eu-west-1/my-fn", False),
        ("eu-west-1/my-fn", "/eu-west-1/my-fn:live", False),
        ("eu-west-1/my-fn:live", "/eu-west-1/my-fn", False),
        ("eu-west-1/my-fn", "/eu-west-1/my-fn%3Aprod", False),
        ("eu-west-1/my-fn", f"/eu-west-1/{ARN}", False),
        ("eu-west-1/my-?n", "/eu-west-1/my-fn", None),
        ("eu-west-1/my-f[n]", "/eu-west-1/my-fn", None),
    ],
)
def test_allow(make, allow, path, allowed):
    runtime = make.runtime(GATEWAY_ALLOW=allow, wait=False)
    if allowed is None:
        # Whether such a pattern stops the start is the program's choice; if it does not, it must
        # not match by magic.
        assert eventually(lambda: runtime.api.nexts or not runtime.process.alive)
        if not runtime.process.alive:
            assert runtime.process.wait_exit() == 2
            return
    text = runtime.text(slack.command(path))
    if allowed:
        assert "has been started" in text
    else:
        assert "could not be started: " in text
        runtime.settled()
        assert not runtime.endpoint.requests
        assert eventually(lambda: runtime.process.logged("WARN"))


@pytest.mark.parametrize(
    "allow, admitted",
    [
        ("eu-west-1/*-slack", False),
        ("*/*", False),
        ("eu-west-1/*:210987654321:*", False),
        ("eu-west-1/x, eu-west-1/123456789012:function:*", True),
        (None, True),
    ],
)
def test_an_account_must_be_spelled_out(make, allow, admitted):
    """A pattern for names does not admit what others called so in their accounts."""
    runtime = make.runtime(GATEWAY_ALLOW=allow)
    text = runtime.text(slack.command("/eu-west-1/123456789012:function:evil-slack"))
    assert ("has been started" if admitted else "GATEWAY_ALLOW does not list it") in text
    assert len(runtime.endpoint.requests) == admitted
