"""Where the lessons' texts are: in the installed package, or at the root of a checkout."""

from pathlib import Path

from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import DataError
from tinygrad_edu.languages import check_language

_HERE = Path(__file__).parent
_FOLDERS = (_HERE / "lessons", _HERE.parents[1] / "course")
_ENDINGS = {"en": ".md", "zh": ".zh-CN.md"}


def lessons_folder() -> Path:
    """The folder of the lessons' texts."""
    return next(filter(Path.is_dir, _FOLDERS))


def lesson_files(lang: str) -> dict[int, Path]:
    """The texts of all lessons, by their numbers, in "en" or "zh".

    Raises
    ------
    DataError: if there is no such language.
    """
    check_language(lang)
    files = (file for file in sorted(lessons_folder().glob("[0-9][0-9]_*.md")) if "." not in file.name.removesuffix(_ENDINGS[lang]))
    return {int(file.name[:2]): file for file in files}


def lesson_file(number: int, lang: str) -> Path:
    """The text of a lesson.

    Raises
    ------
    DataError: if there is no such lesson, or no such language.
    """
    files = lesson_files(lang)
    if number not in files:
        raise DataError(f"the lessons are numbered {min(files)} to {max(files)}, but number is {shortened(number)}.")
    return files[number]


def lesson_title(number: int, lang: str) -> str:
    """What a lesson is called: its first heading, which begins with its number, without this.

    Raises
    ------
    DataError: if there is no such lesson, or no such language.
    """
    lines = lesson_file(number, lang).read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("# ")).removeprefix(f"# {number}. ")
