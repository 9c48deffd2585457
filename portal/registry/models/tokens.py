"""The tokens and codes that django-oauth-toolkit issues, in tables of ours.

They are the toolkit's abstract models, with the key that the client signed in with. Tokens
themselves are never stored, only their SHA-256 (`COMPLIANT_BCP_RFC9700_TOKEN_STORAGE`).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q
from oauth2_provider.models import AbstractAccessToken, AbstractGrant, AbstractRefreshToken

from portal.registry.choices import RevocationReason
from portal.registry.models.blocked_key import BlockedKey
from portal.registry.models.client_key import ClientKey


class AuthorizationCode(AbstractGrant):
    """A code that a client may change for tokens once (RFC 6749 §4.1.2)."""

    class Meta(AbstractGrant.Meta):
        indexes = [models.Index(fields=["expires"], name="code_by_expiry")]


class AccessToken(AbstractAccessToken):
    """An access token, and the key that its client signed in with to get it."""

    id_token = None  # there is no OpenID Connect here
    key = models.ForeignKey(ClientKey, models.PROTECT, related_name="access_tokens")

    class Meta(AbstractAccessToken.Meta):
        indexes = [models.Index(fields=["expires"], name="access_token_by_expiry")]

    def is_valid(self, scopes: Iterable[str] | None = None) -> bool:
        """Return whether the token is good now, for all of these scopes."""
        return bool(super().is_valid(scopes)) and not self.is_invalidated

    @property
    def is_invalidated(self) -> bool:
        """Whether it, or a token that it came from, was got with a key that was revoked since."""
        refresh_token = getattr(self, "refresh_token", None)
        return invalidates_tokens(self.key) or (
            refresh_token is not None and is_family_invalidated(refresh_token.token_family)
        )


class RefreshToken(AbstractRefreshToken):
    """A refresh token, and the key that its client signed in with to get it."""

    key = models.ForeignKey(ClientKey, models.PROTECT, related_name="refresh_tokens")

    class Meta(AbstractRefreshToken.Meta):
        indexes = [models.Index(fields=["token_family"], name="refresh_token_family")]
        constraints = [
            # The toolkit's own promise lets any number of tokens that are not revoked be the same.
            models.UniqueConstraint(
                fields=["token_checksum"], condition=Q(revoked=None), name="refresh_token_live_once"
            )
        ]


def invalidates_tokens(key: ClientKey) -> bool:
    """Return whether what was got with the key is worth nothing any more.

    Whoever else had the private key may have got it. A key that was merely superseded invalidates
    nothing, unless it was blocked, perhaps later: then its private half is out.
    """
    if key.revoked_at is None:
        return False
    return (
        key.revocation_reason != RevocationReason.SUPERSEDED
        or BlockedKey.objects.filter(pk=key.spki_sha256).exists()
    )


def is_family_invalidated(token_family: UUID | None) -> bool:
    """Return whether one of the refresh tokens that came from one grant was got with such a key."""
    if token_family is None:
        return False
    blocked = BlockedKey.objects.filter(pk=OuterRef("key__spki_sha256"))
    invalidated: bool = RefreshToken.objects.filter(
        ~Q(key__revocation_reason=RevocationReason.SUPERSEDED) | Exists(blocked),
        token_family=token_family,
        key__revoked_at__isnull=False,
    ).exists()
    return invalidated
