"""The absolute URLs of this portal that clients and verifiers use."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from portal.registry.endpoints import authorization_endpoint, issuer, token_endpoint
from portal.registry.models import Client, ClientKey


@dataclass(frozen=True, slots=True)
class Addresses:
    """The values that a developer copies into the code that signs assertions."""

    client_id: str
    issuer: str
    token_endpoint: str
    authorization_endpoint: str
    metadata: str
    jwks: str
    jwks_extended: str


def addresses_of(client: Client) -> Addresses:
    """Return the URLs for one client. PUBLIC_URL is the issuer (RFC 8414 §2)."""
    return Addresses(
        client_id=client.client_id,
        issuer=issuer(),
        token_endpoint=token_endpoint(),
        authorization_endpoint=authorization_endpoint(),
        metadata=issuer() + reverse("metadata"),
        jwks=issuer() + reverse("jwks", args=[client.client_id]),
        jwks_extended=issuer() + reverse("jwks_extended", args=[client.client_id]),
    )


def confirmation_url(key: ClientKey) -> str:
    """Return the URL of the page that confirms a key: the audience of its challenge."""
    return issuer() + reverse("key_confirmation", args=[key.client.client_id, key.kid])
