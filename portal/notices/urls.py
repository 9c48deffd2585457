"""The paths of the pages of notices."""

from django.urls import path

from portal.notices import views

urlpatterns = [
    path("", views.settings_page, name="notices"),
    path("<str:token>/agreement/", views.agreement, name="notices_agreement"),
    path("<str:token>/stop/", views.stop, name="notices_stop"),
    path("<str:token>/silence/", views.silence, name="notices_silence"),
]
