"""The endpoints of OAuth. Their URLs are in other people's configuration."""

from django.urls import path

from portal.oauth import token_views
from portal.oauth.consent import authorize
from portal.registry import endpoints

urlpatterns = [
    # No slash at the end, and none is added.
    path(endpoints.AUTHORIZATION_PATH, authorize, name="authorize"),
    path(endpoints.TOKEN_PATH, token_views.token, name="token"),
    path(endpoints.INTROSPECTION_PATH, token_views.introspect, name="introspect"),
    path(endpoints.REVOCATION_PATH, token_views.revoke, name="revoke"),
]
