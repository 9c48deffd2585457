"""Change the rights of a client."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.conf import settings

from portal.registry.choices import GrantType, Verb
from portal.registry.errors import UnfitInput
from portal.registry.locks import lock_existing_client
from portal.registry.models import Actor, Client, Event, recording
from portal.registry.models.event import difference
from portal.registry.rights import rights_of_new


@recording()
def change_rights(
    client: Client,
    *,
    scopes: Collection[str],
    grant_types: Collection[str],
    resources: Collection[str],
    by: Actor,
) -> Client:
    """Let the client request these scopes and resources, and use these grant types.

    The event contains what was added and removed, and the stored value afterwards. Without a change
    it records nothing. Raises `ClientDeleted`, and `UnfitInput` for an unknown value or if
    `scopes` is empty.
    """
    of_new = rights_of_new()
    chosen = {
        "scopes": _chosen(scopes, list(settings.SCOPES), field="scopes"),
        "grant_types": _chosen(grant_types, GrantType.values, field="grant_types"),
        "resources": _chosen(resources, list(settings.RESOURCES), field="resources"),
    }
    if not chosen["scopes"]:
        message = "Choose a scope: every token needs one."
        raise UnfitInput(message, field="scopes")
    client = lock_existing_client(client)
    stored = {name: getattr(client, name) for name in chosen}
    before = {name: of_new[name] if value is None else value for name, value in stored.items()}
    changed = {
        name: None if value == of_new[name] else value
        for name, value in chosen.items()
        if set(value) != set(before[name])
    }
    if not changed:
        return client
    for name, value in changed.items():
        setattr(client, name, value)
    client.save(update_fields=list(changed))
    detail = {
        name: {**difference(before[name], chosen[name]), "after": value}
        for name, value in changed.items()
    }
    Event.objects.record(Verb.CHANGE_RIGHTS, by=by, client=client, detail=detail)
    return client


def _chosen(given: Collection[str], known: Sequence[str], *, field: str) -> list[str]:
    """Return the chosen values in the order of `known`. Raises `UnfitInput`."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        message = f"“{unknown[0]}” does not exist. Choose from: {', '.join(known) or 'none'}."
        raise UnfitInput(message, field=field)
    return [each for each in known if each in given]
