"""STS: a role for a token (EKS), what the request is like, and every form that an answer may have.
"""

import os

import pytest

from support import hosts, network, slack
from support.aws_network import AwsNetwork
from support.cloud import IDENTITY, NOT, ROLE, STARTED, from_role, from_web_identity
from support.listener import Serve
from support.sts import SESSION, STYLES, error, plain
from support.wire import eventually

own_network = pytest.mark.skipif(
    not network.available() and not os.environ.get("CI"),
    reason="needs root, for a network of its own",
)
FLAVOURS = {"WEBID": from_web_identity, "STS": from_role}


def test_form(cloud):
    variables, (sts,) = from_web_identity(cloud)
    cloud.started_by(cloud.start(**variables), "WEBID")
    (form,) = sts.forms
    assert (
        form["Action"] == "AssumeRoleWithWebIdentity"
        and form["RoleArn"] == ROLE
        and form["WebIdentityToken"] == IDENTITY
    )
    assert SESSION.match(form["RoleSessionName"])


def test_session_name(cloud):
    variables, (sts,) = from_web_identity(cloud)
    cloud.started_by(cloud.start(**variables, AWS_ROLE_SESSION_NAME="my+name=1,2.3@4-5_6"), "WEBID")
    assert sts.forms[0]["RoleSessionName"] == "my+name=1,2.3@4-5_6"


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
def test_line_end_of_the_token_file(cloud, end):
    variables, (sts,) = from_web_identity(cloud)
    cloud.file("web-identity", IDENTITY + end)
    cloud.started_by(cloud.start(**variables), "WEBID")


@pytest.mark.parametrize("size", [4000, 19000])
def test_long_tokens(cloud, size):
    """STS takes 20,000 bytes."""
    token = "e" * size
    variables, (sts,) = from_web_identity(cloud, tokens={token: ROLE})
    cloud.file("web-identity", token)
    cloud.started_by(cloud.start(**variables), "WEBID")


@pytest.mark.parametrize(
    "variable, value",
    [("AWS_ROLE_ARN", "gateway"), ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:user/a"),
        ("AWS_ROLE_SESSION_NAME", "a"),
     ("AWS_ROLE_SESSION_NAME", "a b"), ("AWS_ROLE_SESSION_NAME", "x" * 65),
     ("AWS_REGION", "eu.west.1")],
)  # fmt: skip
def test_what_sts_would_refuse(cloud, variable, value):
    """Said at the start, which it ends."""
    variables, (sts,) = from_web_identity(cloud)
    listener = Serve(cloud.make)(wait=False, **cloud.environment(**{**variables, variable: value}))
    assert listener.process.wait_exit() == 2
    (told,) = listener.process.problems
    listener.process.problems.clear()
    assert variable in told and not sts.requests


@pytest.mark.parametrize(
    "content", [None, "", "\n", "x" * 200000], ids=["missing", "empty", "line", "long"]
)
def test_files_that_hold_no_token(cloud, content):
    variables, (sts,) = from_web_identity(cloud)
    if content is None:
        variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nonexistent/token"
    else:
        cloud.file("web-identity", content)
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" in cloud.complaint(**variables)
    assert not sts.requests


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize("source", FLAVOURS)
@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
def test_answers(cloud, style, source, kind):
    variables, _ = FLAVOURS[source](cloud, style=style)
    cloud.started_by(cloud.start(kind, **variables), source)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
def test_markup_in_tokens(cloud, style):
    variables, _ = from_web_identity(cloud, style=style, token_end="&<>'\"]]&amp;")
    cloud.started_by(cloud.start(**variables), "WEBID")


BROKEN = {
    "unknown-reference": lambda text: text.replace("<SessionToken>", "<SessionToken>&evil;"),
    "huge-reference": lambda text:
        text.replace("<SessionToken>", "<SessionToken>&#99999999999999999999;"),
    "open-reference": lambda text: text.replace("<SessionToken>", "<SessionToken>&amp"),
    "cut": lambda text: text[: len(text) // 2],
    "no-key": lambda text: text.replace("AccessKeyId>", "Other>"),
    "no-secret": lambda text: text.replace("SecretAccessKey>", "Other>"),
    "no-token": lambda text: text.replace("SessionToken>", "Other>"),
    "nul-reference": lambda text: text.replace("<SessionToken>", "<SessionToken>&#0;"),
    "line-reference": lambda text:
        text.replace("<SessionToken>", "<SessionToken>a&#13;&#10;X-Evil: 1"),
    "bad-expiration": lambda text: text.replace("<Expiration>2", "<Expiration>x2"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_answers_that_are_broken(cloud, how):
    variables, (sts,) = from_web_identity(cloud, style=lambda *args: BROKEN[how](plain(*args)))
    host = cloud.start(**variables)
    assert host.text(slack.command()).startswith(NOT)
    assert not cloud.endpoint.requests
    sts.style = plain
    assert eventually(lambda: host.text(slack.command()) == STARTED, pause=0.2)


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, code, message",
    [
        (400, "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://oidc.test & others"),
        (400, "ExpiredTokenException",
            "Token expired: current date/time 1 must be before the expiration date/time 0"),
        (403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        (403, "RegionDisabledException", "STS is not activated in this region"),
        (400, "ValidationError", "1 validation error detected"),
    ],
)
@pytest.mark.parametrize("source", FLAVOURS)
def test_refusals_are_told(cloud, source, status, code, message):
    variables, (sts,) = FLAVOURS[source](cloud, default=error(status, code, message))
    host = cloud.start(**variables)
    text = host.text(slack.command())
    assert text.startswith(NOT) and code in text
    assert message.split(" &")[0] in text and "&amp;amp;" not in text
    assert len(sts.requests) <= 4


@pytest.mark.parametrize("answer", [error(400, "IDPCommunicationError", "no"),
                                    error(503, "ServiceUnavailable", "no", "Receiver"),
                                    error(500, "InternalFailure", "no", "Receiver"),
                                    error(400, "Throttling", "Rate exceeded")],
                         ids=["idp", "503", "500", "throttling"])  # fmt: skip
def test_refusals_that_pass(cloud, answer):
    """The next request gets keys, if the same one did not."""
    variables, (sts,) = from_web_identity(cloud, script=[answer])
    host = cloud.start(**variables)
    assert eventually(lambda: host.text(slack.command()) == STARTED, pause=0.2)
    assert len(sts.requests) == 2


def test_certificate_of_sts(cloud):
    foreign = cloud.make.pki.server(cloud.make.pki.leaf(self_signed=True))
    variables, (sts,) = from_web_identity(cloud, tls=foreign)
    host = cloud.start(**variables)
    assert host.text(slack.command()).startswith(NOT) and not sts.requests


@own_network
@pytest.mark.parametrize(
    "region, name",
    [
        ("eu-west-1", "sts.eu-west-1.amazonaws.com"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
    ],
)
@pytest.mark.parametrize("source", FLAVOURS)
def test_names(cloud, make, source, region, name):
    """The regional endpoint, under its own name."""
    aws = AwsNetwork(make, cloud)
    suffix = name.split(region)[1]
    aws.invoke_endpoint(f"lambda.{region}{suffix}", region)
    variables, (sts,) = FLAVOURS[source](cloud, region=region, **aws.named(name))
    del variables["AWS_ENDPOINT_URL_STS"]
    host = aws.start(**variables, AWS_REGION=region)
    assert host.text(slack.command(f"/{region}/my-fn")) == STARTED.replace("eu-west-1", region)
    assert cloud.signers() == [source]
