"""The settings of `make dev`: Django's debug page, and static files straight from their sources.

They go with DEMO only, which is for one's own machine, and this module is not in the image. The
debug page shows settings, code and what was sent.
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
