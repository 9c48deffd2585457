"""Ask a person whether a client may act for them (RFC 6749 §4.1.1)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.core.exceptions import BadRequest
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.views import AuthorizationView

from portal.registry.models import Client


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ConsentView(AuthorizationView):
    """The toolkit's view with a page of ours, which is shown every time.

    What must not be sent to the client, because it may not be the client's address, is said on a
    page here instead (RFC 6749 §4.1.2.1).
    """

    http_method_names = ("get", "post", "head")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, but take no NUL, which PostgreSQL cannot be asked about."""
        given = (*request.GET.items(), *request.POST.items())
        if any("\0" in text for pair in given for text in pair if isinstance(text, str)):
            raise BadRequest("There is a NUL in a parameter.")
        if "approval_prompt" in request.GET:
            # The toolkit would let the client skip the question after the first time.
            query = request.GET.copy()
            del query["approval_prompt"]
            request.GET = query  # type: ignore[assignment]  # Django's own is immutable, for views
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: Form) -> HttpResponse:
        """Send the person back with a code or a refusal, to an address that is the client's."""
        client = Client.objects.filter(client_id=form.cleaned_data["client_id"]).first()
        if client is None or not client.redirect_uri_allowed(form.cleaned_data["redirect_uri"]):
            raise BadRequest("The form is not the one that was shown.")
        response: HttpResponse = super().form_valid(form)
        return response

    def form_invalid(self, form: Form) -> HttpResponse:  # noqa: ARG002 - the framework's signature
        """Answer 400: nobody can fill in this form wrongly, only change what is hidden in it."""
        raise BadRequest("The form is not the one that was shown.")

    def redirect(self, redirect_to: str, application: Client | None) -> HttpResponse:  # noqa: ARG002 - the toolkit's signature
        """Send the person to the client's address, which was compared before."""
        response: HttpResponse = OAuth2ResponseRedirect(
            _with_issuer(redirect_to), ["https", "http"]
        )
        return response

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Show the question, or what is wrong with the client's request."""
        if "error" in context:
            error = {"error": context["error"]}
            return render(self.request, "oauth/not_asked.html", error, status=kwargs["status"])
        where = urlsplit(context["redirect_uri"])
        origin = f"{where.scheme}://{where.netloc}"
        page = {
            "client": context["application"],
            "form": context["form"],
            "host": where.netloc,
            "scopes": [(name, settings.SCOPES[name]) for name in context["scopes"]],
        }
        response = render(self.request, "oauth/consent.html", page)
        # Browsers hold redirects after a form against form-action too (CSP 3 §6.4.2).
        response._csp_update = {"form-action": [origin]}  # type: ignore[attr-defined]  # noqa: SLF001 - as django-csp's decorators do
        return response


def _with_issuer(uri: str) -> str:
    """RFC 9207 §2: every response to the client says whose it is, refusals too."""
    parts = urlsplit(uri)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "iss"]
    query.append(("iss", settings.PUBLIC_URL))
    return urlunsplit(parts._replace(query=urlencode(query)))
