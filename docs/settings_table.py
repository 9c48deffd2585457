"""Write the table of settings in the README from portal/settings.py: `make docs`.

A row is a call such as `env.number("KEY_LIMIT", 10)` and the text below it. If the
default is not a literal, the text ends with it: "Default: …". Rows are in the order of the
settings, the required ones first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = "| Variable | Default | Meaning |\n|---|---|---|\n"
REQUIRED = {"secret", "public_url", "hosts", "database", "mail"}
"""The readers of `portal/environment.py` that have no default."""
DEFAULT_SECOND = {"choice", "log_level", "number", "rate", "scopes"}
"""The readers whose second argument is the default."""


def rows(settings: str) -> list[tuple[str, str, str]]:
    """Return name, default and meaning of each variable that the settings read.

    Raises `ValueError` for a variable without a text below it.
    """
    found = []
    for statement, below in _statements(ast.parse(settings).body):
        found += [(*each, below) for each in _calls(statement)]
    found.sort(key=lambda each: (each[0] not in REQUIRED, each[1].lineno))
    return [_row(*each) for each in found]


def _statements(block: list[ast.stmt]) -> Iterator[tuple[ast.stmt, ast.stmt | None]]:
    """Return the simple statements of a block and the blocks in it, each with the one below."""
    for statement, below in zip_longest(block, block[1:]):
        if isinstance(statement, ast.If | ast.For):
            yield from _statements(statement.body)
            yield from _statements(statement.orelse)
        else:
            yield statement, below


def _calls(statement: ast.stmt) -> Iterator[tuple[str, ast.Call]]:
    """Return the calls of readers in a statement, each with the reader's name."""
    for node in ast.walk(statement):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env"), attr=reader)):
                yield reader, node


def _row(reader: str, call: ast.Call, below: ast.stmt | None) -> tuple[str, str, str]:
    name = str(ast.literal_eval(call.args[0]))
    match below:
        case ast.Expr(value=ast.Constant(value=str(text))):
            meaning, _, default = " ".join(text.split()).partition(" Default: ")
            return name, default.rstrip(".") or _default(reader, call), meaning.rstrip(".")
    message = f"{name} has no text below it in portal/settings.py; please write what it means."
    raise ValueError(message)


def _default(reader: str, call: ast.Call) -> str:
    if reader in REQUIRED:
        return "required"
    given = [each.value for each in call.keywords if each.arg == "default"]
    if reader in DEFAULT_SECOND:
        given = call.args[1:2]
    if not given:
        return "none"
    value = ast.literal_eval(given[0])
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else "none"


def table(settings: str) -> str:
    """Return the rows of the table."""
    return "".join(
        f"| `{name}` | {default} | {meaning} |\n" for name, default, meaning in rows(settings)
    )


def current(readme: str, settings: str) -> str:
    """Return the README with the table of these settings."""
    before, _, rest = readme.partition(HEAD)
    after = rest.partition("\n\n")[2]
    return f"{before}{HEAD}{table(settings)}\n{after}"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    settings = (ROOT / "portal" / "settings.py").read_text("utf-8")
    readme.write_text(current(readme.read_text("utf-8"), settings), "utf-8")
