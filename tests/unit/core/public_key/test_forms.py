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
