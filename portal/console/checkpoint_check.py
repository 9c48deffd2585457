"""Read and verify a checkpoint from a file."""

from __future__ import annotations

import json
from typing import Any

from portal import own_keys
from portal.core.signed_note import Checkpoint, Note, NoteKey
from portal.core.strict import base64url


class CheckpointRefused(Exception):  # noqa: N818 - names the outcome
    """A file is not a checkpoint signed by a known key; the message says why."""


def read_checkpoint(note: bytes, jwks: bytes | None) -> Checkpoint:
    """Return the checkpoint after its signature is verified.

    `jwks` is a key set as the portal publishes it; the default is the keys of the settings. Raises
    `CheckpointRefused`, and `NotANote` for a file that is not a checkpoint.
    """
    signed = Note.parse(note)
    checkpoint = Checkpoint.parse(signed.text)
    public = own_keys.jwks() if jwks is None else jwks
    # The key name is the origin of the ledger, which may stem from another PUBLIC_URL.
    keys = [NoteKey(checkpoint.origin, each) for each in _public_keys(public)]
    if not signed.is_signed_by(keys):
        signers = ", ".join(f"{name} ({key_id.hex()})" for name, key_id, _ in signed.signatures)
        known = ", ".join(key.id.hex() for key in keys) or "none"
        raise CheckpointRefused(
            f"No known key signed this checkpoint of {checkpoint.origin}. It names {signers}; "
            f"the known keys are: {known}. For an older key, pass the JWKS of that time as "
            "--keys."
        )
    return checkpoint


def _public_keys(jwks: bytes) -> list[bytes]:
    try:
        keys: list[dict[str, Any]] = json.loads(jwks)["keys"]
        found = [base64url.decode_url(str(key["x"])) for key in keys if _is_for_checkpoints(key)]
    except (ValueError, TypeError, KeyError, RecursionError):
        found = [None]
    public = [each for each in found if each is not None and len(each) == 32]
    if len(public) != len(found):
        raise CheckpointRefused(
            "The file of --keys is not a portal's JWKS. Use a saved copy of /portal/jwks.json."
        )
    return public


def _is_for_checkpoints(key: dict[str, Any]) -> bool:
    return bool(key["purpose"] == own_keys.CHECKPOINT and key["crv"] == "Ed25519")
