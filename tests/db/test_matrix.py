"""Who may do what: every route, asked by everybody with every method.

The answers are literal, so a new route without rules fails, and so does a rule that changes. Each
request sends an empty form; other tests show what the forms do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Final
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.utils import timezone

from portal.accounts.models import Tries, User
from portal.notices.addresses import token_of
from portal.notices.models import AskedAddress
from portal.registry.actions import (
    ask_member,
    begin_replacement,
    draft_rule,
    exempt_client,
    make_calendar_feed,
    prepare_job,
    save_rule,
)
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.choices import Role, Verb
from portal.registry.models import Client, ClientKey, Verifier
from portal.webhooks.actions import add_webhook, send_test
from tests.db.oauth.token_requests import FORM, Signer
from tests.db.routes import routes
from tests.sessions import sign_in

ROLES: Final = ("nobody", "machine", "stranger", "bob", "viewer", "dev", "admin", "alice")
"""Nobody is signed in; a client sends its assertion; a person without a client; the owner of
another client; a viewer and a developer of this client; an admin; the owner of this client."""
SIGNED_IN: Final = ROLES[2:]

# Last what may change something.
METHODS: Final = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "POST")

ANSWERS: Final[dict[str, tuple[str, ...]]] = {
    # nobody machine stranger bob viewer dev admin alice
    "healthz": (
        "200 200 200 200 200 200 200 200  GET HEAD",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
        "204 204 204 204 204 204 204 204  OPTIONS",
    ),
    "readyz": (
        "200 200 200 200 200 200 200 200  GET HEAD",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
        "204 204 204 204 204 204 204 204  OPTIONS",
    ),
    "clients/<str:client_id>/jwks.json": (
        "200 200 200 200 200 200 200 200  GET HEAD",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
        "204 204 204 204 204 204 204 204  OPTIONS",
    ),
    "clients/<str:client_id>/jwks-extended.json": (
        "200 200 200 200 200 200 200 200  GET HEAD",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
        "204 204 204 204 204 204 204 204  OPTIONS",
    ),
    ".well-known/oauth-authorization-server": (
        "200 200 200 200 200 200 200 200  GET HEAD",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
        "204 204 204 204 204 204 204 204  OPTIONS",
    ),
    ".well-known/security.txt": (
        "404 404 404 404 404 404 404 404  GET HEAD",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
        "204 204 204 204 204 204 204 204  OPTIONS",
    ),
    "portal/jwks.json": (
        "200 200 200 200 200 200 200 200  GET HEAD",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
        "204 204 204 204 204 204 204 204  OPTIONS",
    ),
    # Alice's own client has an address with this secret.
    "calendars/<str:secret>.ics": (
        "200 200 200 200 200 200 200 200  GET HEAD",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
        "204 204 204 204 204 204 204 204  OPTIONS",
    ),
    "ledger/checkpoint": (
        "404 404 404 404 404 404 404 404  GET HEAD",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
        "204 204 204 204 204 204 204 204  OPTIONS",
    ),
    "api/oauth2/authorize": (
        "302 302 400 400 400 400 400 400  GET HEAD POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "api/oauth2/token": (
        "405 405 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "400 200 400 400 400 400 400 400  POST",
    ),
    "api/oauth2/introspect": (
        "405 405 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "400 400 400 400 400 400 400 400  POST",
    ),
    "api/oauth2/revoke": (
        "405 405 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "400 400 400 400 400 400 400 400  POST",
    ),
    "account/notices/": (
        "302 302 200 200 200 200 200 200  GET HEAD",
        "302 302 302 302 302 302 302 302  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    # Anyone who has the link reads the e-mail of the address.
    "account/notices/<str:token>/agreement/": (
        "200 200 200 200 200 200 200 200  GET HEAD POST",
        "405 405 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "account/notices/<str:token>/stop/": (
        "200 200 200 200 200 200 200 200  GET HEAD POST",
        "405 405 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "account/notices/<str:token>/silence/": (
        "200 200 200 200 200 200 200 200  GET HEAD POST",
        "405 405 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "account/login/": (
        "200 200 302 302 302 302 302 302  GET HEAD POST PUT OPTIONS",
        "405 405 302 302 302 302 302 302  PATCH DELETE",
    ),
    "account/logout/": (
        "302 302 200 200 200 200 200 200  GET HEAD",
        "302 302 302 302 302 302 302 302  POST",
        "405 405 405 405 405 405 405 405  PUT PATCH DELETE",
        "200 200 200 200 200 200 200 200  OPTIONS",
    ),
    "account/inactive/": (
        "200 200 200 200 200 200 200 200  GET HEAD OPTIONS",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
    ),
    "account/signup/": (
        "200 200 302 302 302 302 302 302  GET HEAD POST PUT OPTIONS",
        "405 405 302 302 302 302 302 302  PATCH DELETE",
    ),
    "account/reauthenticate/": (
        "302 302 200 200 200 200 200 200  GET HEAD POST PUT OPTIONS",
        "302 302 405 405 405 405 405 405  PATCH DELETE",
    ),
    "account/email/": (
        "302 302 200 200 200 200 200 200  GET HEAD OPTIONS",
        "302 302 302 302 302 302 302 302  POST PUT",
        "302 302 405 405 405 405 405 405  PATCH DELETE",
    ),
    "account/signup/confirm/": (
        "302 302 302 302 302 302 302 302  GET HEAD POST",
        "405 405 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "account/confirm-email/": (
        "302 302 302 302 302 302 302 302  GET HEAD POST PUT PATCH DELETE OPTIONS",
    ),
    "account/password/change/": (
        "302 302 200 200 200 200 200 200  GET HEAD POST PUT OPTIONS",
        "302 302 405 405 405 405 405 405  PATCH DELETE",
    ),
    "account/password/set/": (
        "302 302 302 302 302 302 302 302  GET HEAD POST PUT PATCH DELETE OPTIONS",
    ),
    "account/password/reset/": (
        "200 200 200 200 200 200 200 200  GET HEAD POST PUT OPTIONS",
        "405 405 405 405 405 405 405 405  PATCH DELETE",
    ),
    "account/password/reset/done/": (
        "200 200 200 200 200 200 200 200  GET HEAD OPTIONS",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
    ),
    "account/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/": (
        "200 200 200 200 200 200 200 200  GET HEAD POST PUT PATCH DELETE OPTIONS",
    ),
    "account/password/reset/key/done/": (
        "200 200 200 200 200 200 200 200  GET HEAD OPTIONS",
        "405 405 405 405 405 405 405 405  POST PUT PATCH DELETE",
    ),
    "console/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 405 404  POST PUT PATCH DELETE OPTIONS",
    ),
    "console/keys/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/keys/export": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 405 404  POST PUT PATCH DELETE OPTIONS",
    ),
    "console/keys/revocation": (
        "302 302 404 404 404 404 302 404  GET HEAD POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/keys/job": (
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/clients/job": (
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/jobs/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 405 404  POST PUT PATCH DELETE OPTIONS",
    ),
    "console/jobs/retry": (
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/jobs/<row:number>": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/jobs/<row:number>/cancellation": (
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/clients/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 405 404  POST PUT PATCH DELETE OPTIONS",
    ),
    "console/clients/<client_id:client_id>/rights": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/clients/<client_id:client_id>/suspension": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/clients/<client_id:client_id>/resumption": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/clients/<client_id:client_id>/owner": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/policy/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 405 404  POST PUT PATCH DELETE OPTIONS",
    ),
    "console/policy/new": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    # The rule is saved already.
    "console/policy/<row:rule_id>": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/policy/<row:rule_id>/end": (
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/policy/<row:rule_id>/exemptions": (
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/policy/exemptions/<row:exemption_id>/end": (
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/events/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 405 404  POST PUT PATCH DELETE OPTIONS",
    ),
    "console/events/export": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 405 404  POST PUT PATCH DELETE OPTIONS",
    ),
    "console/refused/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 405 404  POST PUT PATCH DELETE OPTIONS",
    ),
    "console/verifiers/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/verifiers/<row:verifier>": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/blocked/": (
        "302 302 404 404 404 404 200 404  GET HEAD POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/blocked/<sha256:spki_sha256>": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "": (
        "302 302 302 302 302 302 302 302  GET HEAD",
        "302 302 405 405 405 405 405 405  POST PUT PATCH DELETE OPTIONS",
    ),
    "clients/": (
        "302 302 200 200 200 200 200 200  GET HEAD",
        "302 302 405 405 405 405 405 405  POST PUT PATCH DELETE OPTIONS",
    ),
    "clients/new/": (
        "302 302 200 200 200 200 200 200  GET HEAD",
        "302 302 422 422 422 422 422 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/": (
        "302 302 404 404 200 200 200 200  GET HEAD",
        "302 302 405 405 405 405 405 405  POST PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>": (
        "302 302 302 302 302 302 302 302  GET HEAD POST PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/edit/": (
        "302 302 404 404 403 403 403 200  GET HEAD",
        "302 302 404 404 403 403 403 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    # Alice's own client has a key, so it is not deleted.
    "clients/<client_id:client_id>/deletion/": (
        "302 302 404 404 403 403 403 200  GET HEAD",
        "302 302 404 404 403 403 403 302  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/calendar/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 302 403 302  POST",
    ),
    "clients/<client_id:client_id>/calendar/revocation/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 302 403 302  POST",
    ),
    "clients/<client_id:client_id>/archive/": (
        "302 302 404 404 403 403 403 200  GET HEAD",
        "302 302 404 404 403 403 403 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/archive/withdrawal/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 403 403 302  POST",
    ),
    # Developers see webhooks and try them; only owners change them.
    "clients/<client_id:client_id>/webhooks/": (
        "302 302 404 404 403 200 403 200  GET HEAD",
        "302 302 404 404 403 403 403 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/webhooks/<row:webhook>/": (
        "302 302 404 404 403 200 403 200  GET HEAD",
        "302 302 404 404 403 403 403 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/webhooks/<row:webhook>/test/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 302 403 302  POST",
    ),
    "clients/<client_id:client_id>/webhooks/<row:webhook>/deliveries/<row:delivery>/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 302 403 302  POST",
    ),
    "clients/<client_id:client_id>/webhooks/<row:webhook>/switch/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 403 403 302  POST",
    ),
    "clients/<client_id:client_id>/webhooks/<row:webhook>/secret/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 403 403 200  POST",
    ),
    "clients/<client_id:client_id>/webhooks/<row:webhook>/removal/": (
        "302 302 404 404 403 403 403 200  GET HEAD",
        "302 302 404 404 403 403 403 302  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "console/webhooks/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/webhooks/<row:webhook>/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 422 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "console/webhooks/<row:webhook>/test/": (
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/webhooks/<row:webhook>/switch/": (
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/webhooks/<row:webhook>/secret/": (
        "302 302 404 404 404 404 200 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/webhooks/<row:webhook>/deliveries/<row:delivery>/": (
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  GET HEAD PUT PATCH DELETE OPTIONS",
    ),
    "console/webhooks/<row:webhook>/removal/": (
        "302 302 404 404 404 404 200 404  GET HEAD",
        "302 302 404 404 404 404 302 404  POST",
        "302 302 404 404 404 404 405 404  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/team/": (
        "302 302 404 404 200 200 200 200  GET HEAD",
        "302 302 404 404 403 403 403 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/team/pending/<row:pending>/withdrawal/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 403 403 302  POST",
    ),
    # The stranger is asked to join.
    "memberships/<row:pending>/acceptance/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 302 404 404 404 404 404  POST",
    ),
    "memberships/<row:pending>/refusal/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 302 404 404 404 404 404  POST",
    ),
    "clients/<client_id:client_id>/team/<row:row>/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 403 403 302  POST",
    ),
    "clients/<client_id:client_id>/team/<row:row>/removal/": (
        "302 302 404 404 403 403 403 200  GET HEAD",
        "302 302 404 404 403 403 403 302  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/assertions/": (
        "302 302 404 404 200 200 200 200  GET HEAD",
        "302 302 404 404 422 422 422 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/timeline/": (
        "302 302 404 404 200 200 200 200  GET HEAD",
        "302 302 405 405 405 405 405 405  POST PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/token-requests/": (
        "302 302 404 404 200 200 200 200  GET HEAD",
        "302 302 405 405 405 405 405 405  POST PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/token-requests/<reference:reference>/": (
        "302 302 404 404 200 200 200 200  GET HEAD",
        "302 302 405 405 405 405 405 405  POST PUT PATCH DELETE OPTIONS",
    ),
    "token-requests/<reference:reference>/": (
        "302 302 404 404 302 302 302 302  GET HEAD",
        "302 302 405 405 405 405 405 405  POST PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/keys/": (
        "302 302 404 404 302 302 302 302  GET HEAD",
        "302 302 404 404 403 422 403 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/keys/inspection/": (
        "302 302 404 404 302 302 302 302  GET HEAD",
        "302 302 404 404 403 200 403 200  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/": (
        "302 302 404 404 200 200 200 200  GET HEAD",
        "302 302 405 405 405 405 405 405  POST PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/edit/": (
        "302 302 404 404 403 200 403 200  GET HEAD",
        "302 302 404 404 403 422 403 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/snippets/": (
        "302 302 404 404 200 200 200 200  GET HEAD",
        "302 302 405 405 405 405 405 405  POST PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/confirmation/": (
        "302 302 404 404 403 200 403 200  GET HEAD",
        "302 302 404 404 403 422 403 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/replacement/": (
        "302 302 404 404 200 200 200 200  GET HEAD",
        "302 302 404 404 403 302 403 302  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    # The key is being replaced.
    "clients/<client_id:client_id>/keys/<kid:kid>/replacement/successor/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 302 403 302  POST",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/replacement/retirement/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 422 403 422  POST",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/replacement/withdrawal/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 302 403 302  POST",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/retirement/": (
        "302 302 404 404 403 200 403 200  GET HEAD",
        "302 302 404 404 403 422 403 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/retirement/withdrawal/": (
        "302 302 405 405 405 405 405 405  GET HEAD PUT PATCH DELETE OPTIONS",
        "302 302 404 404 403 302 403 302  POST",
    ),
    "clients/<client_id:client_id>/keys/<kid:kid>/revocation/": (
        "302 302 404 404 403 200 200 200  GET HEAD",
        "302 302 404 404 403 422 422 422  POST",
        "302 302 405 405 405 405 405 405  PUT PATCH DELETE OPTIONS",
    ),
}
FOR_MACHINES: Final = {"token", "introspect", "revoke", "notices_stop"}
"""Endpoints without cookies, so they need no CSRF token. A mail program posts to the last one."""


def expected(route: str) -> dict[tuple[str, str], int]:
    """Return the status for each role and method."""
    found = {}
    for row in ANSWERS[route]:
        words = row.split()
        for method in words[len(ROLES) :]:
            for role, status in zip(ROLES, words, strict=False):
                found[role, method] = int(status)
    return found


@pytest.fixture
def arguments(
    payments: Client, key: ClientKey, signer: Signer, cast: SimpleNamespace
) -> dict[str, str]:
    """The parts of the paths."""
    refused = signer.ask(scope="nothing").json()
    begin_replacement(key, by=cast.alice)
    guest = User.objects.create_user("guest@example.com")
    pending = ask_member(payments, email="stranger@example.com", role=Role.VIEWER, by=cast.alice)
    asked = AskedAddress.objects.create(
        client=payments, email="team@example.com", purpose="contact", asked_at=timezone.now()
    )
    webhook, _ = add_webhook(
        payments,
        url="https://receiver.example/",
        types=["key.blocked"],
        has_secret=True,
        by=cast.alice,
        now=timezone.now(),
    )
    job = prepare_job(Verb.REVOKE_KEY, [key.pk], filters="q=x", by=cast.admin)
    values = RuleValues("A year", timezone.now(), longest_days=365)
    rule = save_rule(draft_rule(values, by=cast.admin), by=cast.admin)
    exemption = exempt_client(
        rule, payments, note="x", until=timezone.now() + timedelta(days=1), by=cast.admin
    )
    return {
        "client_id": payments.client_id,
        "kid": key.kid,
        # Of nobody who asks: a member may end their own membership.
        "row": str(payments.memberships.create(user=guest, role=Role.VIEWER).pk),
        "pending": str(pending.pk),
        "reference": refused["error_uri"].rstrip("/").rpartition("/")[2],
        "spki_sha256": key.spki_sha256,
        "uidb36": "1",
        "key": "set-password",
        "number": str(job.pk),
        "rule_id": str(rule.pk),
        "exemption_id": str(exemption.pk),
        "token": token_of(asked),
        "verifier": str(Verifier.objects.create(name="Ours").pk),
        "secret": make_calendar_feed(payments, by=cast.dev),
        "webhook": str(webhook.pk),
        "delivery": str(send_test(webhook, now=timezone.now()).pk),
    }


def path_of(route: str, arguments: dict[str, str]) -> str:
    """Return the path of a route, whose parts are like `<kid:kid>` or `(?P<key>.+)`."""
    part = re.compile(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>")
    return "/" + part.sub(lambda found: arguments[found[1] or found[2]], route)


def test_every_route_has_its_rules() -> None:
    assert set(routes()) == set(ANSWERS)


ASKED_BY_ALL: Final = ("GET", "POST")
NOT_BY_FEW: Final = {
    ("nobody", "HEAD"),
    ("bob", "HEAD"),
    *((role, method) for role in ROLES for method in ("PUT", "PATCH")),
}
"""Not sent in `make test`: the list of methods that refuses DELETE refuses PUT and PATCH. The view
of GET answers HEAD: an admin, for whom every page of the console exists, sends it everywhere."""
FEW: Final = ("nobody", "bob", "admin")
"""Who sends the other methods in `make test`. They are refused before anybody looks at the client
and the role, so whether somebody is signed in and is an admin makes all the difference."""


@pytest.mark.parametrize(
    "others", [FEW, pytest.param(ROLES, marks=pytest.mark.exhaustive)], ids=["few", "all"]
)
def test_everybody_gets_the_answer_that_is_written_here(
    others: Sequence[str], arguments: dict[str, str], signer: Signer, cast: SimpleNamespace
) -> None:
    wrong = {}
    for route in ANSWERS:
        # Each route is asked in the same state: what a request changes is rolled back.
        before = transaction.savepoint()
        answers = ask_all(path_of(route, arguments), others, signer, cast)
        transaction.savepoint_rollback(before)
        rules = expected(route)
        found = {each: status for each, status in answers.items() if status != rules[each]}
        if found:
            wrong[route] = found
    assert not wrong


def ask_all(
    path: str, others: Sequence[str], signer: Signer, cast: SimpleNamespace
) -> dict[tuple[str, str], int]:
    """Return the status for each role and method, of those that are sent."""
    answers: dict[tuple[str, str], int] = {}
    for role in ROLES:
        browser = Browser()
        if role in SIGNED_IN:
            sign_in(browser, getattr(cast, role))
        for method in METHODS:
            if method not in ASKED_BY_ALL and role not in others:
                continue
            if (role, method) in NOT_BY_FEW and others is FEW:
                continue
            if role == "machine" and method == "GET":
                answers[role, method] = answers["nobody", method]  # the same request
                continue
            if method == "POST":
                Tries.objects.all().delete()
            form = signer.form() if (role, method) == ("machine", "POST") else {}
            response = browser.generic(method, path, urlencode(form), FORM)
            answers[role, method] = response.status_code
    return answers


@pytest.mark.sqlite
def test_a_walk_through_all_that_there_is(arguments: dict[str, str], cast: SimpleNamespace) -> None:
    """What a database makes of each page, on SQLite too."""
    for role in ("admin", "alice"):
        browser = Browser()
        sign_in(browser, getattr(cast, role))
        for route in ANSWERS:
            status = browser.get(path_of(route, arguments)).status_code
            assert status == expected(route)[role, "GET"], route


def test_htmx_gets_a_notice_when_the_session_has_ended(arguments: dict[str, str]) -> None:
    """Instead of a redirect to the page to sign in, which would take the place of a form."""
    browser = Browser(headers={"HX-Request": "true"})
    for route in ANSWERS:
        for method in ("GET", "POST"):
            response = browser.generic(method, path_of(route, arguments))
            if route.startswith(("clients/<client_id", "clients/new", "console/")):
                assert (response.status_code, response["Portal-Notice"]) == (403, "error"), route


def test_nothing_is_posted_without_a_csrf_token(
    arguments: dict[str, str], cast: SimpleNamespace
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    sign_in(browser, cast.alice)
    for route in ANSWERS:
        status = browser.post(path_of(route, arguments)).status_code
        if expected(route)["alice", "POST"] in {404, 405}:
            assert status in {403, 404, 405}, route
        else:
            assert (status == 403) == (routes()[route].name not in FOR_MACHINES), route


WHO: Final = {
    "user": set(SIGNED_IN),
    "member": {"viewer", "dev", "admin", "alice"},
    "developer": {"dev", "alice"},
    "developer, admin": {"dev", "alice", "admin"},
    "owner": {"alice"},
    "owner, that member": {"alice"},
    "the person asked": {"stranger"},
    "admin": {"admin"},
}
"""The words of docs/endpoints.md."""


def documented() -> dict[tuple[str, str], str]:
    """Return who may use each path by each method, as docs/endpoints.md says."""
    text = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text("utf-8")
    rows = re.findall(r"(?m)^\| ([A-Z, ]+) \| `(/.*?)` \| (.*?) \| \S.* \|$", text)
    return {(path, method): who for methods, path, who in rows for method in methods.split(", ")}


PARTS: Final = (
    "client_id",
    "kid",
    "row",
    "pending",
    "reference",
    "spki_sha256",
    "uidb36",
    "key",
    "number",
    "secret",
    "rule_id",
    "exemption_id",
    "token",
    "verifier",
    "webhook",
    "delivery",
)


def named(route: str) -> str:
    """Return the path of a route with the names of its parts, as documents write it."""
    return path_of(route, {name: f"{{{name}}}" for name in PARTS})


def test_the_reference_has_exactly_the_routes_and_their_methods() -> None:
    taken = {
        (named(route), method)
        for route in ANSWERS
        for method in ("GET", "POST")
        if {expected(route)[role, method] for role in SIGNED_IN} - {404, 405}
        or expected(route)["nobody", method] == 404 != expected(route)["nobody", "PUT"]
    }
    assert set(documented()) == taken


@pytest.mark.parametrize("route", ANSWERS)
def test_the_reference_says_who_may(route: str) -> None:
    for method in ("GET", "POST"):
        who = documented().get((named(route), method))
        answers = {role: expected(route)[role, method] for role in ROLES}
        if who == "client":
            assert 405 not in answers.values()
        elif who == "anyone":
            # No page of its own kind: not the way to the sign-in page, nor that it is not there.
            assert len(set(answers.values()) - {302}) <= 1
        elif who:
            assert answers["nobody"] == answers["machine"] == 302
            assert {role for role in SIGNED_IN if answers[role] not in {403, 404}} == WHO[who]
