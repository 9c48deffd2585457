"""Documents about the portal: its public keys, a signed checkpoint, and its security contact."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from portal import bulkhead, own_keys
from portal.publishing.public_endpoint import BUSY, Document, PublicDocument, problem
from portal.registry.checkpoints import signed_checkpoint
from portal.registry.models import Ledger

SECURITY_PATH: Final = ".well-known/security.txt"
_CHECKPOINT_SECONDS: Final = 10
"""How long caches may reuse a checkpoint. An older one stays valid."""

_NO_KEY: Final = problem(
    404, "not_found", "This portal signs no checkpoints (the setting CHECKPOINT_KEYS is empty)."
)

_NO_CONTACT = problem(
    404, "not_found", "This portal names no security contact (the setting SECURITY_CONTACT)."
)


@PublicDocument
def portal_jwks() -> Document:
    """Return the public keys of the portal's own signing keys. It has no keys of clients."""
    reuse = f"public, max-age={settings.JWKS_MAX_AGE}"
    return Document(own_keys.jwks(), reuse, content_type="application/jwk-set+json")


@PublicDocument
def checkpoint() -> Document:
    """Return size and root of the ledger as a signed note, or 404 if no key is configured."""
    key = own_keys.signing_key(own_keys.CHECKPOINT)
    if key is None:
        return _NO_KEY
    try:
        with bulkhead.lookups:
            head = Ledger.head()
    except bulkhead.BulkheadFull:
        return BUSY
    return Document(
        signed_checkpoint(head, key),
        f"public, max-age={_CHECKPOINT_SECONDS}",
        content_type="text/plain; charset=utf-8",
    )


@PublicDocument
def security() -> Document:
    """Return the security contact of the portal (RFC 9116), or 404 if none is configured."""
    if not settings.SECURITY_CONTACT:
        return _NO_CONTACT
    # RFC 9116 §2.5.5: less than a year. Whole days, so the document changes only once a day.
    expires = timezone.now().date() + timedelta(days=180)
    lines = [
        *(f"Contact: {each}" for each in settings.SECURITY_CONTACT),
        f"Expires: {expires}T00:00:00Z",
        f"Canonical: {settings.PUBLIC_URL}/{SECURITY_PATH}",
    ]
    body = "".join(f"{line}\n" for line in lines).encode("ascii")
    return Document(body, "public, max-age=86400", content_type="text/plain; charset=utf-8")
