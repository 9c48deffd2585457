"""Every form in which people have a public key, wherever a page takes one or may be given one.

One test goes through many forms, as to set a test up takes longer than its requests. What a form
writes is rolled back before the next.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse

from portal.core.key_policy.policy import KeyPolicy
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import NOT_SHOWN_AGAIN, Refused
from portal.registry.models import BlockedKey, Client, ClientKey
from tests.cases.read_forms import FORMS, Form
from tests.db.pages import text_of

# Once is enough, and then on the database of production.
pytestmark = pytest.mark.postgresql


@pytest.fixture(autouse=True)
def _no_limits(settings: Any) -> None:
    """One person sends all of them."""
    limits = dict.fromkeys(("key_inspect", "key_upload", "debugger"), "9999/1h/user")
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, **limits}


def text_in(form: Form) -> str:
    """Return the text, or nothing when a field for text could not hold it."""
    try:
        text = form.content.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def first_of_each(kind: Callable[[Form], object], forms: Iterable[Form]) -> list[Form]:
    """Return the first form of each kind."""
    return list({kind(form): form for form in reversed(list(forms))}.values())


def kind_of(form: Form) -> object:
    """Return what a page makes a difference by: the outcome, and what comes with it."""
    return form.outcome, bool(text_in(form)), bool(form.choices), bool(form.leaked)


TEXTS = first_of_each(lambda form: (form.says, form.outcome), FORMS)
KINDS = first_of_each(kind_of, FORMS)


def some_or_all(some: Sequence[Form]) -> pytest.MarkDecorator:
    """Give a test some of the forms, and in `make test-all` all of them.

    Some are enough, as a page reads no form itself: `tests/unit/core/public_key/test_forms.py`
    holds what is read from each, and a page can differ only by what comes of that.
    """
    return pytest.mark.parametrize(
        "forms",
        [
            pytest.param(some, id="of each kind"),
            pytest.param(FORMS, id="all", marks=pytest.mark.exhaustive),
        ],
    )


def go_through(forms: Sequence[Form], check: Callable[[Form], None]) -> None:
    """Check each form, and fail with all that are wrong."""
    wrong = []
    for form in forms:
        start = transaction.savepoint()  # no atomic block: verbs want to be the outermost one
        try:
            check(form)
        except AssertionError as problem:
            wrong.append(f"{form.file}: {str(problem)[:300]}")
        transaction.savepoint_rollback(start)
    assert not wrong, "\n".join(wrong)


def pasted(form: Form) -> dict[str, Any]:
    """Return what a browser sends for it: the text, or the file when it is none."""
    text = text_in(form)
    return {"material": text} if text else {"file": SimpleUploadedFile(form.file, form.content)}


def said(response: Any) -> str:
    """Return the page as somebody reads it."""
    return html.unescape(text_of(response))


def check_secrets(page: str, form: Form) -> None:
    """Check that nothing private is shown again, and that what leaked is blocked."""
    longest = max(form.content.decode("latin-1").split(), key=len, default="")
    if form.outcome in NOT_SHOWN_AGAIN and len(longest) >= 20:
        assert longest not in page
    assert set(form.leaked) <= set(BlockedKey.objects.values_list("spki_sha256", flat=True))


@some_or_all(TEXTS)
def test_inspection(
    ask: Any, paths: SimpleNamespace, payments: Client, forms: Sequence[Form]
) -> None:
    before = payments.keys.count()

    def check(form: Form) -> None:
        page = said(ask("dev", "post", paths.key_inspect, pasted(form), htmx=True))
        assert [words for words in form.says if words not in page] == []
        assert ("Its kid" in page) == (form.outcome == "accepted")
        assert page.count('name="choice"') == len(form.choices)
        check_secrets(page, form)
        assert payments.keys.count() == before

    go_through(forms, check)


@some_or_all(KINDS)
def test_form(ask: Any, paths: SimpleNamespace, payments: Client, forms: Sequence[Form]) -> None:
    def check(form: Form) -> None:
        alg = "ES256"
        if form.outcome == "accepted":
            alg = KeyPolicy().accept(parse_public_key(form.content)).algorithms[0].name
        entered = pasted(form) | {"alg": alg, "label": form.file}
        response = ask("dev", "post", paths.key_register, entered)
        page = said(response)
        registered = ClientKey.objects.filter(client=payments, label=form.file)
        found = [key.spki_sha256 for key in registered]
        assert found == ([form.spki_sha256] if form.outcome == "accepted" else [])
        assert response.status_code == (302 if found else 422)
        assert [words for words in form.says if words not in page and not found] == []
        check_secrets(page, form)

    go_through(forms, check)


@some_or_all(KINDS)
def test_confirmation(ask: Any, key: ClientKey, forms: Sequence[Form]) -> None:
    """Nothing that is no signature confirms a key, and what it is instead is said."""
    path = reverse("key_confirmation", args=[key.client.client_id, key.kid])

    def check(form: Form) -> None:
        page = said(ask("dev", "post", path, {"assertion": text_in(form)}))
        key.refresh_from_db()
        assert key.confirmed_at is None
        if not text_in(form):
            return
        check_secrets(page, form)
        if form.outcome == "private_key":
            assert "This contains a private key." in page
        if form.outcome == "accepted" or form.choices:
            assert "This is a public key." in page

    go_through(forms, check)


@some_or_all(KINDS)
def test_debugger(ask: Any, payments: Client, forms: Sequence[Form]) -> None:
    path = reverse("assertion_debugger", args=[payments.client_id])

    def check(form: Form) -> None:
        response = ask("dev", "post", path, {"paste": text_in(form)})
        page = said(response)
        assert response.status_code in {200, 422}
        assert "Every check passes" not in page
        if not text_in(form):
            return
        check_secrets(page, form)
        if form.outcome == "private_key":
            assert "This contains a private key." in page
        if form.outcome == "accepted" or form.choices:
            said_so = ("This is a public key.", "These are public keys.", "This is a certificate.")
            assert any(words in page for words in said_so)

    go_through(forms, check)


def test_one_of_several_is_chosen(ask: Any, paths: SimpleNamespace, payments: Client) -> None:
    """Without JavaScript too: the radio buttons stand in the form, and Add sends the choice."""

    def check(form: Form) -> None:
        keys = [parse_public_key(form.content, choice=kid) for kid in kids_of(form)]
        chosen = keys[-1]
        entered = pasted(form) | {"choice": chosen.thumbprint}
        page = said(ask("dev", "post", paths.key_inspect, entered))
        assert f'value="{chosen.thumbprint}"' in page
        assert "checked" in page
        assert page.count('name="choice"') == len(form.choices)
        alg = KeyPolicy().accept(chosen).algorithms[0].name
        entered = pasted(form) | {"choice": chosen.thumbprint, "alg": alg, "label": form.file}
        assert ask("dev", "post", paths.key_register, entered).status_code == 302
        registered = payments.keys.get(label=form.file)
        assert registered.spki_sha256 == form.choices[-1]

    go_through([form for form in FORMS if form.choices], check)


def kids_of(form: Form) -> list[str]:
    """Return the kids of the keys to choose from."""
    try:
        parse_public_key(form.content)
    except Refused as refused:
        return [key.thumbprint for key in refused.choices]
    return []
