"""Other people's OAuth clients get tokens from us, as we are really served.

Authlib, and PyJWT with requests, do so in `test_snippets`, by the programs that the pages show.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc.jwk import ECKey

from portal.accounts.models import User
from portal.core.assertion import EXPLANATIONS
from portal.core.reasons import Reason
from portal.registry.actions import confirm_key, revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import AccessToken, Client, RedeemedAssertion, RefusedRequest
from tests.assertions import claims_of, form_of, sign
from tests.interop.conftest import FOLDER, Pair, Register
from tests.interop.peers import pkcs8
from tests.interop.served import Served
from tests.waiting import PATIENCE_S

REPLAYS = 50


def openid_client(served: Served, pair: Pair, alg: str) -> dict[str, Any]:
    """Let openid-client get a token, look at it and take it back; return what it was told."""
    return node(
        "openid_client.mjs",
        issuer=served.url,
        client_id=pair.key.client.client_id,
        pem=pkcs8(pair.private).decode("ascii"),
        alg=alg,
        kid=pair.kid,
    )


def node(program: str, **asked: Any) -> dict[str, Any]:
    """Run a program of this folder with what is asked as JSON; return what it was told."""
    path = Path(sys.executable).with_name("node")
    command = [str(path), "--no-warnings", program, json.dumps(asked)]
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.usefixtures("_node_modules")
@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA", "Ed25519"])
def test_openid_client_gets_looks_at_and_takes_back_a_token(
    alg: str, client: Client, register: Register, served: Served
) -> None:
    told = openid_client(served, register(client, alg), alg)
    assert told["tokens"]["expires_in"] == 900
    assert told["before"]["active"] is True
    assert told["before"]["client_id"] == client.client_id
    assert told["before"]["scope"] == "read"
    assert told["after"] == {"active": False}


@pytest.mark.usefixtures("_node_modules")
def test_openid_client_is_refused_with_a_key_that_was_revoked_a_moment_ago(
    client: Client, person: User, register: Register, served: Served
) -> None:
    pair = register(client, "ES256")
    assert "tokens" in openid_client(served, pair, "ES256")
    revoke_key(pair.key, reason=RevocationReason.COMPROMISED, by=person)
    told = openid_client(served, pair, "ES256")
    assert (told["status"], told["error"]) == (401, "invalid_client")
    assert RefusedRequest.objects.get(client=client).reference in told["description"]


@pytest.mark.usefixtures("_node_modules")
def test_openid_client_5_needs_one_setting_for_its_audience(
    client: Client, register: Register, served: Served
) -> None:
    pair = register(client, "ES256")
    told = node(
        "openid_client_5.mjs",
        issuer=served.url,
        client_id=client.client_id,
        jwk={**ECKey.import_key(pkcs8(pair.private)).as_dict(private=True), "kid": pair.kid},
        alg="ES256",
    )
    assert told["plain"]["error"] == "invalid_client"
    refused = RefusedRequest.objects.get(client=client)
    assert (refused.reason, refused.key) == ("aud_array", pair.key)
    assert "clientAssertionPayload: { aud: issuer }" in EXPLANATIONS[Reason.AUD_ARRAY].fix
    assert told["told"]["access_token"]


def test_of_many_replays_to_both_workers_exactly_one_wins(
    client: Client, register: Register, served: Served
) -> None:
    pair = register(client, "ES256")
    # Its first use would do that, in Django.
    confirm_key(pair.key, by=pair.key)
    form = form_of(
        sign(pair.private, "ES256", claims_of(client.client_id, served.url), kid=pair.kid)
    )

    def ask(_number: int) -> int:
        return requests.post(
            f"{served.url}/api/oauth2/token", data=form, timeout=PATIENCE_S
        ).status_code

    with ThreadPoolExecutor(REPLAYS) as pool:
        answers = sorted(pool.map(ask, range(REPLAYS)))
    assert answers == [200] + [401] * (REPLAYS - 1)
    assert RedeemedAssertion.objects.filter(client=client).count() == 1
    assert AccessToken.objects.filter(application=client).count() == 1
