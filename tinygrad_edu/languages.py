"""The two languages in which the package explains: which there are, and the same text in both.

What is said is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True)
class Text:
    """The same in both languages."""

    en: str
    zh: str

    def in_language(self, lang: str) -> str:
        """English or, for "zh", Chinese."""
        return self.zh if lang == "zh" else self.en


def check_language(lang: Any) -> None:
    """Refuse what is no such language.

    Raises
    ------
    DataError: if it is none.
    """
    if lang not in LANGUAGES:
        raise DataError(f"lang must be 'en' or 'zh', but is {shortened(lang)}.")
