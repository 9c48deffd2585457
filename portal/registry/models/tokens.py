"""The tokens and codes that django-oauth-toolkit issues, in our own tables.

They extend the toolkit's abstract models with the key that authenticated the client. Tokens are
never stored, only their SHA-256 (`COMPLIANT_BCP_RFC9700_TOKEN_STORAGE`).
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
    """A code that a client can exchange for tokens once (RFC 6749 §4.1.2)."""

    class Meta(AbstractGrant.Meta):
        indexes = [models.Index(fields=["expires"], name="code_by_expiry")]


class AccessToken(AbstractAccessToken):
    """An access token, and the key that authenticated its client when it was issued."""

    id_token = None  # the portal has no OpenID Connect
    key = models.ForeignKey(ClientKey, models.PROTECT, related_name="access_tokens")

    class Meta(AbstractAccessToken.Meta):
        indexes = [models.Index(fields=["expires"], name="access_token_by_expiry")]

    def is_valid(self, scopes: Iterable[str] | None = None) -> bool:
        """Return whether the token is valid now, for all of these scopes."""
        return bool(super().is_valid(scopes)) and not self.is_invalidated

    @property
    def is_invalidated(self) -> bool:
        """Whether a key that was later revoked obtained it, or a token of its refresh family."""
        refresh_token = getattr(self, "refresh_token", None)
        return invalidates_tokens(self.key) or (
            refresh_token is not None and is_family_invalidated(refresh_token.token_family)
        )


class RefreshToken(AbstractRefreshToken):
    """A refresh token, and the key that authenticated its client when it was issued."""

    key = models.ForeignKey(ClientKey, models.PROTECT, related_name="refresh_tokens")

    class Meta(AbstractRefreshToken.Meta):
        indexes = [models.Index(fields=["token_family"], name="refresh_token_family")]
        constraints = [
            # The toolkit's own constraint allows duplicates among tokens that are not revoked.
            models.UniqueConstraint(
                fields=["token_checksum"], condition=Q(revoked=None), name="refresh_token_live_once"
            )
        ]


def invalidates_tokens(key: ClientKey) -> bool:
    """Return whether tokens obtained with the key are invalid.

    Another holder of the private key may have obtained them. A key that was only superseded
    invalidates nothing unless it is blocked, perhaps later: then its private key has leaked.
    """
    if key.revoked_at is None:
        return False
    return (
        key.revocation_reason != RevocationReason.SUPERSEDED
        or BlockedKey.objects.filter(pk=key.spki_sha256).exists()
    )


def is_family_invalidated(token_family: UUID | None) -> bool:
    """Return whether a refresh token of this family was obtained with a key that invalidates it."""
    if token_family is None:
        return False
    blocked = BlockedKey.objects.filter(pk=OuterRef("key__spki_sha256"))
    invalidated: bool = RefreshToken.objects.filter(
        ~Q(key__revocation_reason=RevocationReason.SUPERSEDED) | Exists(blocked),
        token_family=token_family,
        key__revoked_at__isnull=False,
    ).exists()
    return invalidated
