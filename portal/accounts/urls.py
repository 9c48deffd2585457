"""The URL paths for sign-in: only those of django-allauth that the portal uses."""

from allauth.account import views
from django.urls import path, re_path

from portal.accounts.limits import has_own_limit, limited
from portal.accounts.views import confirm_email, confirm_sign_up

urlpatterns = [
    path("login/", limited("login")(views.login), name="account_login"),
    path("logout/", has_own_limit(views.logout), name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", limited("signup")(views.signup), name="account_signup"),
    path(
        "reauthenticate/",
        limited("reauthenticate")(views.reauthenticate),
        name="account_reauthenticate",
    ),
    path("email/", limited("manage_email")(views.email), name="account_email"),
    path(
        "signup/confirm/", limited("confirm_email")(confirm_sign_up), name="account_confirm_sign_up"
    ),
    path(
        "confirm-email/",
        limited("confirm_email")(confirm_email),
        name="account_email_verification_sent",
    ),
    path(
        "password/change/",
        limited("change_password")(views.password_change),
        name="account_change_password",
    ),
    path(
        "password/set/", limited("change_password")(views.password_set), name="account_set_password"
    ),
    path("password/reset/", has_own_limit(views.password_reset), name="account_reset_password"),
    path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        limited("reset_password_from_key")(views.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]
