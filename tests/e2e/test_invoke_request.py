"""The request to the Invoke API, field by field. Its signature is recomputed with botocore for
every request of every test."""

import time

import pytest

from support import signatures, slack
from support.front_doors import URL, encode
from support.runtime_api import ARN


def test_fields(make):
    runtime = make.runtime(endpoint=make.endpoint(tls=True))
    item = runtime.send(slack.command()).wait()
    request = runtime.endpoint.only
    names = [name.lower() for name, _ in request.fields]
    assert sorted(names) == sorted(set(names))
    must = {
        "host",
        "content-length",
        "content-type",
        "authorization",
        "x-amz-date",
        "x-amz-invocation-type",
        "x-amz-security-token",
    }
    assert must <= set(names) <= must | {"user-agent", "connection", "accept"}, names
    assert request.target == "/2015-03-31/functions/my-fn/invocations"
    assert request.body == item.event
    assert {
        "content-type", "host", "x-amz-date", "x-amz-invocation-type", "x-amz-security-token",
    } <= set(signatures.scope(request)["names"].split(";"))


@pytest.mark.parametrize(
    "keys",
    [
        signatures.Keys(token=""),
        signatures.Keys(secret="a"),
        signatures.Keys(secret="/+" * 20, token="t" * 1500),
        signatures.Keys(access_key_id="ASIA" + "A" * 16, token="x" * 4000),
    ],
    ids=["no-token", "short-secret", "long-token", "longer-token"],
)
def test_keys(make, keys):
    endpoint = make.endpoint(tls=True, keys=keys)
    runtime = make.runtime(endpoint=endpoint, **{"AWS_SESSION_TOKEN": None, **keys.environment()})
    assert "has been started" in runtime.text(slack.command())
    assert runtime.endpoint.only


@pytest.mark.parametrize(
    "function", ["my-fn:live", "my-fn:$LATEST", ARN, "123456789012:function:f:1", "a_b-c.d"]
)
def test_function_names_are_signed_as_botocore_signs_them(make, function):
    runtime = make.runtime(endpoint=make.endpoint(tls=True))
    assert "has been started" in runtime.text(slack.command("/eu-west-1/" + function))
    assert "?" not in runtime.endpoint.only.target


def test_the_name_of_the_endpoint(make):
    """With its port in Host, as it is signed; a name or an address."""
    for name in ("127.0.0.1", "localhost"):
        for tls in (False, True):
            runtime = make.runtime(endpoint=make.endpoint(tls=tls, name=name))
            assert "has been started" in runtime.text(slack.command())
            assert runtime.endpoint.only.header("host") == f"{name}:{runtime.endpoint.port}"


def test_ipv6_endpoint(make, pki):
    certificate = pki.leaf(addresses=("::1",))
    for tls in (None, pki.server(certificate)):
        runtime = make.runtime(endpoint=make.endpoint(tls=tls, name="[::1]", host="::1"))
        assert "has been started" in runtime.text(slack.command())


def test_localhost_on_either_address(make):
    for host in ("127.0.0.1", "::1", ["127.0.0.1", "::1"]):
        runtime = make.runtime(endpoint=make.endpoint(tls=True, name="localhost", host=host))
        assert "has been started" in runtime.text(slack.command())


@pytest.mark.parametrize(
    "trace, header",
    [
        ("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",) * 2,
        (
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1;"
            "Lineage=a87bd80c:0,68fd508a:5",
        )
        * 2,
        ("", None),
        ('a b%"{}[]\u00e4<>|\x7f', 'a%20b%25"{}[]%C3%A4%3C%3E%7C%7F'),
    ],
    ids=["usual", "lineage", "none", "odd"],
)
def test_trace_id(make, trace, header):
    runtime = make.runtime()
    if not trace.isascii():
        # As bytes on the wire it is UTF-8.
        trace = trace.encode().decode("latin-1")
    if "\x7f" in trace:
        trace, header = trace.replace("\x7f", ""), header.replace("%7F", "")
    item = runtime.api.send(encode(URL.event(slack.command())), trace_id=trace)
    assert URL.read(item.reply)[0] == 200
    assert runtime.endpoint.only.header("x-amzn-trace-id") == header


def test_trace_of_each_event_is_its_own(make):
    runtime = make.runtime()
    for trace in (
        "Root=1-00000000-000000000000000000000001", "", "Root=1-00000000-000000000000000000000002",
    ):
        runtime.api.send(encode(URL.event(slack.command())), trace_id=trace).wait()
        assert runtime.endpoint.requests[-1].header("x-amzn-trace-id") == (trace or None)


def test_regions_one_after_another(make):
    """Signing keys are per region and day; a mix must not confuse them."""
    runtime = make.runtime(endpoint=make.endpoint(tls=True, region=None))
    for region in ("eu-west-1", "us-east-1", "eu-west-1", "eu-west-2", "us-east-1"):
        assert "has been started" in runtime.text(slack.command(f"/{region}/my-fn"))
        assert signatures.scope(runtime.endpoint.requests[-1])["region"] == region


def test_date_is_now(make):
    runtime = make.runtime()
    runtime.text(slack.command())
    time.sleep(1.1)
    runtime.text(slack.command())
    first, second = (r.header("x-amz-date") for r in runtime.endpoint.requests)
    assert first < second


def test_headers_of_slack_go_nowhere(make):
    """Only the event carries what Slack sent."""
    runtime = make.runtime()
    request = slack.command(
        headers=[
            ("X-Amz-Invocation-Type", "RequestResponse"),
            ("X-Amz-Target", "x"),
            ("Cookie", "a=b"),
            ("Authorization", "Bearer x"),
            ("X-Amzn-Trace-Id", "Root=1-x"),
        ]
    )
    assert "has been started" in runtime.text(request)
    fields = dict((name.lower(), value) for name, value in runtime.endpoint.only.fields)
    assert (
        fields["x-amz-invocation-type"] == "Event"
        and "x-amz-target" not in fields
        and "cookie" not in fields
    )
    assert "x-amzn-trace-id" not in fields
