"""Programs that sign in as a client, with its values filled in, one per language."""

from portal.web.keys.snippets.languages import LANGUAGES, Language
from portal.web.keys.snippets.write import Snippet, render, signers_of, signing_context, snippet

__all__ = ["LANGUAGES", "Language", "Snippet", "render", "signers_of", "signing_context", "snippet"]
