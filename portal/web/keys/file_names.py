"""The names of key files in all commands and programs on the pages.

A name consists of the first characters of the client_id and the number of the key in its client.
The commands that make a key and the programs that use it therefore name the same files, and no
other key shares them.
"""

from __future__ import annotations

from portal.core.key_files import KeyFiles
from portal.registry.key_numbers import count_keys, number_of
from portal.registry.models import Client, ClientKey

_PREFIX = 6


def files_of(key: ClientKey) -> KeyFiles:
    """Return the file names for a registered key."""
    return _files(key.client, number_of(key))


def files_of_next_key(client: Client, known: int | None = None) -> KeyFiles:
    """Return the file names for the next key of a client; `known` is how many it has or had."""
    return _files(client, 1 + (count_keys(client) if known is None else known))


def _files(client: Client, number: int) -> KeyFiles:
    return KeyFiles(f"{client.client_id[:_PREFIX]}_{number}")
