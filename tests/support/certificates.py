"""Certificates of every kind, good and bad, made when a test asks for them; and TLS servers that
show them."""

import datetime
import ipaddress
import ssl
import tempfile
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
VECTORS = Path(__file__).parent.parent / "vectors"
DAY = datetime.timedelta(days=1)

SUITES = {
    "ecdsa": ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305"],
    "rsa": ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305"],
}


def make_key(kind):
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind]())
    if kind == "rsa8192":  # which would take half a minute
        return serialization.load_pem_private_key(
            (VECTORS / "pkey/rsa8192-pkcs8.pem").read_bytes(), None
        )
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


class Certificate:
    """A certificate, its key, and the certificates that a server sends after it."""

    def __init__(self, own, key, chain=()):
        self.own, self.key, self.chain = own, key, list(chain)

    def pem(self):
        return self.own.public_bytes(serialization.Encoding.PEM)

    def chain_pem(self):
        return b"".join(
            [self.pem()] + [c.public_bytes(serialization.Encoding.PEM) for c in self.chain]
        )

    def key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()
        )


class Pki:
    """Keys are made once a run and kind; the two roots, P-256 and RSA, are what `bundle()` has in
    it."""

    def __init__(self, folder=None):
        self.folder = Path(folder or tempfile.mkdtemp(prefix="pki-"))
        self.keys = {}
        self.made = {}
        self.count = 0

    def key(self, kind, use="leaf"):
        if (kind, use) not in self.keys:
            self.keys[kind, use] = make_key(kind)
        return self.keys[kind, use]

    def authority(
        self,
        kind="p256",
        name="Test Root",
        digest=hashes.SHA256,
        issuer=None,
        is_ca=True,
        sign_certs=True,
        path_length=None,
        purposes=(),
        permitted=(),
        excluded=(),
    ):
        """A root, or with `issuer` an intermediate. `permitted` and `excluded`: DNS names and
        networks as name constraints."""
        ident = (
            "ca", kind, name, digest.name, issuer and issuer.own.subject.rfc4514_string(), is_ca,
            sign_certs, path_length,
        )
        ident += (purposes, permitted, excluded)
        if ident not in self.made:
            key = self.key(kind, "ca " + name)
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {kind}")])
            builder = self.builder(subject, issuer.own.subject if issuer else subject, key)
            builder = builder.add_extension(
                x509.BasicConstraints(ca=is_ca, path_length=path_length), critical=True
            )
            builder = builder.add_extension(usage(sign_certs), critical=True)
            if purposes:
                builder = builder.add_extension(
                    x509.ExtendedKeyUsage(list(purposes)), critical=True
                )
            if permitted or excluded:
                constraints = x509.NameConstraints(subtrees(permitted), subtrees(excluded))
                builder = builder.add_extension(constraints, critical=True)
            own = builder.sign(issuer.key if issuer else key, digest())
            self.made[ident] = Certificate(own, key, self.issuers(issuer) if issuer else [])
        return self.made[ident]

    def builder(self, subject, issuer, key, start=-DAY, end=90 * DAY):
        now = datetime.datetime.utcnow()
        self.count += 1
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + start)
            .not_valid_after(now + end)
        )

    def leaf(
        self,
        kind="rsa2048",
        issuer=None,
        names=("localhost",),
        addresses=("127.0.0.1",),
        common_name="localhost",
        start=-DAY,
        end=30 * DAY,
        purposes=(ExtendedKeyUsageOID.SERVER_AUTH,),
        purposes_critical=False,
        is_ca=False,
        digest=hashes.SHA256,
        self_signed=False,
        with_root=False,
        alone=False,
        san=True,
        basic=True,
        key_usage=False,
    ):
        """A server's certificate. By default a good one for localhost and 127.0.0.1, of the kind
        that is offered first."""
        issuer = issuer or self.authority()
        key = self.key(kind)
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
        )
        builder = self.builder(
            subject, subject if self_signed else issuer.own.subject, key, start, end
        )
        if basic:
            builder = builder.add_extension(
                x509.BasicConstraints(ca=is_ca, path_length=None), critical=True
            )
        if key_usage:
            builder = builder.add_extension(usage(sign_certs=False), critical=True)
        if purposes:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage(list(purposes)), critical=purposes_critical
            )
        if san:
            alternatives = [x509.DNSName(name) for name in names]
            alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
            builder = builder.add_extension(
                x509.SubjectAlternativeName(alternatives), critical=False
            )
        with warnings.catch_warnings():
            # SHA-1 is what some of these certificates are made for.
            warnings.simplefilter("ignore")
            own = builder.sign(key if self_signed else issuer.key, digest())
        chain = [] if self_signed or alone else self.issuers(issuer)
        if with_root:
            chain = chain + [self.authority().own]
        return Certificate(own, key, chain)

    @staticmethod
    def issuers(issuer):
        """What a server sends after its own: the issuer, unless that is a root."""
        return [] if issuer.own.issuer == issuer.own.subject else [issuer.own] + issuer.chain

    def file(self, data):
        self.count += 1
        path = self.folder / f"{self.count}.pem"
        path.write_bytes(data)
        return str(path)

    def bundle(self, *authorities):
        """The path of a bundle with these authorities, by default the P-256 root and the RSA root.
        """
        if not authorities:
            authorities = (self.authority(), self.authority("rsa2048"))
        if authorities not in self.made:
            self.made[authorities] = self.file(b"".join(a.pem() for a in authorities))
        return self.made[authorities]

    def server(
        self,
        certificate=None,
        suites=None,
        least=ssl.TLSVersion.TLSv1_2,
        most=ssl.TLSVersion.TLSv1_2,
        curve=None,
        ask_client=False,
        alpn=None,
    ):
        """The TLS side of a server that shows `certificate`."""
        certificate = certificate or self.leaf()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = least, most
        # Level 0: a server may show what a client has to refuse.
        context.set_ciphers((suites or "ALL") + ":@SECLEVEL=0")
        context.load_cert_chain(
            self.file(certificate.chain_pem()), self.file(certificate.key_pem())
        )
        if curve:
            context.set_ecdh_curve(curve)
        if ask_client:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.bundle())
        return context


def subtrees(names):
    """DNS names, and networks as ADDRESS/BITS."""
    return [
        x509.IPAddress(ipaddress.ip_network(n)) if "/" in n else x509.DNSName(n) for n in names
    ] or None


def usage(sign_certs):
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certs,
        crl_sign=sign_certs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
