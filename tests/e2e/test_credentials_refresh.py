"""Keys that end: new ones ahead of time, one fetch at once, and no request that waits for it while
the old ones are good."""

import signal
import threading
import time
from datetime import datetime

import pytest

from support import signatures, slack
from support.cloud import FETCHED, IDENTITY, NOT, ROLE, SOURCES, STARTED, profile_text
from support.invoke_endpoint import accepted, failed, hang, later
from support.machine import Held
from support.service import FAULTS
from support.wire import PATIENCE, eventually

# Seconds. A request that waits for a renewal takes longer by far.
QUICK = 0.8

expired = failed(
    403, "ExpiredTokenException", "The security token included in the request is expired"
)


def right(visit):
    visit.endpoint.behave(visit)


class Load:
    """One command after the other, in good order. `slowest` leaves out what the machine made them
    wait."""

    def __init__(self, cloud, host):
        self.cloud, self.host = cloud, host
        self.slowest = 0

    def ask(self):
        while True:
            begun, held = time.monotonic(), Held(self.host.process.pid)
            text = self.host.text(slack.command(), final=False)
            self.slowest = max(self.slowest, time.monotonic() - begun - held.seconds)
            if not held.excuses(text):
                return text

    def keys(self):
        """What signed the last one."""
        found = signatures.scope(self.cloud.endpoint.requests[-1])["key"]
        return self.cloud.ring.pick(found)

    def used(self):
        """The keys that signed, in order."""
        return list(dict.fromkeys(signatures.scope(r)["key"] for r in self.cloud.endpoint.requests))

    def run(self, seconds=PATIENCE, until=lambda: False):
        """For some seconds, or until something is true, which it must become."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            assert self.ask() == STARTED
            last = self.cloud.endpoint.requests[-1]
            signed = datetime.strptime(last.header("x-amz-date") + "+0000", "%Y%m%dT%H%M%SZ%z")
            assert signed.timestamp() < self.keys().expires, "signed with keys that had expired"
            time.sleep(0.03)
        assert seconds < PATIENCE or until()


@pytest.mark.parametrize("source", FETCHED)
def test_new_keys_ahead_of_time(cloud, source):
    """Keys of four seconds are renewed after two of them."""
    variables, (service,) = FETCHED[source](cloud, life=4)
    load = Load(cloud, cloud.start(**variables))
    load.ask()
    load.slowest = 0
    load.run(until=lambda: len(load.used()) == 3)
    used = load.used()
    assert used == sorted(used), used
    assert load.slowest < QUICK and service.most_at_once == 1
    # No sooner than half of their life, which was rounded up to whole seconds.
    for first, second in zip(used, used[1:]):
        gap = cloud.ring.pick(second).expires - cloud.ring.pick(first).expires
        assert gap >= 1, "renewed too early"


@pytest.mark.parametrize("source", FETCHED)
def test_fresh_keys_are_left_alone(cloud, source):
    """Of an hour: nobody asks again."""
    variables, (service,) = FETCHED[source](cloud, life=3600)
    load = Load(cloud, cloud.start(**variables))
    load.run(2)
    assert len([name for name in cloud.ring.issued if source in name]) == 1


@pytest.mark.parametrize("source", FETCHED)
def test_keys_of_a_quarter_of_an_hour_are_not_renewed_at_once(cloud, source):
    """Fifteen minutes before the end would be now; half of the life it is."""
    variables, (service,) = FETCHED[source](cloud, life=895)
    Load(cloud, cloud.start(**variables)).run(1.5)
    assert len([name for name in cloud.ring.issued if source in name]) == 1


@pytest.mark.parametrize("source", FETCHED)
def test_no_request_waits_for_new_keys(cloud, source):
    gate = threading.Event()
    variables, (service,) = FETCHED[source](cloud, life=8)
    # Metadata, too, may take long, or the program would ask again while the first answer is held.
    load = Load(cloud, cloud.start(AWS_METADATA_SERVICE_TIMEOUT="10", **variables))
    assert load.ask() == STARTED
    service.default = later(gate, right)
    before, old = len(service.requests), load.keys()
    load.slowest = 0
    load.run(until=lambda: len(service.requests) > before)
    load.run(0.9)
    assert load.slowest < QUICK and load.keys() is old and service.most_at_once == 1
    service.default = None
    gate.set()
    load.run(until=lambda: load.keys() is not old)
    assert load.slowest < QUICK


@pytest.mark.parametrize("fault", ["500", "reset", "html", "silent"])
@pytest.mark.parametrize("source", FETCHED)
def test_old_keys_are_kept_when_a_renewal_fails(cloud, source, fault):
    """Keys of five seconds are renewed after half of them. What is asked just before their end may
    come too late for them."""
    variables, (service,) = FETCHED[source](cloud, life=5)
    load = Load(cloud, cloud.start(**variables))
    assert load.ask() == STARTED
    service.default, old = FAULTS[fault], load.keys()
    load.slowest, before = 0, len(service.requests)
    while time.time() < old.expires - 1.5:
        assert load.ask() == STARTED and load.keys() is old
        time.sleep(0.05)
    assert load.slowest < QUICK
    assert len(service.wait(before + 1)) < before + 40, "without a pause"
    service.default = None
    assert eventually(lambda: load.ask() == STARTED and load.keys() is not old, pause=0.1)


@pytest.mark.parametrize("source", FETCHED)
def test_dead_keys_are_not_used(cloud, source):
    """The renewals failed until the end: the request itself fetches, and is told if that fails,
    too."""
    variables, (service,) = FETCHED[source](cloud, life=2)
    load = Load(cloud, cloud.start(**variables))
    assert load.ask() == STARTED
    old = load.keys()
    service.default = FAULTS["500"]
    time.sleep(max(0, old.expires - time.time()) + 0.2)
    before = len(cloud.endpoint.requests)
    assert load.ask().startswith(NOT)
    assert len(cloud.endpoint.requests) == before
    service.default = None
    assert eventually(lambda: load.ask() == STARTED, pause=0.1)
    assert load.keys() is not old


@pytest.mark.parametrize("source", FETCHED)
def test_in_lambda(cloud, source):
    """Renewed between two events, when nobody waits; and after a long sleep by the event that finds
    them dead."""
    variables, (service,) = FETCHED[source](cloud, life=4)
    load = Load(cloud, cloud.start("lambda", **variables))
    load.run(until=lambda: len(load.used()) == 2)
    time.sleep(max(0, load.keys().expires - time.time()) + 0.1)
    assert load.ask() == STARTED
    assert len(load.used()) == 3 and service.most_at_once == 1, load.used()


# ---- Lambda says that they have expired ----------------------------------------------------------


@pytest.mark.parametrize("name", ["ExpiredTokenException", "ExpiredToken"])
@pytest.mark.parametrize("source", FETCHED)
def test_refused_keys_are_replaced_once(cloud, source, name):
    variables, _ = FETCHED[source](cloud)
    host = cloud.start(**variables)
    cloud.endpoint.script = [
        accepted(),
        failed(403, name, "The security token included in the request is expired"),
    ]
    for _ in range(2):
        assert host.text(slack.command()) == STARTED
    first, second, third = [signatures.scope(r)["key"] for r in cloud.endpoint.requests]
    assert first == second != third
    bodies = [request.body for request in cloud.endpoint.requests]
    assert bodies[1] == bodies[2]


def test_refused_keys_are_replaced_only_once(cloud):
    variables, (agent,) = FETCHED["CONTAINER"](cloud)
    host = cloud.start(**variables)
    cloud.endpoint.default = expired
    text = host.text(slack.command())
    assert text.startswith(NOT) and "ExpiredTokenException" in text
    assert len(cloud.endpoint.requests) == 2 and len(agent.requests) == 2


def test_refused_keys_that_cannot_be_replaced(cloud):
    """The environment has no others, and a listener is not ended for that."""
    variables, _ = SOURCES["ENV"](cloud)
    host = cloud.start(**variables)
    cloud.endpoint.script = [expired]
    text = host.text(slack.command())
    assert text.startswith(NOT) and "ExpiredTokenException" in text
    assert host.text(slack.command()) == STARTED and len(cloud.endpoint.requests) == 2


def test_refused_keys_and_a_source_that_hangs(cloud):
    """The refusal is told within Slack's three seconds."""
    variables, (agent,) = FETCHED["CONTAINER"](cloud)
    load = Load(cloud, cloud.start(**variables))
    assert load.ask() == STARTED
    agent.default, cloud.endpoint.default = hang, expired
    text = load.ask()
    assert load.slowest < 2.9 and (text.startswith(NOT) or "is still being started" in text), text


# ---- what is in files ----------------------------------------------------------------------------


def test_web_identity_token_is_read_at_every_fetch(cloud):
    variables, (sts,) = SOURCES["WEBID"](cloud, life=3)
    load = Load(cloud, cloud.start(**variables))
    assert load.ask() == STARTED
    sts.tokens = {IDENTITY + "second": ROLE}
    cloud.file("web-identity", IDENTITY + "second")
    tokens = lambda: {form["WebIdentityToken"] for form in sts.forms}  # noqa: E731
    load.run(until=lambda: IDENTITY + "second" in tokens())
    assert tokens() == {IDENTITY, IDENTITY + "second"}


def test_container_token_is_read_at_every_fetch(cloud):
    variables, (agent,) = SOURCES["CONTAINER"](cloud, life=3, authorization="first")
    variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = cloud.file("pod-token", "first")
    load = Load(cloud, cloud.start(**variables))
    assert load.ask() == STARTED
    agent.authorization = {"first", "second"}
    cloud.file("pod-token", "second")
    second = lambda: sum(  # noqa: E731
        r.header("authorization") == "second" for r in agent.requests
    )
    load.run(until=second)
    agent.authorization, before = "second", second()
    load.run(until=lambda: second() > before)
    assert agent.refused == 0


def test_new_keys_in_the_profile_file(cloud):
    """Without an end of their own they are read again when Lambda says that they are dead."""
    variables, _ = SOURCES["PROFILE"](cloud)
    host = cloud.start(**variables)
    cloud.started_by(host, "PROFILE")
    SOURCES["PROFILE"](cloud)
    cloud.endpoint.script = [expired]
    cloud.started_by(host, "PROFILE")
    assert len({signatures.scope(r)["key"] for r in cloud.endpoint.requests}) == 2


@pytest.mark.parametrize(
    "name", ["InvalidSignatureException", "SignatureDoesNotMatch", "UnrecognizedClientException"]
)
def test_profile_file_mended_in_place(cloud, name):
    """What was signed with a wrong secret is signed again, once, with what the file says now."""
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("OLD")))
    host = cloud.start()
    cloud.started_by(host, "OLD")
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("NEW")))
    refused = failed(
        403, name, "The request signature we calculated does not match the signature you provided."
    )
    cloud.endpoint.script = [refused]
    cloud.started_by(host, "NEW")
    cloud.endpoint.script = [refused, refused, refused]
    assert host.text(slack.command()).startswith(NOT + name)
    assert len(cloud.endpoint.requests) == 5


def test_secret_mended_in_place(cloud):
    """The same access key with another secret is another key: none that was derived from the old
    one signs any more."""
    keys = cloud.ring.lasting("PROFILE")
    cloud.aws_file("credentials", profile_text(keys))
    host = cloud.start()
    cloud.started_by(host, "PROFILE")
    before, keys.secret = keys.secret, "m" * 40
    cloud.aws_file("credentials", profile_text(keys))

    def refuse(visit):
        keys.secret = "m" * 40
        failed(403, "SignatureDoesNotMatch", "no")(visit)

    cloud.endpoint.script = [refuse]
    keys.secret = before
    cloud.started_by(host, "PROFILE")
    assert len(cloud.endpoint.requests) == 3


def test_sighup_reads_credentials_again(cloud):
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("OLD")))
    host = cloud.start()
    cloud.started_by(host, "OLD")
    cloud.aws_file("credentials", profile_text(cloud.ring.lasting("NEW")))
    cloud.started_by(host, "OLD")
    read = lambda: sum(
        line["message"] == "credentials" for line in host.process.lines
    )  # noqa: E731
    before = read()
    host.process.terminate(signal.SIGHUP)
    assert eventually(lambda: read() > before)
    cloud.started_by(host, "NEW")


def test_signature_of_the_environment_is_final(cloud):
    variables = SOURCES["ENV"](cloud)[0]
    host = cloud.start(**variables)
    cloud.endpoint.script = [failed(403, "InvalidSignatureException", "no")]
    assert host.text(slack.command()).startswith(
        NOT + "InvalidSignatureException: no; check the gateway's secret access key"
    )
    assert len(cloud.endpoint.requests) == 1
