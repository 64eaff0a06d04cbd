"""The cases: chains of certificates, and what has to become of them.

Each says what the program answers, and what OpenSSL (`openssl verify -x509_strict`, for a TLS
server) and Go (crypto/x509) answer where that is something else, with the reason: this is the table
of differences."""

import datetime
from dataclasses import dataclass, field

from issue import (
    ANY,
    CLIENT,
    DAY,
    MAILING,
    NOW,
    NULL,
    SERVER,
    YEAR,
    Issuer,
    alternative,
    basic,
    bits,
    constraints,
    extension,
    flag,
    inhibit_any,
    integer,
    mappings,
    name,
    oid,
    policies,
    policy_constraints,
    printable,
    public_bytes,
    purposes,
    seq,
    tlv,
    usage,
    utf8,
)

# enum path_code of src/x509/path.h
CODES = (
    "ok malformed critical not-yet expired key purpose ca-as-peer no-signing no-names other-name "
    "algorithm bad-signature "
    "other-key not-ca no-issuing too-long constrained constraint-unsupported policy unknown limit"
).split()

# Why somebody else answers otherwise.
PEDANTRY = (
    "strict mode asks for extensions that RFC 5280 wants of authorities and that many lack; nothing"
    " depends on them"
)
ANY_PURPOSE = "RFC 5280, 4.2.1.12: any purpose includes serverAuth; OpenSSL wants it by name"
NO_LEAF_CHECK = (
    "a CA's certificate, or one whose key may not sign, is no server's (RFC 5246, 7.4.2)"
)
POLICIES_ASKED_FOR = "policies are looked at only when OpenSSL is asked to (-policy_check)"
WEAK = "weak algorithms are a matter of security levels in OpenSSL, which `verify` does not apply"
FORM = "OpenSSL reads some forms that are no DER, or no certificate"
OWN_ROOT = (
    "OpenSSL takes only self-signed certificates as the end of a path unless -partial_chain is"
    " given"
)
GO_FORM = "Go refuses this form"
NO_WAY_BACK = (
    "OpenSSL follows the first issuer that fits and does not go back when it leads nowhere"
)
WILDCARD_TEXT = (
    "a wildcard is excluded if anything is that it stands for; OpenSSL compares its text"
)


@dataclass
class Case:
    name: str
    chain: list
    anchors: list
    want: str = "ok"
    host: str = "server.test"
    now: datetime.datetime = NOW
    role: str = "server"
    openssl: bool = None  # whether it accepts; None: as the program does
    go: bool = None
    why: str = ""
    length: int = None  # of the path, the anchor aside
    openssl_options: list = field(default_factory=list)

    @property
    def accepted(self):
        return self.want == "ok"


def all_cases():
    cases = []
    for group in (
        simple, orders, validity, kinds, issuers, lengths, names, constrained, purposes_of,
        extensions_of, forms, anchors_of, policies_of, self_signed,
    ):
        cases += group(Issuer())
    assert len({c.name for c in cases}) == len(cases)
    return cases


def simple(i):
    root = i.authority("Root")
    middle = i.authority("Middle", root, path_length=0)
    upper = i.authority("Upper", root)
    lower = i.authority("Lower", upper, path_length=0)
    other = i.authority("Other Root")
    alike = i.authority("Root", key=i.keys("another", "p256"))
    return [
        Case("root-alone", [i.leaf(root)], [root]),
        Case("one-between", [i.leaf(middle), middle], [root]),
        Case("two-between", [i.leaf(lower), lower, upper], [root]),
        Case("root-sent-too", [i.leaf(middle), middle, root], [root], length=2),
        Case("no-anchor", [i.leaf(middle), middle, root], [other], "unknown"),
        Case("one-missing", [i.leaf(lower), lower], [root], "unknown"),
        Case("leaf-alone", [i.leaf(lower)], [root], "unknown"),
        Case("anchor-of-the-same-name", [i.leaf(alike)], [root], "other-key"),
        Case("two-anchors-of-one-name", [i.leaf(root)], [alike, root, other]),
        Case("wrong-signature", [i.leaf(root, spoil=True)], [root], "other-key"),
        Case("wrong-signature-between", [i.leaf(lower), i.authority("Lower", upper, spoil=True),
            upper], [root], "bad-signature"),
        Case("leaf-issued-by-a-leaf", [i.leaf(i.leaf(root)), i.leaf(root)], [root], "not-ca"),
    ]


def orders(i):
    root = i.authority("Root")
    cross = i.authority("Cross Root")
    middle = i.authority("Middle", root)
    crossed = i.authority("Root", cross, key=root.key)
    old = i.authority("Middle", root, key=middle.key, start=NOW - 3 * YEAR, end=NOW - YEAR)
    alien = i.authority("Middle", root, key=i.keys("alien"))
    constrained_twin = i.authority(
        "Middle", root, key=middle.key, more=[constraints(["dns:other.test"])]
    )
    loop_a = i.authority("Loop A", key=i.keys("a"), issuer_name=name("Loop B"), signer=i.keys("b"))
    loop_b = i.authority("Loop B", key=i.keys("b"), issuer_name=name("Loop A"), signer=i.keys("a"))
    ladder = [root]
    for n in range(14):
        ladder.append(i.authority(f"Step {n}", ladder[-1]))
    return [
        Case("cross-signed-short-way", [i.leaf(middle), middle, crossed], [root], length=2),
        Case("cross-signed-long-way", [i.leaf(middle), middle, crossed], [cross], length=3),
        Case("expired-twin", [i.leaf(middle), old, middle], [root]),
        Case("twin-with-another-key", [i.leaf(middle), alien, middle], [root]),
        Case("twin-with-constraints", [i.leaf(middle), constrained_twin, middle], [root],
            openssl=False, why=NO_WAY_BACK),
        Case("strangers", [i.leaf(middle), i.authority("X"), middle, i.leaf(i.authority("Y")),
            i.authority("Z")], [root]),
        Case("circle", [i.leaf(loop_a), loop_a, loop_b], [root], "unknown"),
        Case("fourteen-between", [i.leaf(ladder[-1]), *reversed(ladder[1:])], [root], length=15),
    ]


def validity(i):
    root = i.authority("Root")
    old_root = i.authority("Old Root", start=NOW - 3 * YEAR, end=NOW - YEAR)
    middle = i.authority("Middle", root, end=NOW - DAY)
    second = datetime.timedelta(seconds=1)
    return [
        Case("expired", [i.leaf(root, end=NOW - second)], [root], "expired"),
        Case(
            "last-second",
            [i.leaf(root, end=NOW)],
            [root],
            openssl=False,
            why=(
                "the end belongs to the validity (RFC 5280, 4.1.2.5); OpenSSL ends a second earlier"
            ),
        ),
        Case("first-second", [i.leaf(root, start=NOW)], [root]),
        Case("not-yet-valid", [i.leaf(root, start=NOW + second)], [root], "not-yet"),
        Case("expired-between", [i.leaf(middle), middle], [root], "expired"),
        Case("expired-anchor", [i.leaf(old_root)], [old_root], "expired"),
        Case("until-9999", [i.leaf(root, end=datetime.datetime(9999, 12, 31, 23, 59, 59))], [root]),
        Case("generalized-before-2050", [i.leaf(root, generalized=True)], [root]),
    ]


def kinds(i):
    cases = []
    for kind in ("p256", "p384", "rsa2048", "rsa3072"):
        root = i.authority("Root " + kind, kind=kind)
        cases.append(Case(f"key-{kind}", [i.leaf(root, kind=kind)], [root]))
        for digest in ("sha384", "sha512"):
            cases.append(Case(f"{kind}-{digest}", [i.leaf(root, digest=digest)], [root]))
    rsa = i.authority("Root", kind="rsa2048")
    ec = i.authority("Root EC")
    for digest, salt in (
        ("sha256", 32), ("sha384", 48), ("sha512", 64), ("sha256", 20), ("sha256", 0),
    ):
        cases.append(Case(f"pss-{digest}-{salt}", [i.leaf(rsa, digest=digest, pss=salt)], [rsa],
                          go=salt >= 32, why=GO_FORM + ": a salt that is not as long as the hash"))
    for root in (rsa, ec):
        kind = "rsa" if root is rsa else "ec"
        cases.append(
            Case(
                f"sha1-{kind}", [i.leaf(root, digest="sha1")], [root], "algorithm", openssl=True,
                why=WEAK,
            )
        )
    short = i.authority("Short", rsa, kind="rsa1024")
    ed = i.authority("Ed", rsa, kind="ed25519")
    big = i.authority("P-521", rsa, kind="p521")
    return cases + [
        Case("rsa-1024", [i.leaf(rsa, kind="rsa1024")], [rsa], "key", openssl=True, go=True,
            why=WEAK),
        Case("rsa-1024-between", [i.leaf(short), short], [rsa], "key", openssl=True, go=True,
            why=WEAK),
        Case("rsa-2047", [i.leaf(rsa, kind="rsa2047")], [rsa], "key", openssl=True, go=True,
            why=WEAK),
        Case("ed25519", [i.leaf(rsa, kind="ed25519")], [rsa], "key", openssl=True, go=True,
            why="TLS 1.2 here has no Ed25519"),
        Case("ed25519-between", [i.leaf(ed), ed], [rsa], "key", openssl=True, go=True,
            why="Ed25519 is not supported"),
        Case("p521", [i.leaf(rsa, kind="p521")], [rsa], "key", openssl=True, go=True,
            why="P-521 is not supported"),
        Case("p521-between", [i.leaf(big, digest="sha512"), big], [rsa], "key", openssl=True,
            go=True, why="P-521 is not supported"),
        Case("k256", [i.leaf(rsa, kind="k256")], [rsa], "key", openssl=True, go=False,
            why="no curve of TLS"),
    ]


def issuers(i):
    root = i.authority("Root")

    def below(**options):
        middle = i.authority("Middle", root, **options)
        return [i.leaf(middle), middle]

    v1 = i.authority("Middle", root, version=1, standard=False)
    return [
        Case("no-basic-constraints", below(standard=False, more=[usage("cert")]), [root], "not-ca"),
        Case(
            "ca-false", below(standard=False, more=[basic(False), usage("sign")]), [root], "not-ca"
        ),
        Case(
            "ca-not-critical",
            below(standard=False, more=[basic(True, critical=False), usage("cert")]), [root],
            openssl=False, why=PEDANTRY,
        ),
        Case(
            "no-key-usage", below(standard=False, more=[basic(True)]), [root], openssl=False,
            why=PEDANTRY,
        ),
        Case("no-key-identifiers", below(ids=False), [root], openssl=False, why=PEDANTRY),
        Case(
            "may-not-issue", below(standard=False, more=[basic(True), usage("sign", "crl")]),
            [root], "no-issuing",
        ),
        Case("version-1-between", [i.leaf(v1), v1], [root], "not-ca"),
        Case(
            "wrong-key-identifier",
            [
                i.leaf(
                    i.authority("Odd", root), ids=False,
                    more=[purposes(SERVER), extension(35, seq(tlv(0x80, b"odd")))],
                ),
                i.authority("Odd", root),
            ],
            [root],
            openssl=False,
            why="an identifier is but a hint (RFC 4158, 3.5.12)",
        ),
        Case(
            "subject-in-other-letters", [i.leaf(root, issuer_name=name("ROOT", "TEST"))], [root],
            go=False, why="RFC 5280, 7.1; Go compares bytes",
        ),
        Case(
            "subject-in-another-type", [i.leaf(root, issuer_name=name("Root", text=printable))],
            [root], go=False, why="RFC 5280, 7.1; Go compares bytes",
        ),
    ]


def lengths(i):
    root = i.authority("Root")
    zero = i.authority("Zero", root, path_length=0)
    below_zero = i.authority("Below", zero)
    one = i.authority("One", root, path_length=1)
    below_one = i.authority("Below One", one)
    lowest = i.authority("Lowest", below_one)
    rolled = i.authority("Zero", zero, key=i.keys("rolled"), path_length=0)
    short_root = i.authority("Short Root", path_length=0)
    middle = i.authority("Middle", short_root)
    return [
        Case("length-0", [i.leaf(zero), zero], [root]),
        Case("length-0-exceeded", [i.leaf(below_zero), below_zero, zero], [root], "too-long"),
        Case("length-1", [i.leaf(below_one), below_one, one], [root]),
        Case("length-1-exceeded", [i.leaf(lowest), lowest, below_one, one], [root], "too-long"),
        Case("length-and-self-issued", [i.leaf(rolled), rolled, zero], [root], go=False,
             why="self-issued certificates use up no length (RFC 5280, 6.1.4 l); Go counts them"),
        Case("length-of-the-root", [i.leaf(short_root)], [short_root]),
        Case("length-of-the-root-exceeded", [i.leaf(middle), middle], [short_root], "too-long"),
    ]


def names(i):
    root = i.authority("Root")

    def case(title, host, alternatives, want="ok", **options):
        return Case("name-" + title, [i.leaf(root, alternatives)], [root], want, host, **options)

    return [
        case("upper-case", "SERVER.test", ["dns:server.TEST"]),
        case("second", "server.test", ["dns:other.test", "dns:server.test"]),
        case("other", "server.test", ["dns:other.test"], "other-name"),
        case("parent", "a.server.test", ["dns:server.test"], "other-name"),
        case("wildcard", "a.server.test", ["dns:*.server.test"]),
        case("wildcard-two-labels", "a.b.server.test", ["dns:*.server.test"], "other-name"),
        case("wildcard-itself", "server.test", ["dns:*.server.test"], "other-name"),
        case("wildcard-one-label", "server.test", ["dns:*.test"], "other-name", go=True,
            why="two labels have to follow"),
        case("wildcard-alone", "server", ["dns:*"], "other-name"),
        case("wildcard-within", "ab.server.test", ["dns:a*.server.test"], "other-name",
            openssl=True, why="RFC 9525, 6.3"),
        case("wildcard-below", "a.b.server.test", ["dns:a.*.server.test"], "other-name"),
        case("wildcard-of-puny", "xn--a.server.test", ["dns:*.server.test"]),
        case("dot-at-the-end", "server.test", ["dns:server.test."], "other-name", go=False),
        case("nul", "server.test", ["dns:server.test\0.evil.test"], "other-name"),
        case("address", "127.0.0.1", ["ip:127.0.0.1"]),
        case("address-6", "::1", ["ip:::1"]),
        case("address-other", "127.0.0.1", ["ip:127.0.0.2"], "other-name"),
        case("address-as-name", "127.0.0.1", ["dns:127.0.0.1"], "other-name"),
        case("address-mapped", "127.0.0.1", ["ip:::ffff:127.0.0.1"], "other-name", go=True,
            why="Go takes a mapped address as IPv4"),
        case("address-wildcard", "127.0.0.1", ["dns:*.0.0.1"], "other-name"),
        case("address-of-5-bytes", "127.0.0.1", [tlv(0x87, b"\x7f\0\0\1\0"), "ip:127.0.0.1"],
            go=False, why=GO_FORM),
        case("name-for-address", "server.test", ["ip:127.0.0.1"], "other-name", openssl=True,
             why="OpenSSL takes the common name when no DNS name is there"),
        case("mail-only", "server.test", ["mail:server.test"], "other-name", openssl=True,
             why="OpenSSL takes the common name when no DNS name is there"),
        case("none", "server.test", None, "no-names", openssl=True,
            why="OpenSSL takes the common name"),
        case("critical-without-subject", "server.test", ["dns:server.test"]),
    ]


def constrained(i):
    root = i.authority("Root")

    OTHER_NAME = tlv(0xA0, oid("1.2.3"), tlv(0xA0, utf8("x")))

    def case(title, permitted, excluded, alternatives, want="ok", host="server.test", **options):
        limits = constraints(permitted, excluded)
        middle = i.authority("Limited " + title, root, more=[limits])
        leaf = i.leaf(middle, alternatives)
        return Case("constraint-" + title, [leaf, middle], [root], want, host, **options)

    limited_root = i.authority("Limited Root", more=[constraints(["dns:server.test"])])
    limited = i.authority("Limited", root, more=[constraints(["dns:server.test"])])
    rolled = i.authority("Limited", limited, key=i.keys("rolled"))
    below = i.authority("Below", limited)
    directory = i.authority("Directory", root, more=[constraints(["dir:Elsewhere"])])
    at_home = i.authority("At Home", root, more=[constraints(["dir:TEST"])])
    not_critical = i.authority(
        "Loose", root, more=[constraints(["dns:other.test"], critical=False)]
    )
    mailing = i.authority("Mailing", root, more=[constraints(["mail:server.test"])])
    with_mail = i.authority("With Mail", mailing, subject=name("With Mail", mail="a@server.test"))
    without_mail = i.authority(
        "Other Mail", mailing, subject=name("Other Mail", mail="a@other.test")
    )
    ladder = [root]
    for n in range(17):
        ladder.append(i.authority(f"Step {n}", ladder[-1]))
    minimum = seq(tlv(0xA0, seq(tlv(0x82, b"test"), tlv(0x80, b"\1"))))
    odd = i.authority("Odd", root, more=[extension(30, minimum, True)])
    empty = i.authority("Empty", root, more=[extension(30, seq(), True)])
    address = ["dns:server.test", "ip:10.1.2.3"]
    many = i.authority(
        "Many", root,
        more=[constraints([f"dns:a{n}.test" for n in range(600)] + ["dns:server.test"])],
    )
    return [
        case("within", ["dns:test"], [], ["dns:server.test"]),
        case("itself", ["dns:server.test"], [], ["dns:server.test"]),
        case("outside", ["dns:other.test"], [], ["dns:server.test"], "constrained"),
        case("similar", ["dns:rver.test"], [], ["dns:server.test"], "constrained"),
        case(
            "one-outside", ["dns:server.test"], [], ["dns:server.test", "dns:other.test"],
            "constrained",
        ),
        case("dot", ["dns:.test"], [], ["dns:server.test"]),
        case("dot-itself", ["dns:.server.test"], [], ["dns:server.test"], "constrained"),
        case("all", ["dns:"], [], ["dns:server.test"]),
        case("excluded", [], ["dns:test"], ["dns:server.test"], "constrained"),
        case("excluded-other", [], ["dns:other.test"], ["dns:server.test"]),
        case(
            "excluded-within-permitted", ["dns:test"], ["dns:server.test"], ["dns:server.test"],
            "constrained",
        ),
        case(
            "wildcard-within", ["dns:server.test"], [], ["dns:*.server.test"], host="a.server.test"
        ),
        case(
            "wildcard-too-wide", ["dns:a.server.test"], [], ["dns:*.server.test"], "constrained",
            host="a.server.test",
        ),
        case(
            "wildcard-excluded", [], ["dns:a.server.test"], ["dns:*.server.test"], "constrained",
            host="a.server.test", openssl=True, why=WILDCARD_TEXT,
        ),
        case(
            "wildcard-of-a-sibling", [], ["dns:a.server.test"], ["dns:*.server.test"],
            "constrained", host="b.server.test", openssl=True, why=WILDCARD_TEXT,
        ),
        case("address", ["ip:10.0.0.0/8"], [], address),
        case("address-outside", ["ip:11.0.0.0/8"], [], address, "constrained"),
        case("address-of-the-other-family", ["ip:2001:db8::/32"], [], address, "constrained"),
        case("address-excluded", [], ["ip:10.1.0.0/16"], address, "constrained"),
        case("address-asked-for", ["ip:10.0.0.0/8"], [], address, host="10.1.2.3"),
        case("mail-not-there", ["mail:other.test"], [], ["dns:server.test"]),
        case("mail-there", ["mail:other.test"], [], ["dns:server.test", "mail:a@other.test"]),
        case(
            "mail-outside", ["mail:other.test"], [], ["dns:server.test", "mail:a@server.test"],
            "constrained",
        ),
        case("uri-there", [], ["uri:evil.test"], ["dns:server.test", "uri:https://server.test/"]),
        case(
            "uri-excluded", [], ["uri:evil.test"], ["dns:server.test", "uri:https://evil.test/"],
            "constrained",
        ),
        case(
            "other-name", [OTHER_NAME], [], ["dns:server.test", OTHER_NAME],
            "constraint-unsupported",
        ),
        case("uri-not-there", [], ["uri:evil.test"], ["dns:server.test"]),
        case(
            "odd-name", ["dns:test"], [], ["dns:server.test", "dns:b b.test"], "constrained",
            openssl=True, why="what is no DNS name is permitted by nothing",
        ),
        Case("constraint-of-the-root", [i.leaf(limited_root)], [limited_root]),
        Case(
            "constraint-of-the-root-outside", [i.leaf(limited_root, ["dns:other.test"])],
            [limited_root], "constrained", "other.test",
        ),
        Case(
            "constraint-two-above", [i.leaf(below, ["dns:other.test"]), below, limited], [root],
            "constrained", "other.test",
        ),
        Case("constraint-and-self-issued", [i.leaf(rolled), rolled, limited], [root]),
        Case(
            "constraint-on-the-directory", [i.leaf(at_home), at_home], [root], go=False,
            why="Go knows no directory names here",
        ),
        Case(
            "constraint-on-the-directory-outside", [i.leaf(directory), directory], [root],
            "constrained",
        ),
        Case(
            "constraint-not-critical", [i.leaf(not_critical), not_critical], [root], "constrained"
        ),
        Case("constraint-on-mail-in-a-subject", [i.leaf(with_mail), with_mail, mailing], [root]),
        Case(
            "constraint-on-mail-in-a-subject-outside",
            [i.leaf(without_mail), without_mail, mailing], [root], "constrained", go=True,
            why="Go looks for mail addresses in a subjectAltName alone",
        ),
        Case(
            "must-not-netscape",
            [i.leaf(root, more=[extension("2.16.840.1.113730.1.1", bits(b"\x40", 6), True)])],
            [root], "critical", openssl=True, why="nsCertType is a relic that OpenSSL still reads",
        ),
        Case(
            "seventeen-between", [i.leaf(ladder[-1]), *reversed(ladder[1:])], [root], "unknown",
            openssl=True, go=True, why="a bound on work: 16 certificates",
        ),
        Case(
            "constraint-with-a-minimum", [i.leaf(odd), odd], [root], "unknown", go=True,
            why="RFC 5280 forbids what this says; Go does not read it",
        ),
        Case(
            "constraint-of-nothing", [i.leaf(empty), empty], [root], "unknown", openssl=True,
            why=FORM,
        ),
        Case(
            "constraint-of-many",
            [i.leaf(many, [f"dns:x{n}.a{n}.test" for n in range(150)] + ["dns:server.test"]), many],
            [root],
        ),
        Case(
            "constraint-of-too-many",
            [i.leaf(many, [f"dns:x{n}.a{n}.test" for n in range(400)] + ["dns:server.test"]), many],
            [root], "limit", openssl=True, go=True, why="a bound on work",
        ),
    ]


def purposes_of(i):
    root = i.authority("Root")
    mail_root = i.authority("Mail Root", more=[purposes(MAILING)])

    def below(*which, critical=False):
        middle = i.authority("Middle", root, more=[purposes(*which, critical=critical)])
        return [i.leaf(middle), middle]

    return [
        Case("purpose-none", [i.leaf(root, more=[])], [root]),
        Case("purpose-critical", [i.leaf(root, more=[purposes(SERVER, critical=True)])], [root]),
        Case("purpose-two", [i.leaf(root, more=[purposes(CLIENT, SERVER)])], [root]),
        Case("purpose-client", [i.leaf(root, more=[purposes(CLIENT)])], [root], "purpose"),
        Case("purpose-client-critical", [i.leaf(root, more=[purposes(CLIENT, critical=True)])],
            [root], "purpose"),
        Case("purpose-mail", [i.leaf(root, more=[purposes(MAILING)])], [root], "purpose"),
        Case("purpose-unknown", [i.leaf(root, more=[purposes("1.2.3.4")])], [root], "purpose"),
        Case("purpose-any", [i.leaf(root, more=[purposes(ANY)])], [root], openssl=False,
            why=ANY_PURPOSE),
        Case("purpose-between", below(SERVER), [root]),
        Case("purpose-between-critical", below(SERVER, critical=True), [root]),
        Case("purpose-between-client", below(CLIENT), [root], "purpose"),
        Case("purpose-between-mail", below(MAILING), [root], "purpose"),
        Case("purpose-between-any", below(ANY), [root], openssl=False, why=ANY_PURPOSE),
        Case("purpose-root-mail", [i.leaf(mail_root)], [mail_root], "purpose"),
        Case("role-client", [i.leaf(root, more=[purposes(CLIENT)])], [root], host="-",
            role="client"),
        Case("role-client-as-server", [i.leaf(root)], [root], "purpose", host="-", role="client"),
        Case("role-client-without-names", [i.leaf(root, None, more=[purposes(CLIENT)])], [root],
            host="-", role="client"),
    ]


def extensions_of(i):
    root = i.authority("Root")
    unknown = extension("1.2.3.4", NULL, True)
    middle = i.authority("Middle", root, more=[unknown])
    odd_root = i.authority("Odd Root", more=[unknown])
    crl = extension(31, seq(seq(tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://x.test/crl"))))), True)

    def leaf(*more, **options):
        return [i.leaf(root, more=more, **options)]

    return [
        Case("unknown-critical", leaf(unknown), [root], "critical"),
        Case("unknown", leaf(extension("1.2.3.4", NULL)), [root]),
        Case("unknown-critical-between", [i.leaf(middle), middle], [root], "critical"),
        Case("unknown-critical-root", [i.leaf(odd_root)], [odd_root], "unusable"),
        Case("poison", leaf(extension("1.3.6.1.4.1.11129.2.4.3", NULL, True)), [root], "critical"),
        Case("crl-points-critical", leaf(crl), [root]),
        Case("policies-critical", leaf(policies("1.2.3", critical=True)), [root]),
        Case(
            "must-staple-critical", leaf(extension("1.3.6.1.5.5.7.1.24", seq(integer(5)), True)),
            [root], "critical",
        ),
        Case(
            "twice", leaf(extension("1.2.3.4", NULL), extension("1.2.3.4", NULL)), [root],
            "malformed", openssl=True, why=FORM,
        ),
        Case("twice-basic", leaf(basic(False)), [root], "malformed"),
        Case("false-written-out", leaf(extension("1.2.3.4", NULL, explicit_false=True)), [root]),
        Case(
            "authority-as-server",
            [
                i.authority(
                    "server.test", root, more=[alternative("dns:server.test"), purposes(SERVER)]
                )
            ],
            [root],
            "ca-as-peer",
            go=True,
            why=NO_LEAF_CHECK,
        ),
        Case(
            "key-usage-encipher-only",
            leaf(basic(False), usage("encipher"), purposes(SERVER), standard=False), [root],
            "no-signing", openssl=True, go=True, why=NO_LEAF_CHECK,
        ),
        Case("no-extensions-but-names", leaf(standard=False), [root]),
    ]


def forms(i):
    root = i.authority("Root")

    def leaf(**options):
        return [i.leaf(root, **options)]

    whole = i.leaf(root).der
    longer = i.leaf(root)
    longer.der = whole + b"\0"
    key = i.keys("leaf")
    point = key.public_key().public_numbers()
    compressed = bytes([2 + point.y % 2]) + point.x.to_bytes(32, "big")
    spki = seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bits(compressed))
    v1 = i.certificate(name("server.test"), key, [], root, version=1)
    return [
        Case("version-1", [v1], [root], "no-names", openssl=True,
            why="OpenSSL takes the common name"),
        Case("version-1-with-extensions", leaf(version=1, ids=False), [root], "malformed"),
        Case("version-2-with-extensions", leaf(version=2, ids=False), [root], "malformed"),
        Case("version-4", leaf(version=4, ids=False), [root], "malformed", openssl=None),
        Case("serial-0", leaf(serial=0), [root], go=None),
        Case("serial-negative", leaf(serial=-5), [root], go=False, why=GO_FORM),
        Case("serial-of-30-bytes", leaf(serial=2**239 + 1), [root], go=None),
        Case("other-algorithm-outside", leaf(outer=seq(oid("1.2.840.10045.4.3.3"))), [root],
            "malformed"),
        Case("compressed-point", leaf(spki=spki), [root], "malformed", openssl=True,
            why="RFC 8422, 5.1.2"),
        Case("byte-behind", [longer], [root], "malformed", openssl=True, why=FORM),
    ]


def anchors_of(i):
    root = i.authority("Root")
    v1 = i.authority("V1 Root", version=1, standard=False)
    middle = i.authority("Middle", root)
    bare = i.authority("Bare Root", standard=False, ids=False, more=[basic(True, critical=False)])
    no_issuing = i.authority("No Issuing", standard=False, more=[basic(True), usage("sign")])
    no_ca = i.authority("No CA", standard=False, more=[basic(False), usage("sign")])
    return [
        Case(
            "anchor-version-1",
            [i.leaf(v1)],
            [v1],
            openssl=False,
            why=(
                "a root of version 1 cannot say that it is one; OpenSSL takes it when it is not"
                " strict"
            ),
        ),
        Case("anchor-between", [i.leaf(middle)], [middle], openssl=False, why=OWN_ROOT),
        Case("anchor-bare", [i.leaf(bare)], [bare], openssl=False, why=PEDANTRY),
        Case("anchor-may-not-issue", [i.leaf(no_issuing)], [no_issuing], "unusable"),
        Case("anchor-no-ca", [i.leaf(no_ca)], [no_ca], "unknown"),
    ]


def policies_of(i):
    root = i.authority("Root")
    ONE, TWO = "1.2.3.1", "1.2.3.2"
    ANY_POLICY = "2.5.29.32.0"
    asks = policy_constraints(explicit=0)

    def case(title, upper, lower, leaf, want="ok", **options):
        top = i.authority("Upper " + title, root, more=upper)
        below = i.authority("Lower " + title, top, more=lower)
        own = i.leaf(below, more=[purposes(SERVER), *leaf])
        return Case(
            "policy-" + title, [own, below, top], [root], want,
            openssl_options=["-policy_check", "-policy", ANY_POLICY], **options,
        )

    return [
        case("none", [], [], []),
        case("not-asked-for", [policies(ONE)], [policies(TWO)], []),
        case("asked-for", [policies(ONE), asks], [policies(ONE)], [policies(ONE)]),
        case("missing", [policies(ONE), asks], [policies(ONE)], [], "policy"),
        case("missing-between", [policies(ONE), asks], [], [policies(ONE)], "policy"),
        case("another", [policies(ONE), asks], [policies(TWO)], [policies(TWO)], "policy"),
        case("any", [policies(ANY_POLICY), asks], [policies(ANY_POLICY)], [policies(ONE)]),
        case("any-below", [policies(ONE), asks], [policies(ONE)], [policies(ANY_POLICY)]),
        case(
            "any-inhibited", [policies(ONE), asks, inhibit_any(0)], [policies(ONE)],
            [policies(ANY_POLICY)], "policy",
        ),
        case(
            "any-inhibited-later", [policies(ONE), asks, inhibit_any(1)], [policies(ANY_POLICY)],
            [policies(ONE)],
        ),
        case(
            "mapped", [policies(ONE), asks, mappings((ONE, TWO))], [policies(TWO)], [policies(TWO)]
        ),
        case(
            "mapped-away", [policies(ONE), asks, mappings((ONE, TWO))], [policies(ONE)],
            [policies(ONE)], "policy",
        ),
        case(
            "mapping-inhibited", [policies(ONE), policy_constraints(0, 0)],
            [policies(ONE), mappings((ONE, TWO))], [policies(TWO)], "policy",
        ),
        case("asked-for-later", [policies(ONE), policy_constraints(explicit=5)], [], []),
        case(
            "asked-for-at-the-end", [policies(ONE), policy_constraints(explicit=2)], [], [],
            "policy",
        ),
        case(
            "asked-for-by-the-leaf", [policies(ONE)], [policies(ONE)], [policies(TWO), asks],
            "policy",
        ),
        case(
            "qualifiers",
            [
                extension(
                    32,
                    seq(
                        seq(
                            oid(ONE),
                            seq(seq(oid("1.3.6.1.5.5.7.2.1"), tlv(0x16, b"http://x.test/"))),
                        )
                    ),
                ),
                asks,
            ],
            [policies(ONE)],
            [policies(ONE)],
            openssl=None,
        ),
    ]


def self_signed(i):
    root = i.authority("Root")
    own = i.leaf(None)
    again = i.leaf(None)
    authority = i.authority(
        "server.test", kind="p384", more=[alternative("dns:server.test")], standard=False
    )
    ca = i.certificate(
        name("server.test"), i.keys("ca"), [basic(True), alternative("dns:server.test")], ids=False
    )
    del authority
    client = i.leaf(None, more=[purposes(CLIENT)])
    expired = i.leaf(None, end=NOW - DAY)
    other = i.leaf(None, ["dns:other.test"])
    below = i.leaf(own)
    return [
        Case("listed", [own], [root, own]),
        Case("listed-with-strangers", [own, i.authority("X")], [own], length=1),
        Case("listed-not", [own], [root], "unknown"),
        Case("listed-again", [again], [own], "unknown", openssl=None),
        Case("listed-client", [client], [client], "purpose"),
        Case("listed-expired", [expired], [expired], "expired"),
        Case("listed-other-name", [other], [other], "other-name"),
        Case("listed-issues-nothing", [below], [own], "unknown"),
        Case("listed-issues-nothing-sent", [below, own], [own], "not-ca"),
        Case("listed-authority", [ca], [ca], openssl=None),
    ]
