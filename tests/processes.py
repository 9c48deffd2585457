"""What the kernel tells of processes (proc(5))."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the process ids of a process's children, whichever of its threads began them."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
