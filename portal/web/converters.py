"""Path converters for ids. Any other id in a path is 404 before a query runs."""

from __future__ import annotations

from django.urls import register_converter

from portal.registry.regexes import CLIENT_ID, KID


class ClientIdConverter:
    """A client_id."""

    regex = CLIENT_ID

    def to_python(self, value: str) -> str:
        """Return the client_id unchanged."""
        return value

    def to_url(self, value: str) -> str:
        """Return the client_id unchanged."""
        return value


class KidConverter(ClientIdConverter):
    """A kid."""

    regex = KID


class ReferenceConverter(ClientIdConverter):
    """The reference of a token request: 80 bits in base32."""

    regex = "[a-z2-7]{16}"


class RowConverter:
    """The primary key of a row, no larger than the database column holds."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """Return the number as an int."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Return its digits."""
        return str(value)


register_converter(ClientIdConverter, "client_id")
register_converter(KidConverter, "kid")
register_converter(ReferenceConverter, "reference")
register_converter(RowConverter, "row")
