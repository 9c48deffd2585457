"""The settings of `make dev`: Django's debug page, and static files served from their sources.

They require DEMO, which is for your own machine; the image does not contain this module. The debug
page shows settings, code and request data.
"""

from django.core.exceptions import ImproperlyConfigured

from portal.settings import *  # noqa: F403
from portal.settings import DEMO, STORAGES

if not DEMO:
    raise ImproperlyConfigured("These settings have DEBUG and are for DEMO only: make dev")

DEBUG = True
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
