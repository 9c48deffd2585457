"""GET /clients/<client_id>/keys/<kid>/snippets/: programs that sign in with the key."""

from __future__ import annotations

import html
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import Settings

from portal.core.algorithms import ALGORITHMS
from portal.registry.actions import revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from portal.web.keys.file_names import files_of
from portal.web.keys.key_stores import FILE
from portal.web.keys.snippets import LANGUAGES, signers_of, snippet
from tests.db.pages import text_of
from tests.keys import new_private_key, public_pem
from tests.paths import client_path, key_path
from tests.registering import register_pem

OF_THE_KEY = [language.name for language in signers_of("EdDSA")]
"""What signs with the key of the tests."""


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("bob", 404), ("viewer", 200), ("dev", 200), ("admin", 200)],
)
def test_who_may_see_it(ask: Any, paths: SimpleNamespace, who: str | None, status: int) -> None:
    assert ask(who, "get", paths.key_snippets).status_code == status


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, paths.key_snippets).status_code == 405


@pytest.mark.parametrize("language", ["", "cobol", "Python", "../shell", "shell.txt"])
def test_a_language_that_is_not_there_is_404(
    ask: Any, paths: SimpleNamespace, language: str
) -> None:
    assert ask("dev", "get", f"{paths.key_snippets}?language={language}").status_code == 404


def test_a_key_of_another_client_is_404(ask: Any, other: Client, key: ClientKey) -> None:
    path = f"{client_path(other)}keys/{key.kid}/snippets/"
    assert ask("bob", "get", path).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_a_tab_that_says_it_is_the_one(
    ask: Any, paths: SimpleNamespace, language: str
) -> None:
    text = text_of(ask("viewer", "get", f"{paths.key_snippets}?language={language}"))
    assert text.count('aria-current="page"') == 1
    assert f'id="language-{language}" aria-current="page"' in text
    for each in LANGUAGES:
        assert f'href="{paths.key_snippets}?language={each}"' in text


def test_without_a_language_it_is_the_first(ask: Any, paths: SimpleNamespace) -> None:
    text = text_of(ask("viewer", "get", paths.key_snippets))
    assert 'id="language-python" aria-current="page"' in text


@pytest.mark.parametrize("language", OF_THE_KEY)
def test_the_program_can_be_copied_and_has_the_values_of_this_client(
    ask: Any, paths: SimpleNamespace, key: ClientKey, settings: Settings, language: str
) -> None:
    text = text_of(ask("viewer", "get", f"{paths.key_snippets}?language={language}"))
    code = files_of(key).put_into(snippet(LANGUAGES[language], key).code)
    assert f'data-copy="{html.escape(code)}"' in text
    for value in (
        f'"{key.client.client_id}"',
        f'"{key.kid}"',
        f'"{settings.PUBLIC_URL}"',
        f'"{settings.PUBLIC_URL}/api/oauth2/token"',
        "client-authentication+jwt",
        "120",
    ):
        assert value in code
    assert (files_of(key).private in code) == (LANGUAGES[language].store == FILE)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_gives_a_program_or_says_who_can(
    ask: Any, payments: Client, cast: SimpleNamespace, settings: Settings, alg: str
) -> None:
    settings.ALLOW_LEGACY_ALGORITHMS = True
    key = register_pem(
        payments, material=public_pem(new_private_key(alg)), alg=alg, label=alg, by=cast.dev
    )
    can = signers_of(alg)
    assert can
    for language in LANGUAGES:
        text = text_of(ask("dev", "get", f"{key_path(key)}snippets/?language={language}"))
        if LANGUAGES[language] in can:
            code = snippet(LANGUAGES[language], key).code
            assert code
            assert not {"{{", "{%", "%}", "}}"} & set(code.split())
            assert "cannot sign with" not in text
        else:
            assert f"cannot sign with {alg}." in text
            for each in can:
                assert f">{each.title} with {each.library}</a>" in text


@pytest.mark.parametrize("unsafe", ['"', "'", "$(id)", "`id`", "\\", "a b", "é", "a\n", "{{x}}"])
def test_a_value_that_is_more_than_text_in_a_program_is_refused(
    key: ClientKey, settings: Settings, unsafe: str
) -> None:
    settings.PUBLIC_URL = f"https://{unsafe}"
    for language in signers_of(key.alg):
        with pytest.raises(ValueError, match="not safe in a program"):
            snippet(language, key)


def test_htmx_gets_the_tabs_and_the_program_only(ask: Any, paths: SimpleNamespace) -> None:
    response = ask("dev", "get", f"{paths.key_snippets}?language=go", htmx=True)
    assert text_of(response).lstrip().startswith('<div id="snippet"')
    assert response["Vary"] == "HX-Request, Cookie"


def test_a_key_that_is_not_live_is_said_to_be_refused(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    assert "refuses these programs" not in text_of(ask("dev", "get", paths.key_snippets))
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    assert "refuses these programs" in text_of(ask("dev", "get", paths.key_snippets))


def test_the_key_page_and_the_settings_page_lead_to_it(ask: Any, paths: SimpleNamespace) -> None:
    for path in (paths.key, paths.client):
        assert f'href="{paths.key_snippets}"' in text_of(ask("viewer", "get", path))


SENT = {
    "python": '"client_id": CLIENT_ID',
    "authlib": "client_id=CLIENT_ID",
    "node": "client_id: clientId",
    "go": '"client_id":             {clientID}',
    "java": '"client_id", CLIENT_ID',
    "csharp": '["client_id"] = clientId',
    "shell": '--data "client_id=$client_id"',
}


@pytest.mark.parametrize("language", OF_THE_KEY)
def test_each_program_sends_its_client_id(key: ClientKey, language: str) -> None:
    """So that the reference of a request that cannot be read leads to its page all the same."""
    sent = SENT[LANGUAGES[language].template.removesuffix(".txt")]
    assert sent in snippet(LANGUAGES[language], key).code
