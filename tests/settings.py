"""Settings of the tests: the portal's own on http, as live servers of tests speak no https.

DATABASE_URL comes from outside: tests/postgres.py starts a PostgreSQL and sets it.
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
# Hashing passwords well takes time on purpose; tests sign in a lot.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Static files come straight from their sources: nothing is collected before tests.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
