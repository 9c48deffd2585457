"""All URL paths of the portal."""

from django.urls import URLPattern, URLResolver, include, path

from portal import health

urlpatterns: list[URLPattern | URLResolver] = [
    # Paths for programs come first, so that Django matches them before the paths of pages.
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("portal.publishing.urls")),
    path("", include("portal.oauth.urls")),
    path("account/notices/", include("portal.notices.urls")),
    path("account/", include("portal.accounts.urls")),
    path("console/", include("portal.console.urls")),
    path("", include("portal.webhooks.urls")),
    path("", include("portal.web.urls")),
]
handler400 = "portal.web.errors.bad_request"
handler403 = "portal.web.errors.permission_denied"
handler404 = "portal.web.errors.not_found"
handler500 = "portal.web.errors.server_error"
handler429 = "portal.web.errors.too_many_requests"
