"""Programs that sign in with a key, one language at a time."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.web.keys.file_names import files_of
from portal.web.keys.snippets import LANGUAGES, signers_of, snippet
from portal.web.render import show
from portal.web.shortcuts import get_key_or_404


@require_safe
def key_snippets(request: HttpRequest, client_id: str, kid: str) -> HttpResponse:
    """Show the snippet in the language that the URL names, or in the first one."""
    key = get_key_or_404(request, client_id, kid)
    language = LANGUAGES.get(request.GET.get("language", next(iter(LANGUAGES))))
    if language is None:
        raise Http404
    now = timezone.now()
    context = {
        "section": "clients",
        "client": key.client,
        "key": key,
        "now": now,
        "is_live": key.lifecycle.is_live(now) and not key.client.is_suspended,
        "languages": LANGUAGES.values(),
        "language": language,
        "snippet": snippet(language, key),
        "files": files_of(key),
        "others": signers_of(key.alg),
    }
    return show(request, "web/keys/snippets.html", context, fragment="snippet")
