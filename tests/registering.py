"""Register a key in one call, as the page does in two; add a member as earlier versions did."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.registry.actions import inspect_key, register_key
from portal.registry.choices import Role, Verb
from portal.registry.models import Client, ClientKey, Event, Membership, recording


def register_pem(client: Client, *, material: bytes | str, by: User, **given: Any) -> ClientKey:
    """Register the public key in `material`. Other arguments go to `register_key`."""
    accepted = inspect_key(material, by=by, client=client, registering=True)
    return register_key(client, accepted, by=by, **given)


@recording()
def add_member(client: Client, *, email: str, role: Role, by: User) -> Membership:
    """Add a member without asking them, as earlier versions did. Their events remain."""
    user = User.objects.get(email=email)
    detail = {"member_id": user.pk, "member": email, "role": role}
    Event.objects.record(Verb.ADD_MEMBER, by=by, client=client, detail=detail)
    return Membership.objects.create(client=client, user=user, role=role)
