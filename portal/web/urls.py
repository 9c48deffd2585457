"""The paths of the pages for developers."""

from django.urls import path, register_converter

from portal.web.converters import ClientIdConverter, KidConverter, RowConverter
from portal.web.views import clients

register_converter(ClientIdConverter, "client_id")
register_converter(KidConverter, "kid")
register_converter(RowConverter, "row")

urlpatterns = [
    path("", clients.home, name="home"),
    path("clients/", clients.client_list, name="clients"),
    path("clients/new/", clients.client_new, name="client_new"),
]
