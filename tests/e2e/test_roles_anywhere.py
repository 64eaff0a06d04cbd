"""IAM Roles Anywhere: every kind of key, chains, and what must not be accepted or guessed."""

import datetime
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from support import hosts, roles_anywhere, slack
from support.certificates import DAY, Certificate, usage
from support.cloud import NOT, anywhere_variables
from support.roles_anywhere import anchor_arn
from support.wire import eventually

FORMS = serialization.PrivateFormat
PREFIX = "GATEWAY_ROLESANYWHERE_"


def client(pki, kind="p256", **options):
    return pki.leaf(kind, key_usage=True, purposes=(), **options)


def key_pem(certificate, form):
    return certificate.key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )


def started(cloud, certificate, kind="serve", issuer=None, **changes):
    """A gateway with this identity has started something; its service."""
    service = cloud.anywhere(issuer=issuer)
    host = cloud.start(kind, **{**anywhere_variables(cloud, certificate, service), **changes})
    cloud.started_by(host, "ANYWHERE")
    assert not service.denied
    return service


@pytest.mark.parametrize("kind", hosts.HOSTS)
@pytest.mark.parametrize("key", ["p256", "p384", "rsa2048", "rsa4096"])
def test_keys(cloud, pki, key, kind):
    started(cloud, client(pki, key), kind)


@pytest.mark.parametrize(
    "key, form",
    [
        ("p256", FORMS.PKCS8), ("p256", FORMS.TraditionalOpenSSL), ("rsa2048", FORMS.PKCS8),
        ("rsa2048", FORMS.TraditionalOpenSSL),
    ],
)
def test_forms_of_keys(cloud, pki, key, form):
    certificate = client(pki, key)
    started(
        cloud, certificate, **{PREFIX + "KEY": cloud.file("form.key", key_pem(certificate, form))}
    )


def test_many_signatures(cloud, pki):
    """Those of ECDSA differ in length. A service of an hour asks seldom; here each listener asks
    once."""
    for _ in range(8):
        started(cloud, client(pki))


@pytest.mark.parametrize("authority", ["p256", "rsa2048"])
@pytest.mark.parametrize("key", ["p256", "rsa2048"])
def test_intermediates(cloud, pki, authority, key):
    """What follows the own certificate in the file is the chain."""
    root = pki.authority(authority)
    issuer = pki.authority(authority, name="Middle", issuer=root)
    service = started(cloud, client(pki, key, issuer=issuer), issuer=root)
    assert "," not in service.requests[-1].header("x-amz-x509-chain")
    issuer = pki.authority(authority, name="Lower", issuer=issuer)
    service = started(cloud, client(pki, key, issuer=issuer), issuer=root)
    assert service.requests[-1].header("x-amz-x509-chain").count(",") == 1


def test_no_chain_no_field(cloud, pki):
    service = started(cloud, client(pki))
    assert not service.requests[-1].values("x-amz-x509-chain")


def test_large_serial_numbers(cloud, pki):
    """Twenty bytes in decimal, and the smallest there is."""
    for serial in (1, 255, 256, 2**64 - 1, 2**64, 2**128 - 1, 2**159 - 1, 10**18, 10**19):
        certificate = with_serial(pki, serial)
        started(cloud, certificate)


def with_serial(pki, serial):
    issuer = pki.authority()
    now = datetime.datetime.utcnow()
    key = pki.key("p256")
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "host")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.own.subject)
        .public_key(key.public_key())
    )
    builder = builder.serial_number(serial).not_valid_before(now - DAY).not_valid_after(now + DAY)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    return Certificate(
        builder.add_extension(usage(sign_certs=False), critical=True).sign(
            issuer.key, hashes.SHA256()
        ),
        key,
    )


def test_openssl_agrees(cloud, pki):
    """The signature once more, verified by another library."""
    certificate = client(pki, "rsa2048")
    service = started(cloud, certificate)
    request = service.requests[-1]
    match = roles_anywhere.AUTHORIZATION.match(request.header("authorization"))
    text = roles_anywhere.string_to_sign(request, match, match["names"].split(";"), True)
    public = certificate.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    files = [
        cloud.file("public.pem", public),
        cloud.file("signature", bytes.fromhex(match["signature"])), cloud.file("text", text),
    ]
    verify = ["openssl", "dgst", "-sha256", "-verify", files[0], "-signature", files[1], files[2]]
    assert subprocess.run(verify, capture_output=True).stdout == b"Verified OK\n"


def test_body(cloud, pki):
    service = started(cloud, client(pki))
    assert service.bodies[-1].get("durationSeconds", 3600) == 3600


@pytest.mark.parametrize("region", ["us-east-1", None])
def test_region_is_that_of_the_trust_anchor(cloud, pki, region):
    """Whatever the gateway's own is; the fake knows no other."""
    started(cloud, client(pki), AWS_REGION=region)


# ---- refusals and what is wrong at home ----------------------------------------------------------


@pytest.mark.parametrize(
    "make_certificate, word",
    [
        (lambda pki: client(pki, issuer=pki.authority(name="Foreign Root")),
            "not of the trust anchor"),
        (lambda pki: client(pki, start=-10 * DAY, end=-DAY), "expired"),
        (lambda pki: client(pki, is_ca=True), "authority"),
    ],
    ids=["foreign", "expired", "authority"],
)
def test_refusals_are_told(cloud, pki, make_certificate, word):
    service = cloud.anywhere()
    host = cloud.start(**anywhere_variables(cloud, make_certificate(pki), service))
    text = host.text(slack.command())
    assert text.startswith(NOT) and (word in text or not service.requests)


@pytest.mark.parametrize("name", ["CERT", "KEY", "TRUST_ANCHOR_ARN", "PROFILE_ARN", "ROLE_ARN"])
def test_missing_variables(cloud, pki, name):
    variables = anywhere_variables(cloud, client(pki), cloud.anywhere())
    del variables[PREFIX + name]
    assert (PREFIX if name == "CERT" else PREFIX + name) in cloud.complaint(**variables)


@pytest.mark.parametrize(
    "name, content",
    [
        ("CERT", None), ("CERT", b""), ("CERT", b"no pem"),
        ("CERT", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("KEY", None), ("KEY", b""), ("KEY", b"no pem"),
        ("KEY", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    ],
)  # fmt: skip
def test_files_that_are_no_good(cloud, pki, name, content):
    variables = anywhere_variables(cloud, client(pki), cloud.anywhere())
    variables[PREFIX + name] = "/nonexistent" if content is None else cloud.file("bad.pem", content)
    assert PREFIX + name in cloud.complaint(**variables)


def test_key_of_another_certificate(cloud, pki):
    certificate = client(pki)
    service = cloud.anywhere()
    variables = anywhere_variables(cloud, certificate, service)
    other = pki.authority(name="Other").key.private_bytes(
        serialization.Encoding.PEM, FORMS.PKCS8, serialization.NoEncryption()
    )
    assert PREFIX + "KEY" in cloud.complaint(
        **{**variables, PREFIX + "KEY": cloud.file("other.key", other)}
    )


@pytest.mark.parametrize(
    "arn",
    ["no-arn", "arn:aws:rolesanywhere::123456789012:trust-anchor/x", anchor_arn("x.evil.com/")],
)
def test_arns_without_a_region(cloud, pki, arn):
    variables = anywhere_variables(cloud, client(pki), cloud.anywhere())
    assert PREFIX + "TRUST_ANCHOR_ARN" in cloud.complaint(
        **{**variables, PREFIX + "TRUST_ANCHOR_ARN": arn}
    )


def test_renewed_certificate(cloud, pki):
    """Files are read again at every fetch: a certificate of a day is replaced without a restart."""
    service = cloud.anywhere(life=2)
    first = client(pki)
    variables = anywhere_variables(cloud, first, service)
    host = cloud.start(**variables)
    cloud.started_by(host, "ANYWHERE")
    second = client(pki)
    cloud.file("client.pem", second.chain_pem())
    wanted = {str(first.own.serial_number), str(second.own.serial_number)}

    def both_were_shown():
        cloud.started_by(host, "ANYWHERE")
        return wanted == {
            roles_anywhere.AUTHORIZATION.match(r.header("authorization"))["serial"]
            for r in service.requests
        }

    assert eventually(both_were_shown, pause=0.1)
