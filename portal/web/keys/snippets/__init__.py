"""Programs that sign in as a client, filled with its own values, one for each language."""

from portal.web.keys.snippets.languages import LANGUAGES, Language
from portal.web.keys.snippets.write import Snippet, signers_of, snippet

__all__ = ["LANGUAGES", "Language", "Snippet", "signers_of", "snippet"]
