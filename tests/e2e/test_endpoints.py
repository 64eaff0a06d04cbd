"""Where AWS is: names by region, FIPS and dual stack, as a resolver sees them, and every way to say
otherwise."""

import os

import pytest

from support import hosts, network, slack
from support.aws_network import AwsNetwork
from support.cloud import ROLE, STARTED, from_anywhere, from_role, from_web_identity, profile_text
from support.secret_stores import Parameters, SecretsManager

own_network = pytest.mark.skipif(
    not network.available() and not os.environ.get("CI"),
    reason="needs root, for a network of its own",
)
FIPS, DUAL = {"AWS_USE_FIPS_ENDPOINT": "true"}, {"AWS_USE_DUALSTACK_ENDPOINT": "TRUE"}
STARTED_IN = "Lambda function my-fn@{} has been started..."


@own_network
@pytest.mark.parametrize(
    "region, settings, name",
    [
        ("us-east-1", FIPS, "lambda-fips.us-east-1.amazonaws.com"),
        ("us-east-1", DUAL, "lambda.us-east-1.api.aws"),
        ("us-east-1", {**FIPS, **DUAL}, "lambda-fips.us-east-1.api.aws"),
        ("us-gov-west-1", FIPS, "lambda-fips.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", DUAL, "lambda.cn-north-1.api.amazonwebservices.com.cn"),
        ("eu-west-1", {"AWS_USE_FIPS_ENDPOINT": "false", "AWS_USE_DUALSTACK_ENDPOINT": "False"},
            "lambda.eu-west-1.amazonaws.com"),
    ],
)
def test_names_of_lambda(cloud, make, region, settings, name):
    aws = AwsNetwork(make, cloud)
    endpoint = aws.invoke_endpoint(name, region)
    host = aws.start(AWS_REGION=region, **settings, **cloud.ring.issue("ENV").environment())
    assert host.text(slack.command(f"/{region}/my-fn")) == STARTED_IN.format(region)
    assert endpoint.only.header("host") == name
    assert {asked for asked, _ in aws.dns.asked} == {name}


@own_network
@pytest.mark.parametrize(
    "settings, prefix, suffix",
    [({}, "", "amazonaws.com"), (FIPS, "-fips", "amazonaws.com"), (DUAL, "", "api.aws")],
    ids=["usual", "fips", "dual"],
)
@pytest.mark.parametrize("service", ["sts", "ssm", "secretsmanager", "rolesanywhere"])
def test_names_of_the_others(cloud, make, service, settings, prefix, suffix):
    """Each signed as the service of its name."""
    aws = AwsNetwork(make, cloud)
    endpoint = aws.invoke_endpoint(f"lambda{prefix}.us-east-1.{suffix}", "us-east-1")
    if service == "secretsmanager":
        suffix = "amazonaws.com"  # has IPv6 addresses under its usual name
    place = aws.named(f"{service}{prefix}.us-east-1.{suffix}")
    variables = cloud.ring.issue("ENV").environment()
    if service == "sts":
        variables, _ = from_role(cloud, region="us-east-1", **place)
    elif service == "rolesanywhere":
        variables, _ = from_anywhere(cloud, region="us-east-1", **place)
    else:
        kind = Parameters if service == "ssm" else SecretsManager
        make.keep(kind({"p": slack.SECRET}, keys=cloud.ring, region="us-east-1", **place))
        variables["SLACK_SIGNING_SECRET"] = f"{service}:p"
    variables = {
        name: value for name, value in variables.items() if not name.startswith("AWS_ENDPOINT_URL")
    }
    host = aws.start(AWS_REGION="us-east-1", **settings, **variables)
    assert host.text(slack.command("/us-east-1/my-fn")) == STARTED_IN.format("us-east-1")
    assert endpoint.requests


@own_network
def test_old_global_name_of_sts(cloud, make):
    """For want of a region."""
    aws = AwsNetwork(make, cloud)
    aws.invoke_endpoint("lambda.eu-west-1.amazonaws.com")
    variables, _ = from_role(cloud, region="us-east-1", **aws.named("sts.amazonaws.com"))
    del variables["AWS_ENDPOINT_URL_STS"]
    host = aws.start(AWS_REGION=None, **variables)
    assert host.text(slack.command()) == STARTED


# ---- said otherwise ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize("base", ["", "/", "/base", "/a%20b/c", "/$LATEST/x=1"])
def test_base_paths_are_kept_and_signed(make, cloud, kind, base):
    endpoint = make.endpoint(keys=cloud.ring, base_path=base.rstrip("/"))
    cloud.endpoint = endpoint
    url = f"http://127.0.0.1:{endpoint.port}{base}"
    host = cloud.start(kind, AWS_ENDPOINT_URL_LAMBDA=url, **cloud.ring.issue("ENV").environment())
    assert host.text(slack.command()) == STARTED


@pytest.mark.parametrize("base", ["", "/base", "/a%20b/c"])
def test_base_paths_of_the_others(make, cloud, base):
    variables, (sts,) = from_role(cloud, base_path=base)
    store = make.keep(Parameters({"p": slack.SECRET}, keys=cloud.ring, base_path=base))
    host = cloud.start(**variables, SLACK_SIGNING_SECRET="ssm:p", AWS_ENDPOINT_URL_SSM=store.url)
    cloud.started_by(host, "STS")
    assert sts.requests[0].target == base + "/" == store.requests[0].target


def test_one_for_all(make, cloud):
    """AWS_ENDPOINT_URL is for every service that has none of its own."""
    variables, (sts,) = from_web_identity(cloud)
    del variables["AWS_ENDPOINT_URL_STS"]
    cloud.started_by(cloud.start(**variables, AWS_ENDPOINT_URL=sts.url), "WEBID")


@own_network
def test_ignored(cloud, make):
    aws = AwsNetwork(make, cloud)
    endpoint = aws.invoke_endpoint("lambda.eu-west-1.amazonaws.com")
    nowhere = dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"), "http://127.0.0.1:1")
    host = aws.start(
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true", **nowhere,
        **cloud.ring.issue("ENV").environment(),
    )
    assert host.text(slack.command()) == STARTED and endpoint.requests


@pytest.mark.parametrize(
    "text",
    [
        "endpoint_url = {url}\n",
        "services = mine\n[services mine]\nlambda =\n  endpoint_url = {url}\n",
        "endpoint_url = http://127.0.0.1:1\nservices = mine\n[services mine]\ns3 =\n"
        "  endpoint_url = http://127.0.0.1:1\nlambda = \n  endpoint_url = {url}\n",
    ],
    ids=["profile", "service", "both"],
)
@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_of_a_profile(cloud, kind, text):
    keys = profile_text(cloud.ring.lasting("PROFILE"), "profile p")
    cloud.aws_file("config", keys + text.format(url=cloud.endpoint.url))
    host = cloud.start(kind, AWS_PROFILE="p", AWS_ENDPOINT_URL_LAMBDA=None)
    cloud.started_by(host, "PROFILE")


def test_variable_beats_profile(cloud):
    cloud.aws_file(
        "config",
        profile_text(cloud.ring.lasting("PROFILE")) + "endpoint_url = http://127.0.0.1:1\n",
    )
    cloud.started_by(cloud.start(), "PROFILE")


def test_region_of_a_profile(cloud):
    """For what has no region in its path: STS signs for it."""
    sts = cloud.sts()
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("BASE"), "base"))
    cloud.aws_file(
        "config", f"[profile p]\nregion = eu-west-1\nrole_arn={ROLE}\nsource_profile=base\n"
    )
    cloud.started_by(
        cloud.start(AWS_PROFILE="p", AWS_REGION=None, AWS_ENDPOINT_URL_STS=sts.url), "STS"
    )


@pytest.mark.parametrize(
    "variables, word",
    [
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "AWS_USE_FIPS_ENDPOINT"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "AWS_USE_DUALSTACK_ENDPOINT"),
        ({"AWS_USE_FIPS_ENDPOINT": "maybe"}, "AWS_USE_FIPS_ENDPOINT"),
        ({"AWS_ENDPOINT_URL_STS": "ftp://x"}, "AWS_ENDPOINT_URL_STS"),
        ({"AWS_ENDPOINT_URL_SSM": "http://user:pass@host"}, "AWS_ENDPOINT_URL_SSM"),
        ({"AWS_ENDPOINT_URL_SECRETS_MANAGER": "nonsense"}, "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    ],
    ids=["fips-and-override", "dual-and-override", "maybe", "ftp", "user", "nonsense"],
)
def test_settings_that_cannot_be(cloud, variables, word):
    told = cloud.complaint(**variables, **cloud.ring.issue("ENV").environment())
    assert word in told and "pass@" not in told
