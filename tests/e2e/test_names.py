"""With AWS's own names: resolved, connected to at port 443, verified. In a network of the test's
own."""

import os

import pytest

from support import network, slack
from support.invoke_endpoint import function_of
from support.wire import eventually, in_some_try

STARTED = "Lambda function my-fn@{} has been started..."
NOT = "could not be started: "

pytestmark = pytest.mark.skipif(
    not network.available() and not os.environ.get("CI"),
    reason="needs root, for a network of its own",
)


class World:
    """A network with a name server and AWS in it."""

    def __init__(self, make, pki, folder):
        self.make, self.pki = make, pki
        self.net = make.keep(network.Network(folder))

    def dns(self, names, **options):
        self.names = self.make.keep(network.Dns(self.net, names, **options))
        return self.names

    def aws(
        self, certificate_names=("*.amazonaws.com",), region="eu-west-1", host="127.0.0.1",
        name=None, **options,
    ):
        tls = self.pki.server(self.pki.leaf(names=certificate_names, addresses=()))
        endpoint = self.make.endpoint(
            tls=tls, region=region, listener=self.net.listener(443, host), **options
        )
        endpoint.authority = name or f"lambda.{region}.amazonaws.com"
        return endpoint

    def runtime(self, endpoint, wait=True, **env):
        api = self.make.api(listener=self.net.listener(0))
        env.setdefault("AWS_ENDPOINT_URL_LAMBDA", None)
        return self.make.runtime(
            endpoint=endpoint, api=api, wrapper=self.net.wrapper, wait=wait, **env
        )


@pytest.fixture
def world(make, pki, tmp_path):
    return World(make, pki, tmp_path)


@pytest.mark.parametrize(
    "region, name",
    [
        ("eu-west-1", "lambda.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "lambda.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "lambda.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "lambda.eusc-de-east-1.amazonaws.eu"),
        ("us-iso-east-1", "lambda.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", "lambda.us-isob-east-1.sc2s.sgov.gov"),
        ("eu-isoe-west-1", "lambda.eu-isoe-west-1.cloud.adc-e.uk"),
        ("us-isof-south-1", "lambda.us-isof-south-1.csp.hci.ic.gov"),
        ("xx-somewhere-9", "lambda.xx-somewhere-9.amazonaws.com"),
    ],
)
def test_names_of_regions(world, region, name):
    world.dns({name: ["127.0.0.1"]})
    endpoint = world.aws((name,), region, name=name)
    runtime = world.runtime(endpoint, AWS_REGION=region, AWS_DEFAULT_REGION=region)
    assert runtime.text(slack.command(f"/{region}/my-fn")) == STARTED.format(region)
    assert endpoint.only.header("host") == name
    assert {asked for asked, _ in world.names.asked} == {name}


@pytest.mark.parametrize(
    "names, good",
    [
        (("*.eu-west-1.amazonaws.com",), True),
        (("lambda.eu-west-1.amazonaws.com",), True),
        (("x.test", "*.eu-west-1.amazonaws.com"), True),
        (("*.amazonaws.com",), False),
        (("*.*.amazonaws.com",), False),
        (("lambda.*.amazonaws.com",), False),
        (("*.com",), False),
        (("*",), False),
        (("*eu-west-1.amazonaws.com",), False),
        (("lambda.eu-west-1.amazonaws.com.evil.test",), False),
        (("eu-west-1.amazonaws.com",), False),
    ],
)
def test_wildcards(world, names, good):
    world.dns({"lambda.eu-west-1.amazonaws.com": ["127.0.0.1"]})
    runtime = world.runtime(world.aws(names))
    assert ("has been started" in runtime.text(slack.command())) == good


def test_other_regions_are_other_hosts(world):
    world.dns(
        {f"lambda.{region}.amazonaws.com": ["127.0.0.1"] for region in ("eu-west-1", "us-east-1")}
    )
    endpoint = world.aws(("lambda.eu-west-1.amazonaws.com", "lambda.us-east-1.amazonaws.com"))
    endpoint.check = False
    runtime = world.runtime(endpoint)
    for region in ("eu-west-1", "us-east-1", "eu-west-1"):
        assert runtime.text(slack.command(f"/{region}/my-fn")) == STARTED.format(region)
        assert endpoint.requests[-1].header("host") == f"lambda.{region}.amazonaws.com"
    assert len(endpoint.links) <= 3


def test_answers_are_remembered(world):
    world.dns({"lambda.eu-west-1.amazonaws.com": ["127.0.0.1"]})
    endpoint = world.aws(("*.eu-west-1.amazonaws.com",))
    runtime = world.runtime(endpoint)
    asked = None
    for _ in range(3):
        assert "has been started" in runtime.text(slack.command())
        runtime.settled()
        endpoint.drop_kept()
        # A look ahead of the first event that took too long is no answer.
        asked = asked or len(world.names.asked)
    assert len(world.names.asked) == asked
    assert len([link for link in endpoint.links if link.requests]) == 3


def test_evil_regions_are_not_even_looked_up(world):
    world.dns(lambda name, kind: ["127.0.0.1"])
    endpoint = world.aws(("*.eu-west-1.amazonaws.com",))
    runtime = world.runtime(endpoint)
    world.names.asked.clear()
    for path in (
        "/x.evil.com%2F/fn",
        "/evil.com%23/fn",
        "/eu-west-1.evil.com/fn",
        "/@evil.com:1/fn",
        "/eu-west-1%00.evil.com/fn",
        "/..%2Fevil/fn",
    ):
        assert "Invalid resource" in runtime.text(slack.command(path))
    assert not world.names.asked and not endpoint.requests


def test_over_tcp_after_truncation(world):
    world.dns({"lambda.eu-west-1.amazonaws.com": ["127.0.0.1"]}, truncate=True)
    runtime = world.runtime(world.aws(("*.eu-west-1.amazonaws.com",)))
    assert "has been started" in runtime.text(slack.command())
    assert world.names.over_tcp


def test_hosts_file(world):
    world.net.hosts("127.0.0.1 localhost\n127.0.0.1\tx lambda.eu-west-1.amazonaws.com # comment\n")
    dns = world.dns({})
    runtime = world.runtime(world.aws(("*.eu-west-1.amazonaws.com",)))
    assert "has been started" in runtime.text(slack.command())
    assert not dns.asked


def test_dead_addresses_are_passed_over(world):
    world.dns({"lambda.eu-west-1.amazonaws.com": ["127.0.0.9", "::1", "127.0.0.8", "127.0.0.1"]})
    runtime = world.runtime(world.aws(("*.eu-west-1.amazonaws.com",)))

    def is_quick():
        item, text = runtime.carried_out(slack.command())
        assert "has been started" in text
        runtime.settled()
        runtime.endpoint.drop_kept()
        return item.took < 1.5

    assert in_some_try(is_quick)


def test_ipv6_only(world):
    world.dns({"lambda.eu-west-1.amazonaws.com": ["::1"]})
    runtime = world.runtime(world.aws(("*.eu-west-1.amazonaws.com",), host="::1"))
    assert "has been started" in runtime.text(slack.command())


@pytest.mark.parametrize("names", [None, []], ids=["no-such-name", "no-address"])
def test_name_that_leads_nowhere(world, names):
    world.dns({"lambda.eu-west-1.amazonaws.com": names})
    endpoint = world.aws(("*.eu-west-1.amazonaws.com",))
    runtime = world.runtime(endpoint)
    text = runtime.text(slack.command())
    assert NOT in text and "lambda.eu-west-1.amazonaws.com" in text
    assert not endpoint.links


@pytest.mark.parametrize("mute", [True, False], ids=["mute", "nobody-there"])
def test_name_server_that_does_not_answer(world, mute):
    """The start is delayed by little, the event is answered in time, and nothing is started."""
    if mute:
        world.dns({}, mute=True)
    endpoint = world.aws(("*.eu-west-1.amazonaws.com",))

    def is_in_time():
        runtime = world.runtime(endpoint, wait=False)
        runtime.api.wait_for_next()
        item = runtime.send(slack.command(), deadline_ms=6000)
        body = item.reply["body"]
        assert "is still being started" in body or NOT in body
        return runtime.api.nexts[0] - runtime.process.started < 0.3 + 0.25 and item.took < 2.95

    assert in_some_try(is_in_time)
    assert not endpoint.links


def test_slow_name_server(world):
    world.dns({"lambda.eu-west-1.amazonaws.com": ["127.0.0.1"]}, delay=0.5)
    endpoint = world.aws(("*.eu-west-1.amazonaws.com",))

    def is_in_time():
        endpoint.requests.clear()
        runtime = world.runtime(endpoint, wait=False)
        runtime.api.wait_for_next()
        item, text = runtime.carried_out(slack.command())
        assert "has been started" in text and function_of(endpoint.only) == "my-fn"
        return runtime.api.nexts[0] - runtime.process.started < 0.3 + 0.25 and item.took < 1.5

    assert in_some_try(is_in_time)


def test_warm_up_is_for_the_functions_own_region(world):
    world.dns(
        {f"lambda.{region}.amazonaws.com": ["127.0.0.1"] for region in ("eu-west-1", "us-east-1")}
    )
    endpoint = world.aws(("lambda.us-east-1.amazonaws.com", "lambda.eu-west-1.amazonaws.com"))

    def is_made():
        """On a busy machine it may be given up."""
        world.runtime(endpoint, AWS_REGION="us-east-1")
        return eventually(lambda: any(link.handshake for link in endpoint.links), 3)

    assert in_some_try(is_made)
    assert {name for name, _ in world.names.asked} == {"lambda.us-east-1.amazonaws.com"}
