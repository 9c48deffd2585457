"""Settings of the tests: those of the portal, with http, as live test servers have no https.

tests/postgres.py starts a PostgreSQL and sets DATABASE_URL.
"""

import os
import sys

os.environ.setdefault("DEMO", "true")
os.environ.setdefault("SECRET_KEY", "for-tests-only-" * 5)
os.environ.setdefault("PUBLIC_URL", "http://testserver")
os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")
if "mypy" in sys.modules:
    os.environ.setdefault("DATABASE_URL", "postgresql://nobody@localhost/none")

from portal.settings import *  # noqa: F403

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Secure password hashes are slow by design, and tests sign in often.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Serve static files from their sources, without collectstatic.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
