"""The metadata of this authorization server (RFC 8414)."""

from __future__ import annotations

import json

from django.conf import settings

from portal.core.algorithms import ALGORITHMS
from portal.publishing.public_endpoint import Document, PublicDocument
from portal.registry import endpoints
from portal.registry.choices import RESPONSE_TYPES, GrantType


@PublicDocument
def metadata() -> Document:
    """Return the authorization server metadata (RFC 8414 §2), with only what is supported.

    Each endpoint lists `private_key_jwt`, because the default would be `client_secret_basic`. There
    is no `jwks_uri`, because this server signs no tokens.
    """
    algorithms = [
        header
        for algorithm in ALGORITHMS.values()
        if settings.ALLOW_LEGACY_ALGORITHMS or not algorithm.legacy
        for header in algorithm.headers
    ]
    authentication = {
        "auth_methods_supported": ["private_key_jwt"],
        "auth_signing_alg_values_supported": list(dict.fromkeys(algorithms)),
    }
    body = {
        "issuer": endpoints.issuer(),
        "authorization_endpoint": endpoints.authorization_endpoint(),
        "token_endpoint": endpoints.token_endpoint(),
        "introspection_endpoint": endpoints.introspection_endpoint(),
        "revocation_endpoint": endpoints.revocation_endpoint(),
        "scopes_supported": list(settings.SCOPES),
        # RFC 9728 §4
        **({"protected_resources": list(settings.RESOURCES)} if settings.RESOURCES else {}),
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GrantType.values),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        **{
            f"{endpoint}_endpoint_{name}": value
            for endpoint in ("token", "introspection", "revocation")
            for name, value in authentication.items()
        },
    }
    reuse = f"public, max-age={settings.JWKS_MAX_AGE}"
    return Document(json.dumps(body, indent=2).encode("ascii"), reuse)
