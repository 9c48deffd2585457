"""The headers of webhooks, verified as receivers do it."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from portal.own_keys import OwnKey
from portal.webhooks.deliver import LONGEST_PAUSE, LONGEST_RETRY_AFTER, retry_after
from portal.webhooks.signing import CannotSign, headers, new_secret, public_text
from portal.work.tasks import pause_after
from tests.own_keys import new_own_key, public_half

BODY = b'{"type":"key.revoked"}'
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def signed(secret: str = "") -> dict[str, str]:
    return headers("msg_1", BODY, secret, datetime.now(UTC))


def accepts(public: str, sent: dict[str, str]) -> bool:
    """Verify v1a from the specification, with nothing of the portal's."""
    key = Ed25519PublicKey.from_public_bytes(b64decode(public.removeprefix("whpk_")))
    content = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + BODY
    for each in sent["webhook-signature"].split():
        version, _, signature = each.partition(",")
        if version == "v1a":
            try:
                key.verify(b64decode(signature), content)
            except InvalidSignature:
                continue
            return True
    return False


def use(settings: Settings, *keys: OwnKey) -> None:
    settings.OWN_KEYS = {"webhooks": keys}


def test_shared_secret_signs_as_the_official_package_verifies(settings: Settings) -> None:
    use(settings, new_own_key())
    secret = new_secret()
    sent = signed(secret)
    assert Webhook(secret).verify(BODY, sent) == {"type": "key.revoked"}
    for changed in ({"webhook-id": "msg_2"}, {"webhook-timestamp": "1700000000"}):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(BODY, sent | changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, sent)


def test_a_receiver_accepts_each_message_while_the_key_is_replaced(settings: Settings) -> None:
    """It changes from the old key to the new one at any time while both sign."""
    old, new = new_own_key(), new_own_key()
    use(settings, old)
    assert accepts(public_text(old), signed())
    assert not accepts(public_text(new), signed())
    for keys in ((old, new), (new, old)):
        use(settings, *keys)
        sent = signed()
        assert accepts(public_text(old), sent)
        assert accepts(public_text(new), sent)
    use(settings, new, public_half(old))
    assert accepts(public_text(new), signed())
    assert not accepts(public_text(old), signed())


def test_nothing_is_sent_without_a_signature(settings: Settings) -> None:
    use(settings)
    with pytest.raises(CannotSign):
        signed()
    assert signed(new_secret())["webhook-signature"].startswith("v1,")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("120", 120), ("0", 0), ("9" * 400, 86400), ("-5", 0), ("1.5", 0), ("soon", 0), ("", 0)),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2099 12:00:00 GMT", 86400),
        *(("\u0661", 0), ("Sun, 99 Mar 2026 12:00:00 GMT", 0)),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0),
        ("Mon, 01 Jan 2026 99999999999999999999:00:00 GMT", 0),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", 0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
    ],
)
def test_retry_after_is_honoured_within_bounds(value: str, seconds: int) -> None:
    assert retry_after(value, NOON) == timedelta(seconds=seconds) <= LONGEST_RETRY_AFTER


def test_pauses_grow_up_to_an_hour() -> None:
    pauses = [pause_after(failures, longest=LONGEST_PAUSE) for failures in (1, 2, 3, 10**9)]
    assert [pause.total_seconds() for pause in pauses] == [5, 10, 20, 3600]
