"""Acting on everything that fits a filter: the effect first, then a job in the background."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.http.response import HttpResponseBase
from django.test import Client as Browser
from django.utils import timezone
from django.utils.html import strip_tags

from portal.accounts.mail import queue
from portal.console.views.jobs import SHOWN_FAILURES
from portal.registry.actions import create_client
from portal.registry.actions.carry_on_job import BATCH
from portal.registry.models import Client, ClientKey, Job
from portal.registry.models.job import MAX_ITEMS, JobStatus
from portal.work.models import LastSeen, Task
from portal.work.worker import Worker
from tests.db.mailed import delivered
from tests.db.pages import check_page, text_of

from .conftest import KeyMaker

START = {"reason": "compromised", "note": "Leaked build 4711"}


def prepare(admin: Browser, filters: str, of: str = "keys") -> str:
    """Ask for a job on all that fits the filters; return the address of its page."""
    answer = admin.post(f"/console/{of}/job", {"filters": filters})
    assert answer.status_code == 302
    return str(answer["Location"])


def look(admin: Browser, address: str) -> str:
    answer = admin.get(address)
    check_page(answer)
    assert answer.status_code == 200
    return said_on(answer)


def said_on(answer: HttpResponseBase) -> str:
    """Return the text of a page without its tags, and its white space in single blanks."""
    return " ".join(strip_tags(text_of(answer)).split())


@pytest.fixture
def seen(db: None) -> None:
    """A worker was just seen."""
    LastSeen.objects.create(at=timezone.now())


@pytest.mark.sqlite
@pytest.mark.usefixtures("seen")
def test_preview_shows_the_effect_and_names_the_clients_left_without_a_key(
    admin: Browser, payments: Client, other: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    make_keys(payments, 2, label="Leaked")
    make_keys(payments, 1, label="Stays")
    make_keys(other, 1, label="Leaked")
    make_keys(other, 1, label="Ended", expires_at=timezone.now() - timedelta(days=1))
    shown = look(admin, prepare(admin, "q=Leaked"))
    assert "Revoke 3 keys?" in shown
    assert "3 keys of 2 clients will be revoked." in shown
    assert "1 client will no longer be able to authenticate: Other" in shown
    assert "No worker" not in shown
    assert not ClientKey.objects.filter(revoked_at__isnull=False).exists()
    assert not Task.objects.exists()


def test_ids_are_frozen_when_the_effect_is_shown(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    keys = make_keys(payments, 2, label="Leaked")
    page = prepare(admin, "q=Leaked")
    make_keys(payments, 1, label="Leaked")
    assert "Revoke 2 keys?" in look(admin, page)
    admin.post(page, {**START, "confirmation": "2"})
    Worker().step()
    revoked = ClientKey.objects.filter(revoked_at__isnull=False)
    assert {key.pk for key in revoked} == {key.pk for key in keys}


@pytest.mark.sqlite
def test_a_job_from_start_to_end(
    admin: Browser, payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    make_keys(payments, BATCH + 1, label="Leaked")
    page = prepare(admin, "q=Leaked")
    answer = admin.post(page, {**START, "confirmation": str(BATCH + 1)})
    assert answer["Location"] == page
    shown = look(admin, page)
    assert f"0 of {BATCH + 1}" in shown
    assert "No worker has run yet." in shown
    assert 'http-equiv="refresh"' in admin.get(page).content.decode()
    worker = Worker()
    worker.step()
    fragment = admin.get(page, headers={"HX-Request": "true"}).content.decode()
    assert f"{BATCH} of {BATCH + 1}" in fragment
    assert 'hx-trigger="every 2s"' in fragment
    worker.step()
    shown = look(admin, page)
    assert f"{BATCH + 1} of {BATCH + 1}" in shown
    assert "Leaked build 4711" in shown
    last = admin.get(page).content.decode()
    assert 'http-equiv="refresh"' not in last
    assert "every 2s" not in last
    assert "Done" in look(admin, "/console/jobs/")


def test_clients_that_fit_a_filter_are_suspended(
    admin: Browser, payments: Client, other: Client, key: ClientKey
) -> None:
    page = prepare(admin, "q=Pay", of="clients")
    shown = look(admin, page)
    assert "Suspend 1 client?" in shown
    assert "1 client will no longer be able to authenticate: Payments" in shown
    assert admin.post(page, {"note": "", "confirmation": "1"}).status_code == 422
    admin.post(page, {"note": "Break-in", "confirmation": "1"})
    Worker().step()
    payments.refresh_from_db()
    other.refresh_from_db()
    assert (payments.is_suspended, other.is_suspended) == (True, False)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({**START, "confirmation": "2"}, "You typed “2”. Type 3 to confirm."),
        ({**START, "confirmation": ""}, "Type 3 to confirm."),
        ({"confirmation": "3"}, "Choose a reason."),
        ({**START, "confirmation": "3", "note": "x" * 501}, "at most 500 characters"),
    ],
)
def test_nothing_starts_without_reason_and_confirmation(
    form: dict[str, str], said: str, admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    make_keys(payments, 3, label="Leaked")
    page = prepare(admin, "q=Leaked")
    answer = admin.post(page, form)
    assert answer.status_code == 422
    assert said in said_on(answer)
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    "filters", ["", "q=%20", "legacy=false", "before=7", "alg=none", "nothing=x", "a=" + "x" * 5000]
)
def test_no_job_without_a_filter(filters: str, admin: Browser, key: ClientKey) -> None:
    assert prepare(admin, filters) == "/console/keys/"
    assert "Set a filter first" in said_on(admin.get("/console/keys/"))
    assert not Job.objects.exists()


def test_more_than_a_job_may_have_is_refused(
    admin: Browser, payments: Client, make_keys: KeyMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("portal.console.views.jobs", "portal.registry.actions.job"):
        monkeypatch.setattr(f"{module}.MAX_ITEMS", 2)
    assert MAX_ITEMS == 10_000
    make_keys(payments, 3, label="Leaked")
    assert prepare(admin, "q=Leaked") == "/console/keys/?q=Leaked"
    assert "More than 2 fit these filters" in said_on(admin.get("/console/keys/"))
    assert not Job.objects.exists()


def test_revoked_keys_are_no_part_of_a_job(
    admin: Browser, payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    make_keys(
        payments,
        1,
        label="Leaked",
        revoked_at=timezone.now(),
        revoked_by=cast.admin,
        revocation_reason="compromised",
    )
    assert prepare(admin, "q=Leaked") == "/console/keys/?q=Leaked"
    assert "Nothing fits these filters" in said_on(admin.get("/console/keys/"))


@pytest.mark.sqlite
def test_running_job_can_be_cancelled(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    make_keys(payments, BATCH + 1, label="Leaked")
    page = prepare(admin, "q=Leaked")
    cancellation = f"{page}/cancellation"
    admin.post(cancellation)
    assert "There was nothing to cancel" in look(admin, page)
    admin.post(page, {**START, "confirmation": str(BATCH + 1)})
    worker = Worker()
    worker.step()
    admin.post(cancellation)
    worker.step()
    shown = look(admin, page)
    assert "Cancelled by admin@example.com" in shown
    assert "1 not done" in shown
    assert Job.objects.get().status == JobStatus.CANCELLED


@pytest.mark.sqlite
def test_failed_items_are_named(
    admin: Browser, payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    keys = make_keys(payments, SHOWN_FAILURES + 1, label="Leaked")
    number = len(keys)
    job = Job.objects.create(
        verb="revoke_key",
        ids=[key.pk for key in keys],
        number=number,
        by=cast.admin,
        reason="compromised",
        started_at=timezone.now(),
        ended_at=timezone.now(),
        position=number,
        failed=number,
        failures=[[key.pk, "No."] for key in keys],
    )
    shown = look(admin, f"/console/jobs/{job.pk}")
    assert shown.count("Leaked of Payments: No.") == SHOWN_FAILURES
    assert "and 1 more" in shown


@pytest.mark.parametrize("number", ["0", "999999", "9" * 40])
def test_job_that_does_not_exist_is_not_found(number: str, admin: Browser) -> None:
    assert admin.get(f"/console/jobs/{number}").status_code == 404


def test_preview_of_many_keys_asks_as_much_and_says_as_much_as_of_few(
    admin: Browser,
    make_keys: KeyMaker,
    cast: SimpleNamespace,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    """60 clients lose their last key; the page names 50 of them."""
    for number in range(60):
        make_keys(create_client(name=f"Client {number}", by=cast.admin), 1, label="Leaked")
    page = prepare(admin, "q=Leaked")
    with django_assert_max_num_queries(9):
        answer = admin.get(page)
    assert "60 clients will no longer be able to authenticate" in said_on(answer)
    assert answer.content.count(b'class="keys-label"') == 50
    assert f"{page}?before=" in answer.content.decode()


def test_failing_work_is_shown_and_can_be_tried_again(admin: Browser, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    queue(EmailMessage("Hello", "Text", to=["ann@example.com"]), life=timedelta(days=1))
    assert delivered() == []
    shown = look(admin, "/console/jobs/")
    assert "Messages 1 1 ConnectionRefusedError Connection refused, queued just now" in shown
    assert "ann@example.com" not in shown
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert delivered() == []
    admin.post("/console/jobs/retry", {"kind": "message"})
    assert [message.to for message in delivered()] == [["ann@example.com"]]
    shown = look(admin, "/console/jobs/")
    assert "1 failed task will be tried again now." in shown
    assert "Messages 0 0 1 last just now 0" in shown
