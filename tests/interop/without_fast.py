"""The portal as WSGI without the fast authentication (ADR 0024): what benches compare with."""

from portal.wsgi import django as application

# isort: split
from portal.oauth.client_requests import ClientEndpoint

__all__ = ["application"]
ClientEndpoint.fast = None
