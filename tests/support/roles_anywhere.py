"""IAM Roles Anywhere: keys for whoever shows a certificate of the trust anchor and signs with its
private key."""

import base64
import binascii
import datetime
import re
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from support.service import Service

PROFILE = (
    "arn:aws:rolesanywhere:eu-west-1:123456789012:profile/c0ffee00-9f5b-4c4f-8ef5-4cb8a2f0d2c1"
)
ROLE = "arn:aws:iam::123456789012:role/gateway"
AUTHORIZATION = re.compile(
    r"(?P<algorithm>AWS4-X509-(?:RSA|ECDSA)-SHA256) "
    r"Credential=(?P<serial>[1-9]\d*)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)"
    r"/rolesanywhere/aws4_request, SignedHeaders=(?P<names>[a-z0-9;-]+), "
    r"Signature=(?P<signature>(?:[0-9a-f]{2})+)\Z"
)


def anchor_arn(region):
    anchor = "trust-anchor/4a1ae4de-9f5b-4c4f-8ef5-4cb8a2f0d2c1"
    return f"arn:aws:rolesanywhere:{region}:123456789012:{anchor}"


class Denied(Exception):
    def __init__(self, message, status=403, name="AccessDeniedException"):
        super().__init__(message)
        self.status, self.name = status, name


class RolesAnywhere(Service):
    """`anchor`: the certificate (of support.certificates) of the authority that is trusted."""

    def __init__(self, ring, anchor, life=3600, region="eu-west-1", **options):
        self.ring, self.anchor, self.life, self.region = ring, anchor.own, life, region
        self.anchor_arn = anchor_arn(region)
        self.denied = []
        self.bodies = []
        super().__init__(**options)

    def answer(self, request):
        try:
            self.session(request)
        except Denied as denied:
            self.denied.append(str(denied))
            return (
                denied.status, {"message": str(denied)}, [("x-amzn-ErrorType", denied.name + ":")],
            )
        keys = self.ring.issue("ANYWHERE", self.life)
        role = {
            "arn": f"arn:aws:sts::123456789012:assumed-role/gateway/{'0' * 16}",
            "assumedRoleId": "AROAEXAMPLE:0",
        }
        credentials = {
            "accessKeyId": keys.access_key_id,
            "expiration": keys.expiration,
            "secretAccessKey": keys.secret,
            "sessionToken": keys.token,
        }
        one = {
            "assumedRoleUser": role, "credentials": credentials, "packedPolicySize": 0,
            "roleArn": ROLE, "sourceIdentity": "CN=x",
        }
        return (
            201, {"credentialSet": [one], "enrollmentArn": PROFILE, "subjectArn": self.anchor_arn},
            (),
        )

    def session(self, request):
        path, _, query = request.target.partition("?")
        if request.method != "POST" or path != "/sessions":
            raise Denied("no such operation", 404, "UnknownOperationException")
        pairs = [pair.split("=") for pair in query.split("&")]
        asked = {urllib.parse.unquote(name): urllib.parse.unquote(value) for name, value in pairs}
        if (
            asked != {"profileArn": PROFILE, "roleArn": ROLE, "trustAnchorArn": self.anchor_arn}
            or len(pairs) != 3
        ):
            raise Denied(f"query {sorted(asked)}", 400, "ValidationException")
        if request.header("content-type") != "application/json":
            self.complain(request, f"Content-Type is {request.header('content-type')}")
        self.bodies.append(request.json())
        if not set(self.bodies[-1]) <= {"durationSeconds", "roleSessionName"}:
            raise Denied("the body has members that are not known", 400, "ValidationException")
        if not 900 <= self.bodies[-1].get("durationSeconds", 3600) <= 43200:
            raise Denied("durationSeconds", 400, "ValidationException")
        certificate = self.certificate(request)
        self.signature(request, certificate)

    def certificate(self, request):
        def read(text):
            try:
                return x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError) as fault:
                raise Denied(f"certificate: {fault}") from fault

        leaf = read(request.header("x-amz-x509") or "")
        chain = [
            read(text) for text in (request.header("x-amz-x509-chain") or "").split(",") if text
        ]
        if len(chain) > 5:
            raise Denied("the chain is too long")
        child = leaf
        for parent in [*chain, self.anchor]:
            if parent is self.anchor or child.issuer == parent.subject:
                check_issued(child, parent)
                child = parent
            else:
                raise Denied("the chain is not one")
        if leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise Denied("the certificate is an authority's")
        if not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
            raise Denied("the certificate is not for signatures")
        return leaf

    def signature(self, request, certificate):
        match = AUTHORIZATION.match(request.header("authorization") or "")
        if not match:
            raise Denied(f"Authorization is {request.header('authorization')!r}")
        if int(match["serial"]) != certificate.serial_number or match["region"] != self.region:
            raise Denied("Credential is not of this certificate or region")
        names = match["names"].split(";")
        sent = {name.lower() for name, _ in request.fields}
        must = {"host", "content-type"} | {name for name in sent if name.startswith("x-amz-")}
        if names != sorted(set(names)) or not must <= set(names) <= sent:
            raise Denied(f"signed are {names}")
        date = request.header("x-amz-date")
        moment = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
        if (
            abs((datetime.datetime.utcnow() - moment).total_seconds()) > 30
            or match["date"] != date[:8]
        ):
            raise Denied("Signature expired")
        key = certificate.public_key()
        text = string_to_sign(request, match, names, bool(self.tls))
        try:
            if isinstance(key, rsa.RSAPublicKey) and "RSA" in match["algorithm"]:
                key.verify(
                    bytes.fromhex(match["signature"]), text, padding.PKCS1v15(), hashes.SHA256()
                )
            elif isinstance(key, ec.EllipticCurvePublicKey) and "ECDSA" in match["algorithm"]:
                key.verify(bytes.fromhex(match["signature"]), text, ec.ECDSA(hashes.SHA256()))
            else:
                raise Denied("the algorithm is not that of the key")
        except InvalidSignature as fault:
            raise Denied("The request signature does not match") from fault


def check_issued(child, parent):
    now = datetime.datetime.utcnow()
    if not child.not_valid_before <= now <= child.not_valid_after:
        raise Denied("a certificate has expired")
    key = parent.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(
                child.signature, child.tbs_certificate_bytes, padding.PKCS1v15(),
                child.signature_hash_algorithm,
            )
        else:
            key.verify(
                child.signature, child.tbs_certificate_bytes,
                ec.ECDSA(child.signature_hash_algorithm),
            )
    except InvalidSignature as fault:
        raise Denied("the certificate is not of the trust anchor") from fault


def string_to_sign(request, match, names, secure):
    """As botocore would make it of the same request, under the other algorithm's name."""
    url = ("https" if secure else "http") + "://" + request.header("host") + request.target
    again = AWSRequest(method=request.method, url=url, data=request.body)
    for name in names:
        again.headers[name] = request.header(name)
    again.context["timestamp"] = request.header("x-amz-date")
    signer = SigV4Auth(None, "rolesanywhere", match["region"])
    signer.credentials = None
    canonical = signer.canonical_request(again)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(canonical.encode())
    scope = f"{match['date']}/{match['region']}/rolesanywhere/aws4_request"
    lines = [match["algorithm"], request.header("x-amz-date"), scope, digest.finalize().hex()]
    return "\n".join(lines).encode()
