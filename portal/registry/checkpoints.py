"""Checkpoints of the ledger: signed size and root, for others to keep (C2SP tlog-checkpoint)."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from portal.core.signed_note import Checkpoint, NoteKey, sign_note
from portal.own_keys import OwnKey
from portal.registry.models import Ledger


def origin() -> str:
    """Return the origin of this ledger, which is also the name of each key that signs checkpoints.

    It stays the same when a key is replaced: the key id tells keys with the same name apart.
    """
    return f"{urlsplit(settings.PUBLIC_URL).netloc}/ledger"


def note_key(key: OwnKey) -> NoteKey:
    """Return the public key with its name for signed notes."""
    return NoteKey(origin(), key.public_bytes)


def signed_checkpoint(head: Ledger, key: OwnKey) -> bytes:
    """Return the checkpoint of this head as a note signed with the key."""
    checkpoint = Checkpoint(origin(), head.size, bytes.fromhex(head.root))
    return sign_note(checkpoint.text, note_key(key), key.sign)
