"""Credentials for containers: ECS's relative path, full addresses and which of them are allowed,
tokens from a file."""

import os

import pytest

from support import network, slack
from support.aws_network import ECS, EKS, EKS_6, AwsNetwork
from support.cloud import NOT, STARTED, from_container
from support.service import Service
from support.wire import eventually

own_network = pytest.mark.skipif(
    not network.available() and not os.environ.get("CI"),
    reason="needs root, for a network of its own",
)
URI, RELATIVE = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
TOKEN, TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"


def test_request(cloud):
    variables, (agent,) = from_container(cloud)
    cloud.started_by(cloud.start(**variables), "CONTAINER")
    (request,) = agent.requests
    assert (request.method, request.target) == ("GET", agent.path)
    assert not request.body and not request.values("x-amz-date")


@pytest.mark.parametrize("path", ["/", "/get?role=a%2Fb&x=1", "/v1/credentials", "/" + "p" * 400])
def test_paths(cloud, path):
    variables, _ = from_container(cloud, path=path)
    cloud.started_by(cloud.start(**variables), "CONTAINER")


def test_localhost(cloud):
    variables, (agent,) = from_container(cloud)
    agent.authority = f"localhost:{agent.port}"
    cloud.started_by(
        cloud.start(**{URI: f"http://localhost:{agent.port}{agent.path}"}), "CONTAINER"
    )


def test_https(cloud):
    variables, (agent,) = from_container(cloud, tls=True)
    assert variables[URI].startswith("https://")
    cloud.started_by(cloud.start(**variables), "CONTAINER")


def test_https_needs_a_good_certificate(cloud):
    foreign = cloud.make.pki.server(cloud.make.pki.leaf(self_signed=True))
    variables, (agent,) = from_container(cloud, tls=foreign)
    assert cloud.start(**variables).text(slack.command()).startswith(NOT)
    assert not agent.requests


@pytest.mark.parametrize(
    "address",
    [
        "http://10.0.0.1/x",
        "http://169.254.169.254/x",
        "http://169.254.170.3/x",
        "http://[fd00:ec2::24]/x",
        "http://128.0.0.1/x",
        "http://example.com/x",
        "http://127.0.0.1.example.com/x",
        "http://user:password@127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "127.0.0.1/x",
        "http://",
        "/x",
    ],
)
def test_addresses_that_are_not_allowed(cloud, address):
    """Nobody is connected to, and a password in it is not repeated."""
    told = cloud.complaint(**{URI: address})
    assert URI in told and "password" not in told


# ---- authorization -------------------------------------------------------------------------------


def test_token_of_a_variable(cloud):
    variables, _ = from_container(cloud, authorization="Basic dXNlcjpwYXNz")
    cloud.started_by(cloud.start(**variables, **{TOKEN: "Basic dXNlcjpwYXNz"}), "CONTAINER")


def test_token_of_a_file_wins(cloud):
    variables, _ = from_container(cloud, authorization="of-the-file")
    variables[TOKEN_FILE] = cloud.file("token", "of-the-file")
    cloud.started_by(cloud.start(**variables, **{TOKEN: "of-the-variable"}), "CONTAINER")


def test_line_end_of_the_file(cloud):
    """As editors leave one behind; within it would be another field."""
    variables, _ = from_container(cloud, authorization="of-the-file")
    variables[TOKEN_FILE] = cloud.file("token", "of-the-file\n")
    cloud.started_by(cloud.start(**variables), "CONTAINER")


@pytest.mark.parametrize(
    "content", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "", "x" * 200000],
    ids=["field", "line", "nul", "empty", "long"],
)
def test_files_that_hold_no_token(cloud, content):
    variables, (agent,) = from_container(cloud, authorization="a")
    told = cloud.complaint(**{**variables, TOKEN_FILE: cloud.file("token", content)})
    assert not content or TOKEN_FILE in told or "value for Authorization" in told, told
    assert not any(r.values("x-evil") for r in agent.requests) and not cloud.endpoint.requests


@pytest.mark.parametrize("path", ["/nonexistent/token", "/", "/dev/zero"])
def test_files_that_cannot_be_read(cloud, path):
    variables, (agent,) = from_container(cloud, authorization="a")
    assert TOKEN_FILE in cloud.complaint(**{**variables, TOKEN_FILE: path})
    assert not agent.requests


def test_file_that_appears_later(cloud):
    variables, _ = from_container(cloud, authorization="token")
    path = str(cloud.folder / "late")
    host = cloud.start(**{**variables, TOKEN_FILE: path})
    assert host.text(slack.command()).startswith(NOT)
    cloud.file("late", "token")
    assert eventually(lambda: host.text(slack.command()) == STARTED, pause=0.1)


def test_refused_token(cloud):
    variables, (agent,) = from_container(cloud, authorization="right")
    host = cloud.start(**variables, **{TOKEN: "a-wrong-one"})
    host.process.forbidden.append("a-wrong-one")
    text = host.text(slack.command())
    assert text.startswith(NOT) and agent.refused


class Trap(Service):
    def answer(self, request):
        self.complain(request, "came through the proxy")
        return 503, {}, ()


def test_never_through_a_proxy(cloud, make):
    trap = make.keep(Trap())
    variables, _ = from_container(cloud)
    cloud.started_by(
        cloud.start(**variables, HTTP_PROXY=trap.url, http_proxy=trap.url), "CONTAINER"
    )
    assert not trap.connections


# ---- the agents' own addresses -------------------------------------------------------------------


@own_network
@pytest.mark.parametrize("kind", ["serve", "lambda"])
def test_ecs(cloud, make, kind):
    aws = AwsNetwork(make, cloud)
    aws.invoke_endpoint("lambda.eu-west-1.amazonaws.com")
    agent = cloud.container(**aws.at(ECS))
    cloud.started_by(aws.start(kind, **{RELATIVE: agent.path}), "CONTAINER")


@own_network
def test_relative_wins(cloud, make):
    aws = AwsNetwork(make, cloud)
    aws.invoke_endpoint("lambda.eu-west-1.amazonaws.com")
    agent = cloud.container(**aws.at(ECS))
    cloud.started_by(aws.start(**{RELATIVE: agent.path, URI: "http://127.0.0.1:1/x"}), "CONTAINER")


@own_network
@pytest.mark.parametrize("address", [ECS, EKS, EKS_6])
def test_allowed_addresses(cloud, make, address):
    aws = AwsNetwork(make, cloud)
    aws.invoke_endpoint("lambda.eu-west-1.amazonaws.com")
    agent = cloud.container(path="/v1/credentials", authorization="pod", **aws.at(address))
    variables = {
        URI: f"http://{agent.authority}/v1/credentials",
        TOKEN_FILE: cloud.file("token", "pod"),
    }
    cloud.started_by(aws.start(**variables), "CONTAINER")
