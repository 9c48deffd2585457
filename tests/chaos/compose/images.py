"""The image, the one that replaces it, and what must be in none of them."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tests.chaos.compose.site import PROJECT, Site, check


def build(site: Site, marks: list[str]) -> None:
    """Build the image, and look for private files in each layer and in what is said of it."""
    began = time.monotonic()
    site.do("build", "--quiet", "--tag", PROJECT, ".")
    took = time.monotonic() - began
    size = int(site.do("image", "inspect", "--format", "{{.Size}}", PROJECT))
    archive = site.folder.parent / "image.tar"
    site.do("save", "--output", str(archive), PROJECT)
    files = 0
    wanted = [mark.encode() for mark in marks]
    with tarfile.open(archive) as outer:
        for member in outer.getmembers():
            content = outer.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            for name, held in _files(content):
                files += 1
                check(
                    not any(mark in held for mark in wanted),
                    f"No private file is in the image, and one is in {member.name}: {name}",
                )
    archive.unlink()
    print(
        f"built in {took:.0f} s, {size / 1e6:.0f} MB; no private file among {files} in its layers"
    )


def _files(content: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Return the files of a layer, or the whole of what is none, with their names."""
    try:
        with tarfile.open(fileobj=content) as layer:
            for each in layer:
                found = layer.extractfile(each) if each.isfile() else None
                if found:
                    yield each.name, found.read()
    except tarfile.ReadError:
        content.seek(0)
        yield "", content.read()


def next_version(site: Site) -> Path:
    """Return a folder that makes an image like ours with another identity."""
    folder = site.folder.parent / "next"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {PROJECT}\nLABEL version=next\n")
    return folder
