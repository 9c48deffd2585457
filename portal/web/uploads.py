"""Uploads stay in memory, in one small capped buffer."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from portal.core.public_key.parse import MAX_INPUT_BYTES


class CappedUploadHandler(FileUploadHandler):
    """Keeps an upload in memory, and not more of it than it takes to see that it is too large.

    Django's own handlers keep whole files and write large ones to disk, where a private key that
    somebody chose by mistake would be left behind.
    """

    chunk_size = MAX_INPUT_BYTES

    def new_file(self, *args: object, **kwargs: object) -> None:
        """Begin with an empty buffer."""
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]  # handed on as it came
        self._buffer = bytearray()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002
        """Keep a chunk; one byte over the limit is enough for the parser to refuse the file."""
        self._buffer += raw_data[: MAX_INPUT_BYTES + 1 - len(self._buffer)]

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:  # noqa: ARG002
        """Hand over what was kept."""
        return SimpleUploadedFile(
            self.file_name or "key", bytes(self._buffer), self.content_type or "text/plain"
        )
