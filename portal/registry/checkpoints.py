"""Checkpoints of the ledger: size and root, signed, for anybody to keep (C2SP tlog-checkpoint)."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from portal.core.signed_note import Checkpoint, NoteKey, sign_note
from portal.own_keys import OwnKey
from portal.registry.models import Ledger


def origin() -> str:
    """Return the name of this ledger, which is also that of each key that signs its checkpoints.

    It stays when a key is replaced: a key's id tells keys of one name apart.
    """
    return f"{urlsplit(settings.PUBLIC_URL).netloc}/ledger"


def note_key(key: OwnKey) -> NoteKey:
    """Return the public key under its name in notes."""
    return NoteKey(origin(), key.public_bytes)


def signed_checkpoint(head: Ledger, key: OwnKey) -> bytes:
    """Return the checkpoint of the ledger with this head, as a note that the key has signed."""
    checkpoint = Checkpoint(origin(), head.size, bytes.fromhex(head.root))
    return sign_note(checkpoint.text, note_key(key), key.sign)
