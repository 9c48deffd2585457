"""What machines fetch. These addresses are written down in other people's configuration."""

from django.urls import path

from portal.oauth import views

urlpatterns = [
    path("clients/<str:client_id>/jwks.json", views.jwks, name="jwks"),
    path("clients/<str:client_id>/jwks-extended.json", views.jwks_extended, name="jwks_extended"),
    path(".well-known/oauth-authorization-server", views.metadata, name="metadata"),
]
