"""Whom the program believes, and in which words of TLS."""

import datetime
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import ExtendedKeyUsageOID

from support import invoke_endpoint as peer
from support import slack
from support.certificates import SUITES
from support.listener import free_port
from support.wire import Gone, Server, Wire, eventually, response

HOUR = datetime.timedelta(hours=1)
STARTED = "Lambda function my-fn@eu-west-1 has been started..."
NOT = "Lambda function my-fn@eu-west-1 could not be started: "


def settings_in(options):
    """Takes out what is for the program and not for the endpoint."""
    return {name: options.pop(name) for name in list(options) if name.isupper()}


def accepted(make, name="localhost", **options):
    settings = settings_in(options)
    runtime = make.runtime(endpoint=make.endpoint(name=name, **options), **settings)
    assert runtime.text(slack.command()) == STARTED
    return runtime.endpoint.links[-1]


def refused(make, certificate=True, name="localhost", **options):
    """Nothing of the request reaches the peer, and a refused certificate is not tried again. What
    else fails is tried four times, and once more where the first offer seems to have been declined.
    """
    settings = settings_in(options)
    endpoint = make.endpoint(name=name, open_now=False, **options)
    runtime = make.runtime(endpoint=endpoint, **settings)
    endpoint.open()
    text = runtime.text(slack.command())
    assert text.startswith(NOT), text
    runtime.settled()
    assert not endpoint.requests
    assert len(endpoint.links) in (
        (1,) if certificate else (4, 5)
    ), f"{len(endpoint.links)} connections"
    return text


# ---- keys and signatures -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rsa2048", "rsa3072", "rsa4096", "rsa8192", "p256", "p384"])
@pytest.mark.parametrize("root", ["p256", "rsa2048"])
def test_good_key(make, pki, kind, root):
    accepted(make, tls=pki.server(pki.leaf(kind, pki.authority(root))))


@pytest.mark.parametrize("kind", ["rsa1024", "rsa1536"])
def test_bad_key(make, pki, kind):
    refused(make, tls=pki.server(pki.leaf(kind)))


def test_key_on_a_curve_that_is_not_spoken(make, pki):
    """Refused as a certificate or because no suite is left, which is the peer's choice."""
    endpoint = make.endpoint(tls=pki.server(pki.leaf("p521")), name="localhost", open_now=False)
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    assert runtime.text(slack.command()).startswith(NOT)
    assert not endpoint.requests and len(endpoint.links) <= 5


@pytest.mark.parametrize(
    "digest, good",
    [(hashes.SHA256, True), (hashes.SHA384, True), (hashes.SHA512, True), (hashes.SHA1, False)],
    ids=["sha256", "sha384", "sha512", "sha1"],
)
@pytest.mark.parametrize("root", ["p256", "rsa2048"])
def test_digest_of_the_signature(make, pki, digest, good, root):
    tls = pki.server(pki.leaf(issuer=pki.authority(root), digest=digest))
    (accepted if good else refused)(make, tls=tls)


def test_root_of_384_bits(make, pki):
    """As Amazon Root CA 4 and ISRG Root X2 are."""
    root = pki.authority("p384", "Big Root", hashes.SHA384)
    endpoint = make.endpoint(
        name="localhost", tls=pki.server(pki.leaf("p384", root, digest=hashes.SHA384))
    )
    runtime = make.runtime(endpoint=endpoint, AWS_CA_BUNDLE=pki.bundle(root))
    assert runtime.text(slack.command()) == STARTED


# ---- what the certificate says -------------------------------------------------------------------

GOOD = {
    "plain": {},
    "no-purpose": dict(purposes=()),
    "no-basic-constraints": dict(basic=False),
    "purpose-critical": dict(purposes_critical=True),
    "any-purpose": dict(purposes=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)),
    "key-usage": dict(key_usage=True),
    "two-purposes": dict(purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.SERVER_AUTH)),
    "no-common-name": dict(common_name=None),
    "other-common-name": dict(common_name="other.test"),
    "root-sent-too": dict(with_root=True),
    "many-names": dict(names=tuple(f"n{i}.test" for i in range(50)) + ("localhost",)),
    "upper-case": dict(names=("LOCALHOST",)),
    "just-valid": dict(start=datetime.timedelta(minutes=-2)),
    "valid-for-minutes": dict(end=datetime.timedelta(minutes=2)),
    "valid-for-ever": dict(end=datetime.timedelta(days=365 * 200)),
}
BAD = {
    "other-name": dict(names=("other.test",)),
    "part-of-the-name": dict(names=("ocalhost",)),
    "longer-name": dict(names=("localhost.test",)),
    "sub-name": dict(names=("a.localhost",)),
    "wildcard-alone": dict(names=("*",)),
    "wildcard-below": dict(names=("*.localhost",)),
    "wildcard-within": dict(names=("local*",)),
    "common-name-only": dict(san=False),
    "other-san-good-common-name": dict(names=("other.test",), common_name="localhost"),
    "address-only": dict(names=()),
    "expired": dict(start=-30 * 24 * HOUR, end=-HOUR),
    "expired-a-minute-ago": dict(end=datetime.timedelta(seconds=-60)),
    "not-yet-valid": dict(start=HOUR),
    "valid-in-a-century":
        dict(start=datetime.timedelta(days=36500), end=datetime.timedelta(days=36600)),
    "for-clients": dict(purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,)),
    "for-clients-critical":
        dict(purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,), purposes_critical=True),
    "for-mail": dict(purposes=(ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.CODE_SIGNING)),
    "authority": dict(is_ca=True),
    "self-signed": dict(self_signed=True),
}


@pytest.mark.parametrize("case", GOOD)
def test_good_certificate(make, pki, case):
    accepted(make, tls=pki.server(pki.leaf(**GOOD[case])))


@pytest.mark.parametrize("case", BAD)
def test_bad_certificate(make, pki, case):
    refused(make, tls=pki.server(pki.leaf(**BAD[case])))


@pytest.mark.parametrize(
    "names, addresses, good",
    [
        ((), ("127.0.0.1",), True),
        (("localhost",), ("10.0.0.1", "127.0.0.1"), True),
        ((), ("127.0.0.2",), False),
        (("127.0.0.1",), (), False),
        (("localhost",), (), False),
        (("*.0.0.1",), (), False),
        ((), ("::1",), False),
        ((), ("::ffff:127.0.0.1",), False),
    ],
    ids=[
        "address", "second-address", "other-address", "address-as-name", "name-only", "wildcard",
        "ipv6", "mapped",
    ],
)
def test_addresses(make, pki, names, addresses, good):
    tls = pki.server(pki.leaf(names=names, addresses=addresses, common_name="127.0.0.1"))
    (accepted if good else refused)(make, name="127.0.0.1", tls=tls)


def test_certificate_for_anybody(make, pki):
    """No name in it at all."""
    refused(make, tls=pki.server(pki.leaf(names=("x.test",), addresses=(), common_name=None)))


# ---- who signed it -------------------------------------------------------------------------------


def intermediate(pki, **options):
    return pki.authority(
        "p256", options.pop("name", "Middle"), issuer=options.pop("issuer", pki.authority()),
        **options,
    )


CHAINS = {
    "one-between": (True, lambda pki: pki.leaf(issuer=intermediate(pki))),
    "two-between": (True,
        lambda pki: pki.leaf(issuer=intermediate(pki, name="Lower", issuer=intermediate(pki)))),
    "rsa-between": (True, lambda pki: pki.leaf("rsa2048",
        pki.authority("rsa2048", "Middle", issuer=pki.authority("rsa2048")))),
    "path-length-kept": (True,
        lambda pki: pki.leaf(issuer=intermediate(pki, name="Zero", path_length=0))),
    "in-the-wrong-order": (True, lambda pki: shuffled(pki)),
    "twice-and-strangers": (True, lambda pki: with_strangers(pki)),
    "purpose-between": (True, lambda pki: pki.leaf(issuer=intermediate(pki,
        purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)))),
    "purpose-between-is-another": (
        False,
        lambda pki: pki.leaf(issuer=intermediate(pki, name="Mail",
            purposes=(ExtendedKeyUsageOID.EMAIL_PROTECTION,))),
    ),
    "permitted": (True, lambda pki: pki.leaf(issuer=intermediate(pki,
        permitted=("localhost", "127.0.0.0/8")))),
    "not-permitted": (False,
        lambda pki: pki.leaf(issuer=intermediate(pki, name="Other", permitted=("example.test",)))),
    "not-permitted-address": (False,
        lambda pki: pki.leaf(issuer=intermediate(pki, name="Net", permitted=("10.0.0.0/8",)))),
    "excluded": (False, lambda pki: pki.leaf(issuer=intermediate(pki, name="But",
        excluded=("localhost",)))),
    "excluded-elsewhere": (True,
        lambda pki: pki.leaf(issuer=intermediate(pki, name="But not", excluded=("example.test",)))),
    "one-missing": (False, lambda pki: pki.leaf(issuer=intermediate(pki), alone=True)),
    "unknown-authority": (False,
        lambda pki: pki.leaf(issuer=pki.authority("p256", "Unknown Root"))),
    "unknown-of-the-same-name": (False, lambda pki: same_name(pki)),
    "between-is-no-authority":
        (False, lambda pki: pki.leaf(issuer=intermediate(pki, name="No CA", is_ca=False))),
    "between-may-not-sign":
        (False, lambda pki: pki.leaf(issuer=intermediate(pki, name="No Sign", sign_certs=False))),
    "path-length-exceeded": (
        False,
        lambda pki: pki.leaf(issuer=intermediate(pki, name="Lower",
            issuer=intermediate(pki, name="Zero", path_length=0))),
    ),
    "leaf-signs-leaf": (False, lambda pki: leaf_of_leaf(pki)),
}


def shuffled(pki):
    """Two authorities between, the upper one first, and the root."""
    certificate = pki.leaf(
        issuer=intermediate(pki, name="Lower", issuer=intermediate(pki)), with_root=True
    )
    certificate.chain.reverse()
    return certificate


def with_strangers(pki):
    certificate = pki.leaf(issuer=intermediate(pki, name="Lower", issuer=intermediate(pki)))
    strangers = [
        pki.authority("rsa2048", "Stranger").own,
        pki.authority("p256", "Unknown Root").own,
    ]
    certificate.chain = strangers + [certificate.own] + certificate.chain * 2 + strangers
    return certificate


def same_name(pki):
    from support.certificates import Pki

    return Pki(pki.folder).leaf()


def leaf_of_leaf(pki):
    return pki.leaf(issuer=pki.leaf("p384"))


@pytest.mark.parametrize("case", CHAINS)
def test_chain(make, pki, case):
    good, certificate = CHAINS[case]
    (accepted if good else refused)(make, tls=pki.server(certificate(pki)))


def test_self_signed_certificate_in_the_bundle(make, pki):
    """As appliances have it: believed for itself, for nothing else, and for nobody else."""
    own = pki.leaf(self_signed=True)
    accepted(make, tls=pki.server(own), AWS_CA_BUNDLE=pki.file(pki.authority().pem() + own.pem()))
    refused(make, tls=pki.server(pki.leaf(self_signed=True)), AWS_CA_BUNDLE=pki.file(own.pem()))
    other = pki.leaf(self_signed=True, names=("other.test",))
    refused(make, tls=pki.server(other), AWS_CA_BUNDLE=pki.file(other.pem()))


def test_constraints_of_the_root(make, pki):
    root = pki.authority(name="Limited Root", permitted=("localhost", "127.0.0.1/32"))
    bundle = pki.file(root.pem())
    accepted(make, tls=pki.server(pki.leaf(issuer=root)), AWS_CA_BUNDLE=bundle)
    text = refused(
        make, tls=pki.server(pki.leaf(issuer=root, names=("localhost", "other.test"))),
        AWS_CA_BUNDLE=bundle,
    )
    assert (
        "the certificate `Limited Root p256` above that of localhost does not permit other.test "
        "(name constraints)"
        in text
    )


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(common_name="\x1b[31mred`"), None),
        (
            dict(names=("other.test",), addresses=()),
            "the certificate `localhost` of localhost is not for this name but for other.test",
        ),
        (
            dict(end=-HOUR, start=-9 * HOUR),
            "the certificate `localhost` of localhost has expired on 20",
        ),
        (dict(start=HOUR), "the certificate `localhost` of localhost is not valid before 20"),
        (
            dict(san=False),
            "the certificate `localhost` of localhost has no subjectAltName; the common name does "
            "not count",
        ),
        (
            dict(is_ca=True),
            "the certificate `localhost` of localhost is a CA's; a server must have one of its "
            "own, with CA:FALSE",
        ),
        (
            dict(common_name="\x1b[31mred`", names=("other.test",), addresses=()),
            "the certificate `?[31mred?` of localhost is not for this name but for other.test",
        ),
    ],
    ids=["good", "name", "expired", "future", "no-names", "authority", "odd-subject"],
)
def test_words_about_a_certificate(make, pki, options, words):
    tls = pki.server(pki.leaf(**options))
    if words:
        assert words in refused(make, tls=tls)
    else:
        accepted(make, tls=tls)


def test_words_about_an_authority(make, pki):
    text = refused(
        make, tls=pki.server(pki.leaf(issuer=intermediate(pki, name="No CA", is_ca=False)))
    )
    assert (
        "the certificate `No CA p256` above that of localhost is not a CA's and may not issue "
        "certificates"
        in text
    )
    text = refused(make, tls=pki.server(pki.leaf(issuer=pki.authority("p256", "Unknown Root"))))
    assert (
        "the certificate `localhost` of localhost comes from an unknown authority, `Unknown Root "
        "p256`: set AWS_CA_BUNDLE"
        in text
    )


def test_words_about_a_curve_that_is_not_supported(make, pki):
    between = pki.authority("p521", name="Between", issuer=pki.authority())
    text = refused(make, tls=pki.server(pki.leaf(issuer=between, digest=hashes.SHA512)))
    assert (
        "the certificate `Between p521` above that of localhost" in text and "P-521" in text
    ), text


def test_words_about_what_a_bundle_leaves_out(make, pki):
    weak = pki.authority("rsa1024", "Weak Root")
    bundle = pki.file(pki.authority().pem() + weak.pem() + pki.leaf().pem())
    endpoint = make.endpoint(
        tls=pki.server(pki.leaf(issuer=weak)), name="localhost", open_now=False
    )
    runtime = make.runtime(endpoint=endpoint, AWS_CA_BUNDLE=bundle)
    endpoint.open()
    assert (
        "comes from an unknown authority, `Weak Root rsa1024`, which AWS_CA_BUNDLE contains but "
        "which cannot be used: its key is "
        "not supported: RSA of 1024 bits"
    ) in runtime.text(slack.command())
    (line,) = [line for line in runtime.process.logged() if "left out" in line["message"]]
    assert line["used"] == 1 and line["left_out"] == 2 and line["reasons"] == (
        "`Weak Root rsa1024` (its key is not supported: RSA of 1024 bits); `localhost` (it is not "
        "a CA's)"
    )


def test_built_in_anchors_do_not_know_our_authority(make):
    endpoint = make.endpoint(tls=True, name="localhost", open_now=False)
    runtime = make.runtime(endpoint=endpoint, AWS_CA_BUNDLE=None)
    endpoint.open()
    assert runtime.text(slack.command()).startswith(NOT)
    assert not endpoint.requests


def test_ssl_cert_file_is_for_all_and_the_bundle_beats_it(make, pki):
    unknown = pki.bundle(pki.authority("p256", "Unknown Root"))
    for env, good in (
        ({"AWS_CA_BUNDLE": None, "SSL_CERT_FILE": pki.bundle()}, True),
        ({"SSL_CERT_FILE": unknown}, True),
        ({"AWS_CA_BUNDLE": unknown, "SSL_CERT_FILE": pki.bundle()}, False),
    ):
        runtime = make.runtime(endpoint=make.endpoint(tls=True, name="localhost"), **env)
        assert (runtime.text(slack.command()) == STARTED) == good, env


def test_bundle_of_150_roots(make, pki):
    kinds = ["p256", "p384", "rsa2048"]
    others = [
        pki.authority(kinds[i % 3], f"Other Root {i % 12}", name_of)
        for i, name_of in enumerate([hashes.SHA256, hashes.SHA384] * 6)
    ]
    pems = (
        b"# a comment\r\n".join([a.pem() for a in others] * 13)
        + pki.authority().pem()
        + b"\n\n"
        + others[0].pem()
    )
    bundle = pki.file(pems)
    runtime = make.runtime(endpoint=make.endpoint(tls=True, name="localhost"), AWS_CA_BUNDLE=bundle)
    assert runtime.text(slack.command()) == STARTED


def test_bundle_with_what_does_not_belong(make, pki):
    """A leaf, a key and a broken block are passed over."""
    leaf = pki.leaf()
    pems = (
        leaf.pem()
        + leaf.key_pem()
        + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        + pki.authority().pem().replace(b"\n", b"\r\n")
    )
    runtime = make.runtime(
        endpoint=make.endpoint(tls=True, name="localhost"), AWS_CA_BUNDLE=pki.file(pems)
    )
    assert runtime.text(slack.command()) == STARTED


# ---- the words of TLS ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, suite", [(kind, suite) for kind in SUITES for suite in SUITES[kind]]
)
def test_suite(make, pki, kind, suite):
    certificate = pki.leaf({"ecdsa": "p256", "rsa": "rsa2048"}[kind])
    link = accepted(make, tls=pki.server(certificate, suite))
    assert link.cipher == suite and link.version == "TLSv1.2"


@pytest.mark.parametrize(
    "kinds", [["rsa2048"], ["p256"], ["p256", "rsa2048"]], ids=["rsa", "ecdsa", "both"]
)
def test_rsa_is_offered_alone_at_first(make, pki, kinds):
    """It costs less to check. A server without it declines, sees the second offer at once, and no
    first one any more."""
    tls = pki.server()
    for kind in kinds:
        leaf = pki.leaf(kind)
        tls.load_cert_chain(pki.file(leaf.chain_pem()), pki.file(leaf.key_pem()))
    if "rsa2048" not in kinds:
        tls = pki.server(leaf)
    runtime = make.runtime(endpoint=make.endpoint(tls=tls, name="localhost"))
    for _ in range(3):
        assert runtime.text(slack.command()) == STARTED
        runtime.settled()
        runtime.endpoint.drop_kept()
    # On a busy machine the connection that is made in advance may be given up on the way.
    links = runtime.endpoint.links
    ciphers = [link.cipher for link in links if link.cipher or declined(link)]
    if "rsa2048" in kinds:
        assert len(ciphers) >= 3 and all(
            cipher and cipher.startswith("ECDHE-RSA-") for cipher in ciphers
        ), ciphers
    else:
        first = [link for link in links if declined(link)]
        assert 1 <= len(first) <= 2 and ciphers[: len(first)] == [None] * len(first), ciphers
        ciphers = ciphers[len(first) :]
        assert len(ciphers) >= 3 and all(c.startswith("ECDHE-ECDSA-") for c in ciphers), ciphers


def declined(link):
    """Whether the server saw an offer of which it can take nothing."""
    return "NO_SHARED_CIPHER" in (link.fault or "").upper().replace(" ", "_")


def offered(hello):
    """Whether the suites in a ClientHello are with RSA, with ECDSA."""
    start = 44 + hello[43]
    size = int.from_bytes(hello[start : start + 2], "big")
    suites = {hello[start + 2 + i : start + 4 + i] for i in range(0, size, 2)}
    return tuple(
        bool(suites & set(kind))
        for kind in ((b"\xc0\x2f", b"\xc0\x30"), (b"\xc0\x2b", b"\xc0\x2c"))
    )


@pytest.mark.parametrize(
    "answer, declined",
    [(b"\2\x28", True), (b"\2\x47", True), (None, True), (b"\2\x46", False), (b"\2\x50", False)],
    ids=["handshake-failure", "insufficient-security", "end", "protocol-version", "internal-error"],
)
def test_what_declines_the_first_offer(make, answer, declined):
    hellos = []

    def act(wire, endpoint):
        wire.fill()
        hellos.append(wire.buffer)
        wire.send(b"\x15\3\3\0\2" + answer if answer else b"")
        wire.close()

    endpoint = make.endpoint(tls=True, open_now=False, at_accept={"all": act})
    runtime = make.runtime(endpoint=endpoint)
    endpoint.open()
    assert runtime.text(slack.command()).startswith(NOT)
    runtime.settled()
    assert [offered(hello) for hello in hellos] == [(True, False)] + (
        [(True, True)] * 4 if declined else [(True, False)] * 3
    )


@pytest.mark.parametrize(
    "suite",
    [
        "AES128-GCM-SHA256",
        "AES256-SHA256",
        "AES128-SHA",
        "ECDHE-RSA-AES128-SHA256",
        "ECDHE-RSA-AES256-SHA384",
        "ECDHE-RSA-AES128-SHA",
        "DHE-RSA-AES128-GCM-SHA256",
        "DHE-RSA-CHACHA20-POLY1305",
        "ECDHE-RSA-NULL-SHA",
        "NULL-SHA256",
        "AECDH-AES128-SHA",
        "ADH-AES128-GCM-SHA256",
        "AES128-CCM",
    ],
)
def test_suite_that_is_not_spoken(make, pki, suite):
    refused(make, certificate=False, tls=pki.server(pki.leaf("rsa2048"), suite))


@pytest.mark.parametrize(
    "suite", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-CCM"]
)
def test_suite_with_ecdsa_that_is_not_spoken(make, pki, suite):
    refused(make, certificate=False, tls=pki.server(pki.leaf("p256"), suite))


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_3"])
def test_version_that_is_not_spoken(make, pki, version):
    number = getattr(ssl.TLSVersion, version)
    text = refused(make, certificate=False, tls=pki.server(least=number, most=number))
    if version == "TLSv1_3":
        assert "the server wants TLS 1.3, which this program does not speak" in text


def test_server_that_could_do_more(make, pki):
    assert (
        accepted(
            make, tls=pki.server(least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.TLSv1_3)
        ).version
        == "TLSv1.2"
    )


@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1"])
def test_curve(make, pki, curve):
    accepted(make, tls=pki.server(curve=curve))


def test_curve_that_is_not_spoken(make, pki):
    refused(make, certificate=False, tls=pki.server(pki.leaf("rsa2048"), curve="secp521r1"))


@pytest.mark.parametrize(
    "group, kinds",
    [("X25519", ["rsa2048"]), ("P-256", ["rsa2048"]), ("P-384", ["rsa2048"]), ("X25519", ["p256"]),
        ("X25519", ["p256", "rsa2048"])],
)
def test_groups_and_certificates_with_the_openssl_tool(make, pki, group, kinds):
    """Python's servers cannot be told to speak X25519 only; another implementation's view does no
    harm either."""
    shown = []
    for option, kind in zip(("", "d"), kinds):
        certificate = pki.leaf(kind)
        shown += [
            f"-{option}cert", pki.file(certificate.chain_pem()), f"-{option}key",
            pki.file(certificate.key_pem()),
        ]
    port = free_port()
    server = subprocess.Popen(
        [
            "openssl",
            "s_server",
            "-accept",
            f"127.0.0.1:{port}",
            "-tls1_2",
            "-groups",
            group,
            "-quiet",
            *shown,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert eventually(lambda: listening(port))
        endpoint = make.endpoint(open_now=False)
        runtime = make.runtime(
            endpoint=endpoint,
            AWS_ENDPOINT_URL_LAMBDA=f"https://localhost:{port}",
            AWS_CA_BUNDLE=pki.bundle(),
        )
        threading.Thread(target=answer_when_asked, args=(server,), daemon=True).start()
        assert runtime.text(slack.command()) == STARTED
    finally:
        server.kill()
        server.wait()
        server.stdin.close()
        server.stdout.close()


def listening(port):
    """Whether somebody listens there, without connecting."""
    with open("/proc/net/tcp") as table:
        return any(
            line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in table
        )


def answer_when_asked(server):
    text = b""
    while b"invocations HTTP/1.1\r\n" not in text:
        piece = server.stdout.read1(65536)
        if not piece:
            return
        text += piece
    server.stdin.write(response(202))
    server.stdin.flush()


def test_server_name_is_sent_for_names_only(make, pki):
    seen = {}
    for name in ("localhost", "127.0.0.1"):
        tls = pki.server()
        tls.sni_callback = lambda sock, server_name, context, name=name: seen.update(
            {name: server_name}
        )
        accepted(make, name=name, tls=tls)
    assert seen == {"localhost": "localhost", "127.0.0.1": None}


def test_server_that_asks_for_a_client_certificate(make, pki):
    accepted(make, tls=pki.server(ask_client=True))


def test_server_that_insists_on_a_client_certificate(make, pki):
    tls = pki.server(ask_client=True)
    tls.verify_mode = ssl.CERT_REQUIRED
    text = refused(make, certificate=False, tls=tls)
    assert (
        "the server asked for a client certificate, which this program cannot show, and then "
        "ended the connection"
        in text
    )


def test_session_is_taken_up_again(make):
    """Where the server ended the connection in good order; OpenSSL forgets the session otherwise.
    """
    runtime = make.runtime(
        endpoint=make.endpoint(
            tls=True, name="localhost", default=peer.close_notify(peer.accepted())
        )
    )
    for i in range(3):
        assert runtime.text(slack.command()) == STARTED
        runtime.settled()
        assert eventually(lambda: runtime.endpoint.links[-1].ended)
    assert [link.resumed for link in runtime.endpoint.links if link.requests] == [
        False, True, True,
    ]


def test_session_of_another_server_is_not_forced(make, pki):
    """The same address with new keys: the old session is offered, declined, and a full handshake
    follows."""
    runtime = make.runtime(endpoint=make.endpoint(tls=True, name="localhost"))
    assert runtime.text(slack.command()) == STARTED
    runtime.settled()
    runtime.endpoint.tls = pki.server(pki.leaf("rsa2048"))
    runtime.endpoint.drop_kept()
    assert runtime.text(slack.command()) == STARTED
    assert not runtime.endpoint.links[-1].resumed


def test_new_certificate_is_looked_at_again(make, pki):
    runtime = make.runtime(endpoint=make.endpoint(tls=True, name="localhost"))
    assert runtime.text(slack.command()) == STARTED
    runtime.settled()
    runtime.endpoint.tls = pki.server(pki.leaf(names=("other.test",)))
    runtime.endpoint.drop_kept()
    assert runtime.text(slack.command()).startswith(NOT)
    assert len(runtime.endpoint.requests) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x15\x03\x03\x00\x02\x01\x00",
        b"\x00" * 2000,
        b"\x16\x03\x03\xff\xff" + b"x" * 70000,
        b"\x16\x03\x03\x00\x04\x02\x00\x00\x00",
        b"\x17\x03\x03\x00\x10" + b"y" * 16,
        b"\x16\x03\x03\x00\x00" * 1000,
    ],
    ids=[
        "http", "alert-fatal", "alert-close", "zeros", "long-record", "empty-hello", "data-first",
        "empty-records",
    ],
)
def test_answers_to_a_hello_that_are_none(make, data):
    refused(make, certificate=False, tls=True, at_accept={"all": peer.refuse_with(data)})


class Share(Server):
    """Shakes hands as far as its key share, whose signature is right, and keeps what comes after
    it."""

    def __init__(self, certificate, share, **options):
        self.certificate, self.share = certificate, share
        self.after = []
        super().__init__(**options)

    def serve(self, sock):
        wire = Wire(sock)
        hello = wire.read(int.from_bytes(wire.read(5)[3:], "big"))
        der = self.certificate.own.public_bytes(serialization.Encoding.DER)
        share = b"\3\0\x1d" + bytes([len(self.share)]) + self.share
        signature = self.certificate.key.sign(
            hello[6:38] + bytes(32) + share, padding.PKCS1v15(), hashes.SHA256()
        )
        for kind, body in (
            (2, b"\3\3" + bytes(32) + b"\0\xc0\x2f\0"),
            (11, counted(counted(der, 3), 3)),
            (12, share + b"\4\1" + counted(signature, 2)),
            (14, b""),
        ):
            wire.send(b"\x16\3\3" + counted(bytes([kind]) + counted(body, 3), 2))
        self.after.append(sock.recv(65536))


def counted(data, size):
    return len(data).to_bytes(size, "big") + data


@pytest.mark.parametrize("first_byte, good", [(9, True), (0, False), (1, False)])
def test_key_share_of_small_order(make, pki, first_byte, good):
    """Nothing that a secret known to everybody protects is sent."""
    server = make.keep(Share(pki.leaf(), bytes([first_byte]) + bytes(31), open_now=False))
    runtime = make.runtime(
        endpoint=make.endpoint(open_now=False),
        AWS_ENDPOINT_URL_LAMBDA=f"https://localhost:{server.port}",
        AWS_CA_BUNDLE=pki.bundle(),
    )
    server.open()
    text = runtime.text(slack.command())
    runtime.settled()
    assert text.startswith(NOT) and ("a key share that cannot be used" in text) == (not good)
    assert server.after and all(
        data.startswith(b"\x16\3\3\0\x25\x10") if good else data == b"" for data in server.after
    )


@pytest.mark.parametrize("spoil", ["flip", "truncate"])
@pytest.mark.parametrize("kept", [False, True], ids=["fresh", "kept"])
def test_record_that_was_changed_on_the_way(make, pki, spoil, kept):
    """Somebody in the middle changes one byte of the answer, or cuts it: no answer, no false
    success, no second start."""
    endpoint = make.endpoint(tls=pki.server(), name="localhost", check=False)
    middle = make.keep(Middle(endpoint.port, spoil, skip=kept, open_now=kept))
    runtime = make.runtime(
        endpoint=endpoint, AWS_ENDPOINT_URL_LAMBDA=f"https://localhost:{middle.port}"
    )
    if kept:
        assert (
            runtime.text(slack.command("/eu-west-1/first"))
            == "Lambda function first@eu-west-1 has been started..."
        )
    else:
        middle.open()
    assert runtime.text(slack.command()).startswith(
        "Lambda function my-fn@eu-west-1 may or may not have been started: "
    )
    assert len(endpoint.requests) == 1 + kept


class Middle(Server):
    """Passes bytes between a client and the real endpoint, and spoils a record of application data
    that the server sends: the first, or with `skip` the second."""

    def __init__(self, target, spoil, skip, **options):
        self.target, self.spoil, self.skip = target, spoil, skip
        super().__init__(**options)

    def serve(self, sock):
        upstream = socket.create_connection(("127.0.0.1", self.target))
        self.socks.append(upstream)
        self.spawn(self.copy, sock, upstream)
        wire = Wire(upstream)
        seen = 0
        while True:
            head = wire.read(5)
            body = wire.read(int.from_bytes(head[3:], "big"))
            seen += head[0] == 23
            if head[0] == 23 and seen > self.skip:
                if self.spoil == "truncate":
                    sock.sendall(head + body[:-1])
                    sock.shutdown(socket.SHUT_RDWR)
                    raise Gone
                body = body[:-1] + bytes([body[-1] ^ 1])
            sock.sendall(head + body)

    def copy(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        sink.close()
