"""The indexes that the console's search stands on. Their speed is measured outside the tests."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import QuerySet

from portal.registry.models import Client, ClientKey

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _prefer_indexes(db: None) -> None:
    # The tables here are so small that reading all of them would always win.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (Client.objects.filter(name__icontains="pay"), "client_name_trigrams"),
        (ClientKey.objects.filter(label__icontains="lap"), "key_label_trigrams"),
        (ClientKey.objects.filter(kid__startswith="abc"), "key_of_kid"),
        (ClientKey.objects.filter(spki_sha256__startswith="ab"), "key_of_fingerprint"),
        (ClientKey.objects.filter(kid="k" * 43), "key_of_kid"),
        (ClientKey.objects.filter(spki_sha256="ab" * 32), "key_of_fingerprint"),
        (Client.objects.filter(client_id__startswith="ab"), "registry_client_client_id_"),
    ],
)
def test_a_search_uses_its_index(rows: QuerySet[Client] | QuerySet[ClientKey], index: str) -> None:
    assert index in rows.explain()
