"""What the portal says of itself: its own public keys, and signed checkpoints of its ledger."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from portal import bulkhead, own_keys
from portal.publishing.public_endpoint import BUSY, Document, PublicDocument, problem
from portal.registry.checkpoints import signed_checkpoint
from portal.registry.models import Ledger

_CHECKPOINT_SECONDS: Final = 10
"""For how long caches may reuse a checkpoint: an older one is as true as the newest."""

_NO_KEY: Final = problem(
    404, "not_found", "This portal signs no checkpoints (the setting CHECKPOINT_KEYS is empty)."
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
