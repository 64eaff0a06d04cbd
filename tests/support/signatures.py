"""Recomputes AWS signatures with botocore, the reference that the program under test has never
seen."""

import datetime
import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/, ]+)/(?P<date>\d{8})/(?P<region>[^/, "
    r"]+)/(?P<service>[^/, ]+)/aws4_request, "
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})\Z"
)


class Keys:
    """Credentials as a caller has them."""

    def __init__(
        self,
        access_key_id="AKIDEXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        token="IQoJb3JpZ2luX2VjEXAMPLEtoken//////////wEaCWV1LXdlc3QtMSJHMEUCIQ==",
    ):
        self.access_key_id, self.secret, self.token = access_key_id, secret, token

    def pick(self, access_key_id):
        """The keys that a request was signed with, if they are known."""
        return self

    def environment(self):
        env = {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret}
        if self.token:
            env["AWS_SESSION_TOKEN"] = self.token
        return env


def scope(request):
    """The parts of a request's Authorization field, or None."""
    match = AUTHORIZATION.match(request.header("authorization") or "")
    return match.groupdict() if match else None


def recompute(request, keys, secure):
    """The signature that botocore makes of the same request."""
    found = scope(request)
    names = found["names"].split(";")
    url = ("https" if secure else "http") + "://" + request.header("host") + request.target
    again = AWSRequest(method=request.method, url=url, data=request.body)
    for name in names:
        again.headers[name] = request.header(name)
    again.context["timestamp"] = request.header("x-amz-date")
    signer = SigV4Auth(
        Credentials(keys.access_key_id, keys.secret, keys.token), found["service"], found["region"]
    )
    canonical = signer.canonical_request(again)
    return signer.signature(signer.string_to_sign(again, canonical), again), canonical


def problems(request, keys, secure, service="lambda", clock_offset=0):
    """Everything that AWS would refuse, or that it would accept but that we would not, about a
    signed request. `keys` are Keys, or a KeyRing of many."""
    found = scope(request)
    if not found:
        return ["Authorization is missing or malformed"]
    keys = keys.pick(found["key"])
    if not keys:
        return [f"nobody handed out {found['key']}"]
    wrong = []
    date = request.header("x-amz-date") or ""
    if not re.match(r"\d{8}T\d{6}Z\Z", date):
        return [f"X-Amz-Date {date!r}"]
    at = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    age = (datetime.datetime.now(datetime.timezone.utc) - at).total_seconds() + clock_offset
    if not -2 <= age <= 30:
        wrong.append(f"X-Amz-Date is {age:.0f} s old")
    if (
        found["key"] != keys.access_key_id
        or found["date"] != date[:8]
        or found["service"] != service
    ):
        wrong.append(f"credential scope {found['key']}/{found['date']}/{found['service']}")
    names = found["names"].split(";")
    if names != sorted(set(names)):
        wrong.append("SignedHeaders are not in order")
    sent = {name.lower() for name, _ in request.fields}
    must = {"host", "x-amz-date"} | {name for name in sent if name.startswith("x-amz-")}
    if not must <= set(names):
        wrong.append(f"not signed: {sorted(must - set(names))}")
    if not set(names) <= sent:
        wrong.append(f"signed but not sent: {sorted(set(names) - sent)}")
        return wrong
    if set(names) & {
        "x-amzn-trace-id", "user-agent", "connection", "content-length", "transfer-encoding",
    }:
        wrong.append("a header is signed that peers on the way may change")
    if request.header("x-amz-security-token") != (keys.token or None):
        wrong.append("X-Amz-Security-Token is not the one of the environment")
    signature, canonical = recompute(request, keys, secure)
    if signature != found["signature"]:
        wrong.append(
            "signature differs from botocore's; canonical request there: " + repr(canonical)
        )
    return wrong
