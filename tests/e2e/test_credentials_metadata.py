"""EC2's metadata service: sessions, their end, the fallback to version 1 and when there must be
none."""

import os
import time

import pytest

from support import network, slack
from support.aws_network import METADATA, METADATA_6, AwsNetwork
from support.cloud import NOT, STARTED, from_metadata
from support.invoke_endpoint import after, hang
from support.machine import Held
from support.metadata import ROLES, TOKEN, TOKEN_FIELD, TTL_FIELD
from support.service import Service, says
from support.wire import PATIENCE, eventually

own_network = pytest.mark.skipif(
    not network.available() and not os.environ.get("CI"),
    reason="needs root, for a network of its own",
)


def test_conversation(cloud):
    variables, (metadata,) = from_metadata(cloud)
    cloud.started_by(cloud.start(**variables), "METADATA")
    assert [(r.method, r.target) for r in metadata.requests] == [
        ("PUT", TOKEN), ("GET", ROLES), ("GET", ROLES + "gateway-role"),
    ]
    put, *gets = metadata.requests
    assert put.header(TTL_FIELD) == "21600" and not put.body and not put.header(TOKEN_FIELD)
    assert (
        all(get.header(TOKEN_FIELD) in metadata.sessions for get in gets) and not metadata.refused
    )


@pytest.mark.parametrize("ending", ["/", ""])
def test_endpoint_with_a_path(cloud, ending):
    variables, _ = from_metadata(cloud)
    variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] += ending
    cloud.started_by(cloud.start(**variables), "METADATA")


@pytest.mark.parametrize("role", ["r", "gateway-role", "a+b=c,d.e@f_g", "r" * 64])
def test_names_of_roles(cloud, role):
    variables, _ = from_metadata(cloud, role=role)
    cloud.started_by(cloud.start(**variables), "METADATA")


@pytest.mark.parametrize(
    "role",
    ["", "\n", "a/../b", "a b", "a\r\nX-Evil: 1", "<html>", "a?b", "r" * 5000],
    ids=["empty", "line", "dots", "blank", "field", "html", "query", "long"],
)
def test_what_is_no_name_of_a_role(cloud, role):
    """It is not put into a request line."""
    variables, (metadata,) = from_metadata(cloud, role=role)
    host = cloud.start(**variables)
    assert host.text(slack.command()).startswith(NOT)
    assert {r.target for r in metadata.requests} <= {TOKEN, ROLES}
    assert not any("evil" in name.lower() for r in metadata.requests for name, _ in r.fields)


@pytest.mark.parametrize("token", ["", "a\r\nX-Evil: 1", "a\0b", "t" * 20000, "two words"])
def test_what_is_no_token(cloud, token):
    variables, (metadata,) = from_metadata(cloud)
    metadata.session = lambda request: (200, token)
    host = cloud.start(**variables)
    assert host.text(slack.command()).startswith(NOT)
    assert not any(name.lower() == "x-evil" for r in metadata.requests for name, _ in r.fields)


def test_sessions_that_end(cloud):
    """401 once: a new session, and nothing else to see."""
    variables, (metadata,) = from_metadata(cloud, life=3)
    host = cloud.start(**variables)
    cloud.started_by(host, "METADATA")
    metadata.end_sessions()
    end = time.monotonic() + PATIENCE
    while (
        time.monotonic() < end
        and len({r.header(TOKEN_FIELD) for r in metadata.asked(target=ROLES)}) < 2
    ):
        cloud.started_by(host, "METADATA")
        time.sleep(0.05)
    assert len(metadata.asked("PUT")) >= 2 and len(metadata.refused) <= 1
    assert eventually(lambda: len([name for name in cloud.ring.issued if "METADATA" in name]) >= 2)


def test_session_refused_for_ever(cloud):
    """No endless loop."""
    variables, (metadata,) = from_metadata(cloud)
    metadata.session = lambda request: (200, "AQAEAAAAnotatokenthatisknown==")
    host = cloud.start(**variables)
    assert host.text(slack.command()).startswith(NOT)
    assert len(metadata.requests) <= 8


# ---- version 1 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [403, 404, 405])
def test_version_1(cloud, refusal):
    variables, (metadata,) = from_metadata(cloud, mode="v1", refusal=refusal)
    cloud.started_by(cloud.start(**variables), "METADATA")
    assert len(metadata.asked("PUT")) == 1
    assert not any(r.header(TOKEN_FIELD) for r in metadata.asked())


@pytest.mark.parametrize("refusal", [400, 500, 503])
def test_no_version_1_after_other_refusals(cloud, refusal):
    variables, (metadata,) = from_metadata(cloud, mode="v1", refusal=refusal)
    assert cloud.start(**variables).text(slack.command()).startswith(NOT)
    assert not [r for r in metadata.asked() if r.target.startswith(ROLES + "g")]


@pytest.mark.parametrize("refusal", [403, 404, 405])
@pytest.mark.parametrize("word", ["true", "TRUE", "True"])
def test_version_1_can_be_forbidden(cloud, refusal, word):
    variables, (metadata,) = from_metadata(cloud, mode="v1", refusal=refusal)
    host = cloud.start(**variables, AWS_EC2_METADATA_V1_DISABLED=word)
    assert host.text(slack.command()).startswith(NOT)
    assert not metadata.asked()


def test_token_that_never_comes(cloud):
    """In a container whose hop limit is 1 the answer to PUT is lost: version 1 is tried after a
    second."""
    variables, _ = from_metadata(cloud, mode="optional", script=[hang])
    host = cloud.start(**variables)
    begun, held = time.monotonic(), Held(host.process.pid)
    assert eventually(lambda: host.text(slack.command()) == STARTED, pause=0.1)
    assert time.monotonic() - begun < 4 + held.seconds and set(cloud.signers()) == {"METADATA"}


@pytest.mark.parametrize("v1", ["false", "true"])
def test_hop_limit_is_told(cloud, v1):
    """No token comes, and without one nobody gets in: whoever runs a container on an instance
    learns what to change."""
    variables, (metadata,) = from_metadata(cloud, mode="required", script=[hang] * 20)
    text = cloud.start(**variables, AWS_EC2_METADATA_V1_DISABLED=v1).text(slack.command())
    assert text.startswith(NOT) and "raise HttpPutResponseHopLimit to 2" in text, text


def test_sessions_are_required(cloud):
    """Nobody without a token gets in, so the fallback must not be taken where sessions work."""
    variables, (metadata,) = from_metadata(
        cloud, default=after(0.1, lambda visit: visit.endpoint.behave(visit))
    )
    cloud.started_by(cloud.start(**variables), "METADATA")
    assert not metadata.refused


@pytest.mark.parametrize("word", ["true", "TRUE"])
def test_disabled(cloud, word):
    variables, (metadata,) = from_metadata(cloud)
    assert (
        cloud.start(**variables, AWS_EC2_METADATA_DISABLED=word)
        .text(slack.command())
        .startswith(NOT)
    )
    assert not metadata.connections


@pytest.mark.parametrize("word", ["false", "", "no"])
def test_not_disabled(cloud, word):
    variables, _ = from_metadata(cloud)
    cloud.started_by(cloud.start(**variables, AWS_EC2_METADATA_DISABLED=word), "METADATA")


def test_document_that_says_no(cloud):
    """With status 200, as EC2 does; the reason is told."""
    no = {
        "Code": "AssumeRoleUnauthorizedAccess",
        "Message": "EC2 cannot assume the role gateway-role.",
        "LastUpdated": "2026-01-01T00:00:00Z",
    }
    variables, (metadata,) = from_metadata(cloud)
    metadata.keys = lambda: no
    text = cloud.start(**variables).text(slack.command())
    assert text.startswith(NOT) and "EC2 cannot assume the role gateway-role" in text
    assert not cloud.endpoint.requests


def test_no_role(cloud):
    """An instance without a profile."""
    variables, (metadata,) = from_metadata(cloud)
    metadata.script = [None, says(404, "not found", "text/html")]
    host = cloud.start(**variables)
    assert host.text(slack.command()).startswith(NOT)


class Trap(Service):
    def answer(self, request):
        self.complain(request, "came through the proxy")
        return 503, {}, ()


def test_never_through_a_proxy(cloud, make):
    trap = make.keep(Trap())
    variables, _ = from_metadata(cloud)
    proxies = {"HTTP_PROXY": trap.url, "http_proxy": trap.url}
    cloud.started_by(cloud.start(**variables, **proxies, NO_PROXY=""), "METADATA")
    assert not trap.connections


# ---- where it is ---------------------------------------------------------------------------------


@own_network
@pytest.mark.parametrize("kind", ["serve", "lambda"])
def test_its_own_address(cloud, make, kind):
    aws = AwsNetwork(make, cloud)
    aws.invoke_endpoint("lambda.eu-west-1.amazonaws.com")
    cloud.metadata(**aws.at(METADATA))
    cloud.started_by(aws.start(kind), "METADATA")


@own_network
@pytest.mark.parametrize("mode", ["IPv6", "ipv6"])
def test_its_own_address_with_ipv6(cloud, make, mode):
    aws = AwsNetwork(make, cloud)
    aws.invoke_endpoint("lambda.eu-west-1.amazonaws.com")
    cloud.metadata(**aws.at(METADATA_6))
    cloud.started_by(aws.start(AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=mode), "METADATA")


@own_network
def test_nobody_there(cloud, make):
    """Outside EC2 the address leads nowhere: an answer in time, that names the source."""
    aws = AwsNetwork(make, cloud)
    aws.invoke_endpoint("lambda.eu-west-1.amazonaws.com")
    host = aws.start()
    begun, held = time.monotonic(), Held(host.process.pid)
    text = host.text(slack.command(), final=False)
    assert text.startswith(NOT) or held.excuses(text), text
    assert time.monotonic() - begun < 2.9 + held.seconds
