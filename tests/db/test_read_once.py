"""Through whichever door a key comes, it is read once: no bytes are parsed a second time."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse

from portal.core.formats import der
from portal.core.private import detect
from portal.core.public_key import parse
from portal.core.public_key.parse import parse_public_key
from portal.registry.models import Client
from tests.db.web.keys.key_forms import good
from tests.keys import new_private_key, public_pem

PEM = public_pem(new_private_key("PS256"))
KEY = parse_public_key(PEM)
FORMS = {
    "PEM": PEM,
    "JWK": json.dumps(KEY.jwk_members),
    "a restricted JWK": json.dumps(KEY.jwk_members | {"alg": "RS256"}),
}
LABEL = b"searched for a private key: "


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[bytes]:
    """How often each text was searched for a private key, and each element of DER was read."""
    found: Counter[bytes] = Counter()
    read, refuse_private = der.read, detect.refuse_private

    def count_der(data: bytes) -> der.Element:
        found[data] += 1
        return read(data)

    def count_search(data: bytes, *tried: Any) -> None:
        found[LABEL + data] += 1
        refuse_private(data, *tried)

    monkeypatch.setattr(der, "read", count_der)
    monkeypatch.setattr(parse, "refuse_private", count_search)
    return found


def is_read_once(reads: Counter[bytes], text: str) -> bool:
    assert {data: times for data, times in reads.items() if times > 1} == {}
    return reads[LABEL + text.encode()] == 1


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    ("path", "changes", "status"),
    [
        ("key_register", {}, 302),
        ("key_register", {"label": ""}, 422),
        ("key_register", {"alg": "ES256"}, 422),
        ("key_inspect", {}, 200),
    ],
)
def test_key_form(
    ask: Any,
    payments: Client,
    reads: Counter[bytes],
    text: str,
    path: str,
    changes: dict[str, str],
    status: int,
) -> None:
    url = reverse(path, args=[payments.client_id])
    form = good(material=text, alg="PS256") | changes
    assert ask("dev", "post", url, form).status_code == status
    assert is_read_once(reads, text)


def test_file(ask: Any, payments: Client, reads: Counter[bytes]) -> None:
    url = reverse("key_register", args=[payments.client_id])
    file = SimpleUploadedFile("key.pem", PEM.encode())
    form = good(material="", alg="PS256", file=file)
    assert ask("dev", "post", url, form).status_code == 302
    assert is_read_once(reads, PEM)


def test_form_over_the_limit(
    ask: Any, payments: Client, reads: Counter[bytes], settings: Any
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "key_upload": "1/1h/user"}
    url = reverse("key_register", args=[payments.client_id])
    ask("dev", "post", url, {})
    assert ask("dev", "post", url, good(material=PEM)).status_code == 429
    assert is_read_once(reads, PEM)


@pytest.mark.parametrize("path", ["console_keys", "console_blocked"])
def test_search_of_the_console(
    ask: Any, cast: SimpleNamespace, reads: Counter[bytes], path: str
) -> None:
    assert ask("admin", "post", reverse(path), {"q": PEM}).status_code == 302
    assert is_read_once(reads, PEM.strip())


@pytest.mark.parametrize("command", ["check_key {}", "block_key --by admin@example.com --file {}"])
def test_commands(
    cast: SimpleNamespace, reads: Counter[bytes], tmp_path: Path, command: str
) -> None:
    file = tmp_path / "key.pem"
    file.write_text(PEM)
    call_command(*command.format(file).split(" "), stdout=io.StringIO())
    assert is_read_once(reads, PEM)


def test_private_key(ask: Any, payments: Client, reads: Counter[bytes]) -> None:
    text = '{"kty":"RSA","d":"AQ"}'
    url = reverse("key_register", args=[payments.client_id])
    assert ask("dev", "post", url, good(material=text)).status_code == 422
    assert is_read_once(reads, text)
