"""The documents that machines fetch. Other parties have these URLs in their configuration."""

from django.urls import path

from portal.publishing import calendar_feed, metadata, own_documents, views

urlpatterns = [
    path("clients/<str:client_id>/jwks.json", views.jwks, name="jwks"),
    path("clients/<str:client_id>/jwks-extended.json", views.jwks_extended, name="jwks_extended"),
    path(".well-known/oauth-authorization-server", metadata.metadata, name="metadata"),
    path(own_documents.SECURITY_PATH, own_documents.security, name="security"),
    path("portal/jwks.json", own_documents.portal_jwks, name="portal_jwks"),
    path("calendars/<str:secret>.ics", calendar_feed.calendar_feed, name="calendar_feed"),
    path("ledger/checkpoint", own_documents.checkpoint, name="checkpoint"),
]
