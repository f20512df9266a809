"""The certificates of the simulated nodes: an authority made on the spot, and what it signs."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

_VALID = dt.timedelta(days=30)
_USER_PRINCIPAL_NAME = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_UTF8_STRING = 0x0C
_LONGEST_SHORT = 0x7F
"""The longest length that DER writes as one byte."""


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _other_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """A certificate authority for one simulated cluster; ``path`` is its certificate, the PEM file to trust."""

    def __init__(self, folder: Path, *, name: str) -> None:
        self.path = folder / "ca.pem"
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject(f"{name} test authority")
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._certificate = builder.add_extension(_usage(authority=True), critical=True).sign(self._key, hashes.SHA256())
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, names: tuple[str, ...]) -> Path:
        """Return a PEM file with a new key and a certificate for these host names (or addresses), named after the first."""
        return self._issue(names[0], [_other_name(name) for name in names], usage=ExtendedKeyUsageOID.SERVER_AUTH)

    def issue_user(self, username: str) -> Path:
        """Return a PEM file with a new key and a certificate that this user (user@domain) logs in with."""
        text = username.encode()
        if len(text) > _LONGEST_SHORT:
            raise ValueError(f"too long for a certificate of ours: {username}")
        name = x509.OtherName(_USER_PRINCIPAL_NAME, bytes([_UTF8_STRING, len(text)]) + text)
        return self._issue(username, [name], usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(self, common_name: str, names: list[x509.GeneralName], *, usage: ObjectIdentifier) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_subject(common_name), key.public_key())
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        certificate = builder.add_extension(_usage(authority=False), critical=True).sign(self._key, hashes.SHA256())
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = self._folder / f"{common_name}.pem"
        path.touch(mode=0o600)
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def server(self, certificate: Path) -> ssl.SSLContext:
        """Return a server's side of TLS: it shows ``certificate`` and looks at a client's, if the client has one of ours."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        tls.load_verify_locations(self.path)
        tls.verify_mode = ssl.CERT_OPTIONAL
        return tls

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        # an hour back, because clocks of a test machine may differ by a little
        begin = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        builder = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number(), begin, begin + _VALID)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return builder.add_extension(identifier, critical=False)


def fingerprint(path: Path) -> bytes:
    """Return the SHA-256 of a PEM file's certificate: what a client binds its login to (RFC 5929, tls-server-end-point)."""
    return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256())


def user_of(certificate: bytes) -> str | None:
    """Return the user principal name in a client's certificate (DER), or None."""
    try:
        names = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    for other in names.get_values_for_type(x509.OtherName):
        if other.type_id == _USER_PRINCIPAL_NAME:
            return other.value[2:].decode()
    return None
