"""Every form in which people have a public key: it is read, or refused by name."""

from __future__ import annotations

import pytest

from portal.core.key_policy.policy import KeyPolicy
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from tests.cases.read_forms import FOLDER, FORMS, Form


def test_there_are_many_and_each_has_its_file() -> None:
    assert len(FORMS) >= 120
    files = {path.name for path in FOLDER.iterdir()} - {"index.json"}
    assert files == {form.file for form in FORMS}


def outcome(form: Form) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    """Return what comes of a form: the outcome, the key, those to choose from, those leaked."""
    try:
        key = KeyPolicy().accept(parse_public_key(form.content)).key
    except Refused as refused:
        choices = tuple(key.spki_sha256 for key in refused.choices)
        is_private = refused.reason == Reason.PRIVATE_KEY
        leaked = tuple(key.spki_sha256 for key in refused.leaked) if is_private else ()
        return refused.reason, "", choices, leaked
    return "accepted", key.spki_sha256, (), ()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.file)
def test_form_has_the_expected_outcome(form: Form) -> None:
    assert outcome(form) == (form.outcome, form.spki_sha256, form.choices, form.leaked)


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.choices], ids=lambda form: form.file
)
def test_each_of_several_keys_can_be_chosen(form: Form) -> None:
    with pytest.raises(Refused) as caught:
        parse_public_key(form.content, choice="none of them")
    for key in caught.value.choices:
        assert parse_public_key(form.content, choice=key.thumbprint).spki == key.spki


def test_choices_of_a_chain_show_the_number_of_the_block() -> None:
    chain = (FOLDER / "chain.pem").read_bytes()
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    for content, first in ((chain, 1), (parameters + chain, 2)):
        with pytest.raises(Refused) as caught:
            parse_public_key(content)
        assert [key.hint for key in caught.value.choices] == [
            f"block {first}: certificate", f"block {first + 1}: certificate",
        ]  # fmt: skip


def test_key_that_a_service_binds_to_rs256_is_not_said_to_sign_with_another() -> None:
    form = (FOLDER / "google_kms_pkcs1.json").read_bytes()
    notes = " ".join(KeyPolicy().accept(parse_public_key(form)).notes)
    assert notes == (
        "Google Cloud KMS signs with this key only as RS256. This portal does not allow RS256."
        " Create a key for PS256 there, and add that one."
    )
    legacy = " ".join(KeyPolicy(allow_legacy=True).accept(parse_public_key(form)).notes)
    assert legacy == "Google Cloud KMS signs with this key only as RS256."
