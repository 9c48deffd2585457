"""Write the snippet of a language for a key. It runs without changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.template import Context, Engine

from portal.core.algorithms import ALGORITHMS
from portal.core.formats.spki import COORDINATE_BYTES
from portal.registry.models import ClientKey
from portal.web.addresses import addresses_of
from portal.web.keys.key_stores import KeyStore
from portal.web.keys.snippets.languages import LANGUAGES, Language

# The output is a program, not HTML. The page that shows it escapes it as a whole.
_ENGINE: Final = Engine(
    dirs=[str(settings.BASE_DIR / "templates" / "web" / "keys" / "snippets")], autoescape=False
)

_PLAIN: Final = re.compile(r"[A-Za-z0-9._~:/\[\]-]+")
"""Text that is safe inside quotes in all languages: no quote, dollar, backslash or space."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A program that signs with a key, and asks for a token. Most read the file private_key.pem.

    `code` is empty if the library cannot sign with the algorithm of the key. `note` is what the
    user must know before running it, and may be empty.
    """

    language: Language
    install: str
    run: str
    filename: str
    code: str
    note: str


def snippet(language: Language, key: ClientKey) -> Snippet:
    """Return the snippet of the language for this key and its client.

    Raises `ValueError` for a value that could act as code in a program; no value of ours can.
    """
    algorithm = ALGORITHMS[key.alg]
    return Snippet(
        language=language,
        install=language.install,
        run=language.run,
        filename=language.filename,
        code=_code(language, key) if key.alg in language.headers else "",
        note=language.notes.get(algorithm.kty, ""),
    )


def signers_of(alg: str) -> list[Language]:
    """Return the languages and services that can sign with this algorithm."""
    return [language for language in LANGUAGES.values() if alg in language.headers]


def render(template: str, context: dict[str, object]) -> str:
    """Return a program or command from a template of this folder."""
    code = _ENGINE.get_template(template).render(Context(context, autoescape=False))
    # Templates return SafeString, which marks HTML. Adding a plain str returns a plain str.
    return code + ""


def signing_context(alg: str, store: KeyStore) -> dict[str, object]:
    """Return what the templates of the stores need to sign with a key of this algorithm."""
    algorithm = ALGORITHMS[alg]
    return {
        "sign": store.template,
        "alg": alg,
        "kty": algorithm.kty,
        "family": alg[:2],
        "hash_bits": alg[-3:],
        # RFC 7518 §3.4: r and s, each as long as a coordinate of the curve. Two hexadecimal digits
        # of one are as many as the bytes of both.
        "coordinate_digits": 2 * COORDINATE_BYTES.get(algorithm.curve, 0),
    }


def _code(language: Language, key: ClientKey) -> str:
    addresses = addresses_of(key.client)
    values = {
        "alg": language.headers[key.alg],
        "kid": key.kid,
        "kty": key.kty,
        "curve": key.curve,
        "client_id": addresses.client_id,
        "issuer": addresses.issuer,
        "token_endpoint": addresses.token_endpoint,
    }
    for name, value in values.items():
        if value and not _PLAIN.fullmatch(value):
            raise ValueError(f"{name} is {value!r}, which is not safe in a program.")
    return render(language.template, signing_context(key.alg, language.store) | values)
