"""Every path of the portal."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include("allauth.account.urls")),
    path("console/", include("portal.web.console.urls")),
    path("", include("portal.web.urls")),
    path("", include("portal.oauth.urls")),
]
handler400 = "portal.web.views.errors.bad_request"
handler403 = "portal.web.views.errors.permission_denied"
handler404 = "portal.web.views.errors.not_found"
handler500 = "portal.web.views.errors.server_error"
