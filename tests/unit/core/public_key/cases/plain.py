"""Text without a usable public key."""

from __future__ import annotations

from portal.core.algorithms import PUBLIC_HALF
from portal.core.formats import der
from portal.core.reasons import Reason
from tests.unit.core.public_key.cases.case import (
    Case,
    ssh2,
)
from tests.unit.core.support import (
    openssl,
    public_pem,
)

CASES = (
    Case("nothing", Reason.EMPTY, "The field is empty", lambda: b""),
    Case("white space", Reason.EMPTY, "The field is empty", lambda: "\ufeff \n\t "),
    Case("32 KiB and a byte", Reason.TOO_LARGE, "more than 32 KiB", lambda: b" " * 32769),
    Case("prose", Reason.NO_KEY_FOUND, "no public key", lambda: "Here is my key. Thanks!"),
    Case("HTML", Reason.NO_KEY_FOUND, "no public key", lambda: "<script>alert(1)</script>"),
    Case(
        "NUL",
        Reason.NOT_TEXT,
        "bytes that PEM and JWK files do not have",
        lambda: public_pem("P-256") + b"\0",
    ),
    Case(
        "half a surrogate",
        Reason.NOT_TEXT,
        "bytes that PEM and JWK files do not have",
        lambda: "\ud800",
    ),
    Case("URL", Reason.URL, "a URL", lambda: "https://bank.example/jwks.json"),
    Case("JWT", Reason.TOKEN, "signed token", lambda: "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln"),
    Case("JWE", Reason.TOKEN, "signed token", lambda: "eyJhbGciOiJkaXIifQ..aXY.Y3Q.dGFn"),
    Case(
        "XML of a DSA key",
        Reason.XML_KEY,
        "XML with a key that the portal cannot read",
        lambda: "<DSAKeyValue><P>AQAB</P><Y>AQAB</Y></DSAKeyValue>",
    ),
    Case("base64", Reason.NO_HEADER_LINES, "does not contain a public key", lambda: "QUJD" * 10),
    Case("cut SSH2", Reason.BAD_OPENSSH_KEY, "but is incomplete", ssh2),
    Case("fingerprint", Reason.FINGERPRINT, "fingerprint", lambda: f"SHA256:{'a' * 43}"),
    Case("SHA-1", Reason.FINGERPRINT, "20 bytes", lambda: ":".join(["a1"] * 20)),
    Case(
        "text of a key",
        Reason.KEY_DUMP,
        "printout of a key",
        lambda: openssl("pkey", "-pubin", "-text_pub", "-noout", stdin=public_pem("P-256")),
        PUBLIC_HALF,
    ),
    Case("DER of something", Reason.DER_BINARY, "binary", lambda: der.encode(0x30, b"\x04\x7f")),
)
