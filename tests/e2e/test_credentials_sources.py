"""Where keys come from: every source signs what is invoked, and the first one in order that is
there is used."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from support import hosts, slack
from support.cloud import FETCHED, NOT, SOURCES, STARTED
from support.wire import eventually

CHAIN = ["ENV", "WEBID", "PROFILE", "CONTAINER", "METADATA"]


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_source(cloud, source, kind):
    variables, services = SOURCES[source](cloud)
    host = cloud.start(kind, **variables)
    for _ in range(3):
        cloud.started_by(host, source)
    keys = [name for name in cloud.ring.issued if source in name]
    assert len(keys) == 1, "fetched once, used thrice"
    assert not host.process.logged("ERROR")


@pytest.mark.parametrize("first", range(len(CHAIN)), ids=CHAIN)
def test_order(cloud, first):
    """All sources from this one on are there: it is used, and none of the others is even asked."""
    variables, asked = {}, []
    for source in CHAIN[first:]:
        more, services = SOURCES[source](cloud)
        variables.update(more)
        asked += services if source != CHAIN[first] else []
    cloud.started_by(cloud.start(**variables), CHAIN[first])
    assert not any(service.connections for service in asked)


def test_roles_anywhere_is_the_only_one(cloud):
    variables, asked = {}, []
    for source in CHAIN:
        more, services = SOURCES[source](cloud)
        variables.update(more)
        asked += services
    more, (service,) = SOURCES["ANYWHERE"](cloud)
    host = cloud.start(**variables, **more)
    cloud.started_by(host, "ANYWHERE")
    assert not any(service.connections for service in asked)


def test_roles_anywhere_that_fails_is_not_replaced(cloud):
    """Whoever set it wants that identity and no other."""
    others, _ = SOURCES["ENV"](cloud)
    variables, (service,) = SOURCES["ANYWHERE"](
        cloud, issuer=cloud.make.pki.authority(name="Foreign Root")
    )
    text = cloud.start(**others, **variables).text(slack.command())
    assert text.startswith(NOT) and service.denied and not cloud.endpoint.requests


@pytest.mark.parametrize("kind", hosts.HOSTS)
def test_nothing_anywhere(cloud, kind):
    """The reason says where was looked."""
    host = cloud.start(kind)
    text = host.text(slack.command())
    assert text.startswith(NOT) and "AWS_ACCESS_KEY_ID" in text, text
    assert not cloud.endpoint.requests


@pytest.mark.parametrize("source", FETCHED)
def test_source_that_is_not_there_yet(cloud, source):
    """As when a sidecar starts late: the next request tries again."""
    variables, (service,) = FETCHED[source](cloud, open_now=False)
    host = cloud.start(**variables)
    assert host.text(slack.command()).startswith(NOT)
    service.open()
    assert eventually(lambda: host.text(slack.command()) == STARTED, pause=0.1)
    assert set(cloud.signers()) == {source}


@pytest.mark.parametrize("source", FETCHED)
def test_old_empty_variables_count_as_unset(cloud, source):
    variables, _ = FETCHED[source](cloud)
    empty = {
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "",
        "AWS_PROFILE": "",
    }
    if source != "WEBID":
        empty.update(AWS_WEB_IDENTITY_TOKEN_FILE="", AWS_ROLE_ARN="")
    cloud.started_by(cloud.start(**empty, **variables), source)


@pytest.mark.parametrize("source", FETCHED)
def test_many_at_once_make_one_fetch(cloud, source):
    """The first requests of a listener come together."""
    variables, (service,) = FETCHED[source](cloud)
    host = cloud.start(**variables)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: host.text(slack.command()), range(20)))
    assert set(answers) == {STARTED}
    assert len(cloud.endpoint.wait_for_requests(20)) == 20 and set(cloud.signers()) == {source}
    assert (
        service.most_at_once == 1
        and len([name for name in cloud.ring.issued if source in name]) == 1
    )
