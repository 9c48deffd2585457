"""What the portal says of itself: its public keys, signed checkpoints, and its security contact."""

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
"""For how long caches may reuse a checkpoint: an older one is as true as the newest."""

_NO_KEY: Final = problem(
    404, "not_found", "This portal signs no checkpoints (the setting CHECKPOINT_KEYS is empty)."
)

_NO_CONTACT = problem(
    404, "not_found", "This portal names no security contact (the setting SECURITY_CONTACT)."
)


@PublicDocument
def portal_jwks() -> Document:
    """Return the public keys that the portal signs with; those of clients are in other sets."""
    reuse = f"public, max-age={settings.JWKS_MAX_AGE}"
    return Document(own_keys.jwks(), reuse, content_type="application/jwk-set+json")


@PublicDocument
def checkpoint() -> Document:
    """Return size and root of the ledger as a signed note: 404 where no key is configured."""
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
    """Return where weaknesses of the portal are reported (RFC 9116), 404 where nobody is named."""
    if not settings.SECURITY_CONTACT:
        return _NO_CONTACT
    # RFC 9116 §2.5.5: less than a year. Whole days, so that it changes once a day.
    expires = timezone.now().date() + timedelta(days=180)
    lines = [
        *(f"Contact: {each}" for each in settings.SECURITY_CONTACT),
        f"Expires: {expires}T00:00:00Z",
        f"Canonical: {settings.PUBLIC_URL}/{SECURITY_PATH}",
    ]
    body = "".join(f"{line}\n" for line in lines).encode("ascii")
    return Document(body, "public, max-age=86400", content_type="text/plain; charset=utf-8")
