"""What machines fetch. These addresses are written down in other people's configuration."""

from django.urls import path

from portal.oauth import token_views, views
from portal.oauth.consent import authorize
from portal.publishing import own_documents
from portal.registry import endpoints

urlpatterns = [
    path("clients/<str:client_id>/jwks.json", views.jwks, name="jwks"),
    path("clients/<str:client_id>/jwks-extended.json", views.jwks_extended, name="jwks_extended"),
    path(".well-known/oauth-authorization-server", views.metadata, name="metadata"),
    path(views.SECURITY_PATH, views.security, name="security"),
    path("portal/jwks.json", own_documents.portal_jwks, name="portal_jwks"),
    path("ledger/checkpoint", own_documents.checkpoint, name="checkpoint"),
    # No slash at the end, and none is added.
    path(endpoints.AUTHORIZATION_PATH, authorize, name="authorize"),
    path(endpoints.TOKEN_PATH, token_views.token, name="token"),
    path(endpoints.INTROSPECTION_PATH, token_views.introspect, name="introspect"),
    path(endpoints.REVOCATION_PATH, token_views.revoke, name="revoke"),
]
