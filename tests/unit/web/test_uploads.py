"""What is uploaded stays in memory, and not more of it than is needed to refuse it."""

from __future__ import annotations

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.test import RequestFactory

from portal.core.public_key.parse import MAX_INPUT_BYTES
from portal.web.uploads import CappedUploadHandler


def upload(size: int) -> bytes:
    """Send a file of this size and return what a view would get."""
    handler: FileUploadHandler = CappedUploadHandler()
    request = RequestFactory().generic(
        "POST",
        "/",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../k.pem"\r\n\r\n'
        + b"k" * size
        + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    request.upload_handlers = [handler]
    file = request.FILES["file"]
    assert isinstance(file, UploadedFile)
    assert file.name == "k.pem"
    return bytes(file.read())


def test_a_file_within_the_limit_arrives_whole() -> None:
    assert len(upload(MAX_INPUT_BYTES)) == MAX_INPUT_BYTES


def test_of_a_larger_file_one_byte_more_is_kept() -> None:
    assert len(upload(MAX_INPUT_BYTES * 20)) == MAX_INPUT_BYTES + 1


def test_an_empty_file_is_empty() -> None:
    assert upload(0) == b""
