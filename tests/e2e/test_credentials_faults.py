"""Sources of credentials that are slow, silent, lying: a reason in time, nothing signed with
nonsense, and no harm done."""

import time

import pytest

from support import hosts, slack
from support.cloud import FETCHED, NOT, STARTED
from support.invoke_endpoint import after
from support.issued import iso
from support.machine import Held
from support.service import FAULTS, says
from support.wire import eventually

LATE = "is still being started"


def refused_in_time(host):
    begun, held = time.monotonic(), Held(host.process.pid)
    text = host.text(slack.command(), final=False)
    assert time.monotonic() - begun < 2.9 + held.seconds, "Slack has given up by then"
    assert text.startswith(NOT) or LATE in text, text
    return text


@pytest.mark.parametrize("source", FETCHED)
@pytest.mark.parametrize("fault", FAULTS)
def test_faults(cloud, source, fault):
    variables, (service,) = FETCHED[source](cloud, default=FAULTS[fault])
    host = cloud.start(**variables)
    refused_in_time(host)
    assert not cloud.endpoint.requests
    service.default = None
    recovered = eventually(lambda: host.text(slack.command()) == STARTED, pause=0.2)
    assert recovered, "it has not recovered"
    assert cloud.signers()[-1] == source
    assert len(service.requests) < 60, "it kept knocking"


@pytest.mark.parametrize("fault", ["silent", "html", "huge"])
def test_faults_in_lambda(cloud, fault):
    variables, (service,) = FETCHED["CONTAINER"](cloud, default=FAULTS[fault])
    host = cloud.start("lambda", **variables)
    refused_in_time(host)
    service.default = None
    assert eventually(lambda: host.text(slack.command()) == STARTED, pause=0.2)


@pytest.mark.parametrize("source", FETCHED)
def test_slow_source(cloud, source):
    """Half a second for every answer still fits."""
    slow = after(0.25, lambda visit: visit.endpoint.behave(visit))
    variables, _ = FETCHED[source](cloud, default=slow)
    cloud.started_by(cloud.start(**variables), source)


# ---- documents -----------------------------------------------------------------------------------

DOCUMENTS = {
    "no-key": lambda keys: {"AccessKeyId": None},
    "no-secret": lambda keys: {"SecretAccessKey": None},
    "no-token": lambda keys: {"Token": None, "AccessKeyId": None},
    "empty-key": lambda keys: {"AccessKeyId": ""},
    "number-key": lambda keys: {"AccessKeyId": 12345678},
    "object-secret": lambda keys: {"SecretAccessKey": {"a": keys.secret}},
    "line-in-key": lambda keys: {"AccessKeyId": "ASIA\r\nX-Evil: 1"},
    "line-in-token": lambda keys: {"Token": keys.token + "\r\nX-Evil: 1"},
    "nul-in-token": lambda keys: {"Token": keys.token + "\0"},
    "blank-in-secret": lambda keys: {"SecretAccessKey": keys.secret + " x"},
    "umlaut-in-token": lambda keys: {"Token": keys.token + "\u00e4"},
    "long-key": lambda keys: {"AccessKeyId": "A" * 129},
    "long-secret": lambda keys: {"SecretAccessKey": "s" * 129},
    "long-token": lambda keys: {"Token": "t" * 8193},
    "bad-expiration": lambda keys: {"Expiration": "soon"},
    "month-13": lambda keys: {"Expiration": "2030-13-01T00:00:00Z"},
    "year-10000": lambda keys: {"Expiration": "10000-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("source", ["CONTAINER", "METADATA"])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_that_are_no_credentials(cloud, source, document):
    """What cannot be used is not used."""
    variables, (service,) = FETCHED[source](cloud, document=DOCUMENTS[document])
    host = cloud.start(**variables)
    refused_in_time(host)
    assert not cloud.endpoint.requests
    service.document = lambda keys: {}
    assert eventually(lambda: host.text(slack.command()) == STARTED, pause=0.2)


@pytest.mark.parametrize("source", ["CONTAINER", "METADATA"])
@pytest.mark.parametrize(
    "document",
    [
        lambda keys: {"AccountId": "123456789012", "Type": None, "LastUpdated": None},
        lambda keys: {"Expiration": iso(keys.expires).replace("Z", ".123Z")},
        lambda keys: {"Expiration": iso(keys.expires).replace("Z", "+00:00")},
        lambda keys: {"Expiration": "9999-12-31T23:59:59Z"},
        lambda keys: {"Expiration": None},
        lambda keys: {"Nested": {"AccessKeyId": "AKIADECOY", "list": [[[{}]]]},
            "x" * 3000: "y" * 3000},
    ],
    ids=["more", "milliseconds", "offset", "year-9999", "for-ever", "nested"],
)
def test_documents_that_are(cloud, source, document):
    variables, _ = FETCHED[source](cloud, document=document)
    cloud.started_by(cloud.start(**variables), source)


@pytest.mark.parametrize("source", ["CONTAINER", "METADATA"])
@pytest.mark.parametrize(
    "moment", [iso(time.time() - 60), "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"],
    ids=["just", "year-1", "1970"],
)
def test_keys_that_have_ended_on_arrival(cloud, source, moment):
    """The clock here may be the one that is wrong, and EC2 gives out what it has when it cannot get
    more: they are used, and not asked for again at every request."""
    variables, (service,) = FETCHED[source](cloud, document=lambda keys: {"Expiration": moment})
    host = cloud.start(**variables)
    for _ in range(4):
        cloud.started_by(host, source)
    assert len([name for name in cloud.ring.issued if source in name]) == 1


def test_longest_that_there_are(cloud):
    variables, (agent,) = FETCHED["CONTAINER"](cloud)
    keys = cloud.ring.issue("CONTAINER")
    keys.token = "t" * 8192
    agent.keys = lambda: {
        "AccessKeyId": keys.access_key_id, "SecretAccessKey": keys.secret, "Token": keys.token,
        "Expiration": keys.expiration,
    }
    cloud.started_by(cloud.start(**variables), "CONTAINER")


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_what_a_server_says_is_quoted(cloud, kind):
    """An error of the source reaches the person who has to mend it."""
    refusal = says(403, {"code": "AccessDenied", "message": "the pod has no association"})
    variables, _ = FETCHED["CONTAINER"](cloud, default=refusal)
    host = cloud.start(kind, **variables)
    text = refused_in_time(host)
    assert "the pod has no association" in text or host.process.wait_for_log(
        "the pod has no association"
    ), text
