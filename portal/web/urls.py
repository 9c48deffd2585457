"""The paths of the pages for developers."""

from django.urls import path
from django.views.generic import RedirectView

from portal.web import converters  # noqa: F401 - registers them
from portal.web.clients import archive as client_archive
from portal.web.clients import calendar_feed
from portal.web.clients import views as clients
from portal.web.debugger import views as assertion_debugger
from portal.web.keys import confirmation as key_confirmation
from portal.web.keys import edit as key_edit
from portal.web.keys import replacement as key_replacement
from portal.web.keys import retirement as key_retirement
from portal.web.keys import revocation as key_revocation
from portal.web.keys import settings_page, timeline
from portal.web.keys import snippet_views as key_snippets
from portal.web.keys import views as keys
from portal.web.team import answer
from portal.web.team import views as team
from portal.web.token_requests import views as token_requests

_CLIENT = "clients/<client_id:client_id>/"
_KEY = f"{_CLIENT}keys/<kid:kid>/"

urlpatterns = [
    path("", clients.home, name="home"),
    path("clients/", clients.client_list, name="clients"),
    path("clients/new/", clients.client_new, name="client_new"),
    path(_CLIENT, settings_page.client, name="client"),
    # People omit the last slash when they type. APPEND_SLASH would redirect machines as well.
    path(_CLIENT.removesuffix("/"), RedirectView.as_view(pattern_name="client")),
    path(f"{_CLIENT}edit/", clients.client_edit, name="client_edit"),
    path(f"{_CLIENT}archive/", client_archive.client_archive, name="client_archive"),
    path(
        f"{_CLIENT}archive/withdrawal/",
        client_archive.client_archive_withdrawal,
        name="client_archive_withdrawal",
    ),
    path(f"{_CLIENT}calendar/", calendar_feed.client_calendar, name="client_calendar"),
    path(
        f"{_CLIENT}calendar/revocation/",
        calendar_feed.client_calendar_revocation,
        name="client_calendar_revocation",
    ),
    path(f"{_CLIENT}deletion/", client_archive.client_delete, name="client_delete"),
    path(f"{_CLIENT}team/", team.team, name="team"),
    path(
        f"{_CLIENT}team/pending/<row:pending>/withdrawal/",
        team.pending_member_withdrawal,
        name="pending_member_withdrawal",
    ),
    path(
        "memberships/<row:pending>/acceptance/",
        answer.membership_acceptance,
        name="membership_acceptance",
    ),
    path(
        "memberships/<row:pending>/refusal/", answer.membership_refusal, name="membership_refusal"
    ),
    path(f"{_CLIENT}team/<row:row>/", team.member, name="member"),
    path(f"{_CLIENT}team/<row:row>/removal/", team.member_removal, name="member_removal"),
    path(
        f"{_CLIENT}assertions/",
        assertion_debugger.assertion_debugger,
        name="assertion_debugger",
    ),
    path(f"{_CLIENT}token-requests/", token_requests.token_requests, name="token_requests"),
    path(
        f"{_CLIENT}token-requests/<reference:reference>/",
        token_requests.token_request,
        name="token_request",
    ),
    # The target of the token endpoint's error_uri (RFC 6749 §5.2).
    path(
        "token-requests/<reference:reference>/",
        token_requests.token_request_reference,
        name="token_request_reference",
    ),
    path(f"{_CLIENT}timeline/", timeline.client_timeline, name="client_timeline"),
    path(f"{_CLIENT}keys/", keys.key_register, name="key_register"),
    path(f"{_CLIENT}keys/inspection/", keys.key_inspect, name="key_inspect"),
    path(_KEY, keys.key, name="key"),
    path(f"{_KEY}edit/", key_edit.key_edit, name="key_edit"),
    path(f"{_KEY}snippets/", key_snippets.key_snippets, name="key_snippets"),
    path(f"{_KEY}confirmation/", key_confirmation.key_confirmation, name="key_confirmation"),
    path(f"{_KEY}replacement/", key_replacement.key_replacement, name="key_replacement"),
    path(
        f"{_KEY}replacement/successor/",
        key_replacement.key_replacement_successor,
        name="key_replacement_successor",
    ),
    path(
        f"{_KEY}replacement/retirement/",
        key_replacement.key_replacement_retirement,
        name="key_replacement_retirement",
    ),
    path(
        f"{_KEY}replacement/withdrawal/",
        key_replacement.key_replacement_withdrawal,
        name="key_replacement_withdrawal",
    ),
    path(f"{_KEY}retirement/", key_retirement.key_retirement, name="key_retirement"),
    path(
        f"{_KEY}retirement/withdrawal/",
        key_retirement.key_retirement_withdrawal,
        name="key_retirement_withdrawal",
    ),
    path(f"{_KEY}revocation/", key_revocation.key_revocation, name="key_revocation"),
]
