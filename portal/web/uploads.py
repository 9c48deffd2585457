"""Keep uploads in memory, in one small buffer with a limit."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from portal.core.public_key.parse import MAX_INPUT_BYTES


class CappedUploadHandler(FileUploadHandler):
    """Keeps an upload in memory, up to one byte over the limit.

    Django's own handlers keep whole files and write large ones to disk, where a private key that
    was chosen by mistake would remain.
    """

    chunk_size = MAX_INPUT_BYTES

    def new_file(self, *args: object, **kwargs: object) -> None:
        """Start with an empty buffer."""
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]  # handed on as it came
        self._buffer = bytearray()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002
        """Keep a chunk; one byte over the limit is enough for the parser to refuse the file."""
        self._buffer += raw_data[: MAX_INPUT_BYTES + 1 - len(self._buffer)]

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:  # noqa: ARG002
        """Return the file from the buffer."""
        return SimpleUploadedFile(
            self.file_name or "key", bytes(self._buffer), self.content_type or "text/plain"
        )
