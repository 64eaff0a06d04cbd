"""A clock that is wrong: corrected by what AWS answers, remembered for everything, and never used
to judge certificates."""

import datetime
import time

import pytest

from support import hosts, slack
from support.certificates import DAY
from support.cloud import FETCHED, NOT, STARTED, from_container, from_web_identity
from support.invoke_endpoint import InvokeEndpoint, accepted, failed
from support.issued import iso
from support.signatures import problems
from support.sts import error_document
from support.service import says

TOLERANCE = 300


def date_field(offset):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
    return ("Date", moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))


def deviation(request, offset):
    """How many seconds the request's time is from the server's."""
    sent = datetime.datetime.strptime(request.header("x-amz-date"), "%Y%m%dT%H%M%SZ").replace(
        tzinfo=datetime.timezone.utc
    )
    return sent.timestamp() - (time.time() + offset)


class ClockedEndpoint(InvokeEndpoint):
    """Lambda with a clock of its own: refuses what is signed with another time, checks what is not.
    """

    def __init__(self, offset, **options):
        self.offset = offset
        self.refused = 0
        super().__init__(check=False, default=self.judge, **options)

    def judge(self, visit):
        wrong = deviation(visit.request, self.offset)
        if abs(wrong) <= TOLERANCE:
            self.problems += problems(
                visit.request, self.keys, bool(self.tls), clock_offset=self.offset
            )
            accepted()(visit)
            return
        self.refused += 1
        text = (
            "Signature expired: 1 is now earlier than 2"
            if wrong < 0
            else "Signature not yet current: 2 is still later than 1"
        )
        failed(403, "InvalidSignatureException", text, fields=[date_field(self.offset)])(visit)


@pytest.fixture
def skewed(cloud, make):
    """Puts a Lambda whose clock is off into the cloud."""

    def put(offset, **options):
        cloud.endpoint = make.keep(ClockedEndpoint(offset, keys=cloud.ring, **options))
        return cloud.endpoint

    return put


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize("offset", [3600, -3600, 330, -330, 86400 * 800])
def test_corrected_once_and_remembered(cloud, skewed, kind, offset):
    endpoint = skewed(offset)
    variables, _ = from_container(
        cloud, document=lambda keys: {"Expiration": "9999-12-31T23:59:59Z"}
    )
    host = cloud.start(kind, **variables)
    for _ in range(4):
        assert host.text(slack.command()) == STARTED
    assert endpoint.refused == 1 and len(endpoint.requests) == 5
    (line,) = [line for line in host.process.logged("WARN") if "clock" in line["message"]]
    assert any(
        abs(abs(value) - abs(offset)) <= 20
        for value in line.values()
        if isinstance(value, (int, float))
    ), line


def test_right_clock_is_left_alone(cloud, skewed):
    endpoint = skewed(20)
    variables, _ = from_container(cloud)
    host = cloud.start(**variables)
    assert host.text(slack.command()) == STARTED and not endpoint.refused
    assert not host.process.logged("WARN")


def test_clock_that_was_put_right(cloud, skewed):
    """What was learned is unlearned the same way."""
    endpoint = skewed(3600)
    variables, _ = from_container(
        cloud, document=lambda keys: {"Expiration": "9999-12-31T23:59:59Z"}
    )
    host = cloud.start(**variables)
    assert host.text(slack.command()) == STARTED
    endpoint.offset = 0
    assert host.text(slack.command()) == STARTED
    assert endpoint.refused == 2


@pytest.mark.parametrize("offset", [7200, -7200])
@pytest.mark.parametrize("source", ["CONTAINER", "METADATA"])
def test_keys_end_by_the_clock_of_aws(cloud, skewed, source, offset):
    """An hour of life, on a machine that is two hours off: neither dead on arrival nor used beyond
    their end."""
    skewed(offset)
    variables, (service,) = FETCHED[source](
        cloud, document=lambda keys: {"Expiration": iso(keys.expires + offset)}
    )
    host = cloud.start(**variables)
    for _ in range(4):
        cloud.started_by(host, source)
    assert len([name for name in cloud.ring.issued if source in name]) <= 2


def test_learned_of_one_service_used_for_the_next(cloud, skewed):
    """STS says what time it is when a role is assumed; Lambda need not say it again."""
    offset = -3600
    endpoint = skewed(offset)
    variables, (sts,) = FETCHED["STS"](cloud)
    judged = []

    def judge(visit):
        wrong = deviation(visit.request, offset)
        judged.append(abs(wrong) <= TOLERANCE)
        if not judged[-1]:
            body = error_document(
                "SignatureDoesNotMatch",
                "Signature not yet current: 2 is still later than 1 (1 + 5 min.)",
            )
            says(403, body, "text/xml", [date_field(offset)])(visit)
        else:
            keys = cloud.ring.issue("STS", 3600)
            form = sts.parse(visit.request)
            says(
                200, sts.style("AssumeRole", keys, form["RoleArn"], form["RoleSessionName"]),
                "text/xml",
            )(visit)

    sts.default = judge
    host = cloud.start(**variables)
    cloud.started_by(host, "STS")
    assert judged == [False, True] and not endpoint.refused


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 32 Foo 2026 25:61:61 GMT"])
def test_server_that_does_not_say_the_time(cloud, make, date):
    cloud.endpoint = make.endpoint(keys=cloud.ring)
    cloud.endpoint.default = failed(
        403, "RequestTimeTooSkewed", "no", fields=[("Date", date)] if date else []
    )
    variables, _ = from_container(cloud)
    text = cloud.start(**variables).text(slack.command())
    assert text.startswith(NOT) and "RequestTimeTooSkewed" in text
    assert len(cloud.endpoint.requests) == 1


def test_server_that_never_agrees(cloud, make):
    """One correction for one request."""
    cloud.endpoint.default = failed(403, "RequestTimeTooSkewed", "no", fields=[date_field(3600)])
    cloud.endpoint.check = False
    variables, _ = from_container(
        cloud, document=lambda keys: {"Expiration": "9999-12-31T23:59:59Z"}
    )
    text = cloud.start(**variables).text(slack.command())
    assert text.startswith(NOT) and len(cloud.endpoint.requests) == 2


def test_certificates_are_judged_by_our_own_clock(cloud, skewed, pki):
    """Whoever can say what time it is must not be able to revive a certificate."""
    forty_days = 40 * 86400
    endpoint = skewed(-forty_days, tls=pki.server())
    variables, _ = from_container(
        cloud, document=lambda keys: {"Expiration": "9999-12-31T23:59:59Z"}
    )
    host = cloud.start(**variables)
    assert host.text(slack.command()) == STARTED and endpoint.refused == 1
    # Forty days ago this one was good.
    endpoint.tls = pki.server(pki.leaf(start=-60 * DAY, end=-10 * DAY))
    endpoint.drop_kept()
    time.sleep(0.05)
    text = host.text(slack.command())
    assert text.startswith(NOT) and "expired" in text


def test_unsigned_requests_need_no_clock(cloud):
    variables, (sts,) = from_web_identity(cloud)
    cloud.started_by(cloud.start(**variables), "WEBID")
    assert not sts.forms[0].get("Timestamp")
