"""The OAuth endpoints. Clients and verifiers have their URLs in configuration."""

from django.urls import path

from portal.oauth import token_views
from portal.oauth.consent import authorize
from portal.registry import endpoints

urlpatterns = [
    # The path has no trailing slash, and APPEND_SLASH adds none.
    path(endpoints.AUTHORIZATION_PATH, authorize, name="authorize"),
    path(endpoints.TOKEN_PATH, token_views.token, name="token"),
    path(endpoints.INTROSPECTION_PATH, token_views.introspect, name="introspect"),
    path(endpoints.REVOCATION_PATH, token_views.revoke, name="revoke"),
]
