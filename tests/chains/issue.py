"""Certificates in every shape, right and wrong, written as DER by hand: libraries refuse to make
half of them."""

import datetime
import hashlib
import ipaddress

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

NOW = datetime.datetime(2030, 1, 1)
CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1, "k256": ec.SECP256K1}
HASHES = {
    "sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512,
}

# ---- DER -----------------------------------------------------------------------------------------


def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(size)]) + size + body


def seq(*parts):
    return tlv(0x30, *parts)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = b""
    for n in [first * 40 + second, *rest]:
        digits = [n & 127]
        while n := n >> 7:
            digits.append(n & 127 | 128)
        out += bytes(reversed(digits))
    return tlv(6, out)


def bits(data, unused=0):
    return tlv(3, bytes([unused]), data)


def flag(value):
    return tlv(1, b"\xff" if value else b"\0")


TRUE = flag(True)
NULL = tlv(5)


def utf8(text):
    return tlv(0x0C, text.encode())


def printable(text):
    return tlv(0x13, text.encode())


def time(t, generalized=None):
    if generalized or (generalized is None and t.year >= 2050):
        return tlv(0x18, t.strftime("%Y%m%d%H%M%SZ").zfill(15).encode())
    return tlv(0x17, t.strftime("%y%m%d%H%M%SZ").encode())


# ---- names ---------------------------------------------------------------------------------------

CN, O, MAIL = "2.5.4.3", "2.5.4.10", "1.2.840.113549.1.9.1"


def name(common, organization="Test", text=utf8, mail=None):
    """A Name: O and CN, and perhaps a mail address."""
    parts = [(O, text(organization))] if organization else []
    parts += [(CN, text(common))] if common else []
    parts += [(MAIL, tlv(0x16, mail.encode()))] if mail else []
    return seq(*(tlv(0x31, seq(oid(kind), value)) for kind, value in parts))


def general_name(text):
    """dns:, ip: (an address or a network), dir: (the organization), mail:, uri:, or bytes as they
    are."""
    if isinstance(text, bytes):
        return text
    kind, _, value = text.partition(":")
    if kind == "dns":
        return tlv(0x82, value.encode("latin-1"))
    if kind == "ip" and "/" in value:
        network = ipaddress.ip_network(value)
        return tlv(0x87, network.network_address.packed, network.netmask.packed)
    if kind == "ip":
        return tlv(0x87, ipaddress.ip_address(value).packed)
    if kind == "dir":
        return tlv(0xA4, name(None, value))
    return tlv({"mail": 0x81, "uri": 0x86}[kind], value.encode())


# ---- keys ----------------------------------------------------------------------------------------


class Keys:
    """One for each name and kind, made when it is asked for."""

    def __init__(self):
        self.made = {}

    def __call__(self, who, kind="p256"):
        if (who, kind) not in self.made:
            self.made[who, kind] = self.make(kind)
        return self.made[who, kind]

    @staticmethod
    def make(kind):
        if kind in CURVES:
            return ec.generate_private_key(CURVES[kind]())
        if kind == "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


def public_bytes(key):
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def key_id(key):
    return hashlib.sha1(public_bytes(key)).digest()


def algorithm(key, digest, pss):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return seq(oid("1.3.101.112"))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        kinds = {
            "sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2",
            "sha384": "1.2.840.10045.4.3.3",
        }
        return seq(oid({**kinds, "sha512": "1.2.840.10045.4.3.4"}[digest]))
    if pss is not None:
        number = {"sha256": 1, "sha384": 2, "sha512": 3}[digest]
        inner = seq(oid(f"2.16.840.1.101.3.4.2.{number}"), NULL)
        mask = seq(oid("1.2.840.113549.1.1.8"), inner)
        return seq(
            oid("1.2.840.113549.1.1.10"),
            seq(tlv(0xA0, inner), tlv(0xA1, mask), tlv(0xA2, integer(pss))),
        )
    return seq(
        oid(
            "1.2.840.113549.1.1."
            + {"sha1": "5", "sha256": "11", "sha384": "12", "sha512": "13"}[digest]
        ),
        NULL,
    )


def sign(key, data, digest, pss):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        value = hashlib.new(digest, data).digest()
        return key.sign(value, ec.ECDSA(utils.Prehashed(HASHES[digest]())))
    if pss is not None:
        return key.sign(data, padding.PSS(padding.MGF1(HASHES[digest]()), pss), HASHES[digest]())
    return key.sign(data, padding.PKCS1v15(), HASHES[digest]())


# ---- extensions ----------------------------------------------------------------------------------

SERVER, CLIENT, MAILING, ANY = (
    "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4", "2.5.29.37.0",
)


def extension(number, value, critical=False, explicit_false=False):
    return seq(
        oid(number if "." in str(number) else f"2.5.29.{number}"),
        TRUE if critical else flag(False) if explicit_false else b"",
        tlv(4, value),
    )


def basic(ca, path_length=None, critical=True):
    return extension(
        19, seq(TRUE if ca else b"", integer(path_length) if path_length is not None else b""),
        critical,
    )


def usage(*which, critical=True):
    positions = {"sign": 0, "encipher": 2, "cert": 5, "crl": 6}
    value = sum(0x80 >> positions[w] for w in which)
    unused = (value & -value).bit_length() - 1
    return extension(15, bits(bytes([value]), unused), critical)


def purposes(*which, critical=False):
    return extension(37, seq(*map(oid, which)), critical)


def alternative(*names, critical=False):
    return extension(17, seq(*map(general_name, names)), critical)


def constraints(permitted=(), excluded=(), critical=True):
    def subtrees(tag, names):
        return tlv(tag, *(seq(general_name(n)) for n in names)) if names else b""

    return extension(30, seq(subtrees(0xA0, permitted), subtrees(0xA1, excluded)), critical)


def policies(*which, critical=False):
    return extension(32, seq(*(seq(oid(w)) for w in which)), critical)


def mappings(*pairs, critical=True):
    return extension(33, seq(*(seq(oid(a), oid(b)) for a, b in pairs)), critical)


def policy_constraints(explicit=None, inhibit_mapping=None, critical=True):
    def count(tag, n):
        return tlv(tag, integer(n)[2:]) if n is not None else b""

    return extension(36, seq(count(0x80, explicit), count(0x81, inhibit_mapping)), critical)


def inhibit_any(n, critical=True):
    return extension(54, integer(n), critical)


# ---- certificates --------------------------------------------------------------------------------

DAY = datetime.timedelta(days=1)
YEAR = 365 * DAY


class Issued:
    def __init__(self, der, subject, key):
        self.der, self.subject, self.key = der, subject, key


class Issuer:
    def __init__(self):
        self.keys = Keys()
        self.serial = 1000

    def certificate(
        self,
        subject,
        key,
        extensions=(),
        issuer=None,
        issuer_name=None,
        signer=None,
        start=NOW - YEAR,
        end=NOW + YEAR,
        digest="sha256",
        pss=None,
        version=3,
        serial=None,
        ids=True,
        generalized=None,
        outer=None,
        spki=None,
        spoil=False,
        drop_id=None,
    ):
        """Signed by `issuer`, or by itself. `ids`: with key identifiers, as RFC 5280 wants them."""
        signer = signer or (issuer.key if issuer else key)
        self.serial += 1
        extensions = list(extensions)
        if ids and version == 3:
            extensions.append(extension(14, tlv(4, key_id(key))))
            if issuer or issuer_name:
                extensions.append(extension(35, seq(tlv(0x80, key_id(signer)))))
        how = algorithm(signer, digest, pss)
        contents = seq(
            tlv(0xA0, integer(version - 1)) if version > 1 else b"",
            integer(serial if serial is not None else self.serial),
            how,
            issuer_name or (issuer.subject if issuer else subject),
            seq(time(start, generalized), time(end, generalized)),
            subject,
            spki or public_bytes(key),
            tlv(0xA3, seq(*extensions)) if extensions else b"",
        )
        signature = sign(signer, contents, digest, pss)
        if spoil:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        return Issued(seq(contents, outer or how, bits(signature)), subject, key)

    def authority(
        self, common, issuer=None, kind="p256", path_length=None, more=(), key=None, standard=True,
        **options,
    ):
        """A CA as RFC 5280 wants it; `standard` False: with the extensions in `more` alone."""
        extensions = [basic(True, path_length), usage("cert", "crl")] if standard else []
        subject = options.pop("subject", name(common))
        return self.certificate(
            subject, key or self.keys(common, kind), [*extensions, *more], issuer, **options
        )

    def leaf(
        self, issuer, names=("dns:server.test",), kind="p256", more=None, common="server.test",
        standard=True, **options,
    ):
        """A server's as RFC 5280 wants it. `more` replaces its extended key usage."""
        extensions = [basic(False), usage("sign")] if standard else []
        extensions += [purposes(SERVER)] if more is None else list(more)
        if names is not None:
            extensions.append(alternative(*names))
        return self.certificate(
            name(common), self.keys("leaf", kind), extensions, issuer, **options
        )
