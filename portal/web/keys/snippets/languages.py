"""The languages and libraries that have snippets, and the algorithms of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.web.keys.key_stores import FILE, SERVICES, KeyStore

_RSA_AND_EC: Final = {name: name for name, each in ALGORITHMS.items() if each.kty in {"RSA", "EC"}}
_ML_DSA: Final = {name: name for name, each in ALGORITHMS.items() if each.kty == "AKP"}


@dataclass(frozen=True, slots=True)
class Language:
    """A language with its library, or a shell with a key service.

    `headers` maps the algorithm of a key to the `alg` header that the library writes. The library
    cannot sign with algorithms that are not in it. `install` and `run` are commands; `install` is
    empty if nothing must be installed. `notes` maps the `kty` of the key to what the user must know
    before running the program.
    """

    name: str
    title: str
    library: str
    filename: str
    install: str
    run: str
    headers: dict[str, str]
    notes: dict[str, str]
    store: KeyStore = FILE
    """Where the private key is. A shell signs in any place; the libraries read a file."""

    @property
    def template(self) -> str:
        """The name of the template, in templates/web/keys/snippets/."""
        return f"{self.name if self.store == FILE else 'shell'}.txt"


def _with_service(store: KeyStore) -> Language:
    """Return the shell program that signs with a key of a service."""
    return Language(
        name=store.name,
        title="Shell",
        library=store.title,
        filename="get_token.sh",
        install="",
        run="bash get_token.sh",
        headers={alg: ALGORITHMS[alg].headers[0] for alg in store.algorithms},
        notes=dict.fromkeys(("RSA", "EC", "OKP", "AKP"), f"Needs {store.needs}."),
        store=store,
    )


LANGUAGES: Final[dict[str, Language]] = {
    language.name: language
    for language in (
        Language(
            name="python",
            title="Python",
            library="PyJWT",
            filename="get_token.py",
            install='pip install "pyjwt[crypto]==2.15.1" requests==2.34.2',
            run="python get_token.py",
            # PyJWT supports only the older name, for both curves.
            headers={**_RSA_AND_EC, "EdDSA": "EdDSA", "Ed448": "EdDSA"},
            notes={},
        ),
        Language(
            name="authlib",
            title="Python",
            library="Authlib",
            filename="get_token.py",
            install="pip install authlib==1.9.10 requests==2.34.2",
            run="python get_token.py",
            # Authlib warns about the name EdDSA, which RFC 9864 deprecates.
            headers={**_RSA_AND_EC, "EdDSA": "Ed25519", "Ed448": "Ed448"},
            notes={},
        ),
        Language(
            name="node",
            title="Node",
            library="jose",
            filename="get_token.mjs",
            install="npm install jose@6.2.18",
            run="node get_token.mjs",
            headers={**_RSA_AND_EC, "EdDSA": "EdDSA", **_ML_DSA},
            notes={"AKP": "Needs Node 24.7 or newer, where ML-DSA is experimental."},
        ),
        Language(
            name="go",
            title="Go",
            library="golang-jwt",
            filename="main.go",
            install="go mod init get_token && go get github.com/golang-jwt/jwt/v5@v5.3.1",
            run="go run main.go",
            headers={**_RSA_AND_EC, "EdDSA": "EdDSA"},
            notes={},
        ),
        Language(
            name="java",
            title="Java",
            library="Nimbus",
            filename="GetToken.java",
            install="mvn dependency:copy -Dartifact=com.nimbusds:nimbus-jose-jwt:10.10 "
            "-DoutputDirectory=.",
            run="java -cp nimbus-jose-jwt-10.10.jar GetToken.java",
            headers={**_RSA_AND_EC, "EdDSA": "EdDSA", "Ed448": "EdDSA"},
            notes={
                "OKP": "Nimbus needs another library (Tink) for EdDSA, and does not support "
                "Ed448. This program signs with Java itself (15 or newer).",
            },
        ),
        Language(
            name="csharp",
            title="C#",
            library="Microsoft.IdentityModel",
            filename="Program.cs",
            install="dotnet new console && "
            "dotnet add package Microsoft.IdentityModel.JsonWebTokens --version 8.23.0",
            run="dotnet run",
            headers={**_RSA_AND_EC, "EdDSA": "EdDSA", "Ed448": "EdDSA"},
            notes={
                "OKP": ".NET and Microsoft.IdentityModel do not support EdDSA, so this program "
                "signs with Bouncy Castle: dotnet add package BouncyCastle.Cryptography "
                "--version 2.7.0",
            },
        ),
        Language(
            name="shell",
            title="Shell",
            library="openssl",
            filename="get_token.sh",
            install="",
            run="bash get_token.sh",
            headers={**_RSA_AND_EC, "EdDSA": "EdDSA", "Ed448": "EdDSA", **_ML_DSA},
            notes={
                "OKP": "Needs OpenSSL 3. On macOS, which has LibreSSL: brew install openssl.",
                "AKP": "Needs OpenSSL 3.5 or newer.",
            },
        ),
        *map(_with_service, SERVICES),
    )
}
"""All languages by their name in the URL, in the order of the tabs."""
