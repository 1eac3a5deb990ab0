"""Single values: allowed, of a form, there at all, known from elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from nightdrop.rules.paths import values_at
from nightdrop.rules.rule import Failed, Rule, named


def one_of(path: str, allowed: Collection[Any], *, ask_again: bool = False) -> Rule:
    """The value is one of these."""
    choices = list(allowed)

    def test(content: Any) -> Iterator[Failed]:
        for at, value in values_at(content, path):
            if value not in choices:
                yield Failed(f"{at} {value!r} is none of {', '.join(map(repr, choices[:10]))}", at)

    return Rule(name=named("one_of", path, sorted(choices, key=repr)), test=test, ask_again=ask_again)


def matches(path: str, pattern: str, *, ask_again: bool = False) -> Rule:
    """The whole text matches the regular expression. Raises re.error for one that is none."""
    compiled = re.compile(pattern)

    def test(content: Any) -> Iterator[Failed]:
        for at, value in values_at(content, path):
            if compiled.fullmatch(str(value)) is None:
                yield Failed(f"{at} {value!r} does not have the form {pattern}", at)

    return Rule(name=named("matches", path, pattern), test=test, ask_again=ask_again)


def required(*paths: str, ask_again: bool = False) -> Rule:
    """These are there: not null, not blank, no empty list."""

    def test(content: Any) -> Iterator[Failed]:
        for path in paths:
            found = [value for _, value in values_at(content, path)]
            if not any(bool(v.strip()) if isinstance(v, str) else v != [] for v in found):
                yield Failed(f"{path} is missing", path)

    return Rule(name=named("required", *paths), test=test, ask_again=ask_again)


def known(path: str, where: Collection[Any] | Callable[[Any], bool], *, ask_again: bool = False) -> Rule:
    """The value is known from elsewhere, such as other documents or a master file.

    where: a collection, or a function that says whether it knows a value (it may ask a database). A collection's
    content is part of the agent's revision; of a function its name, and `version` where it has one.
    """
    knows: Callable[[Any], bool] = where if callable(where) else where.__contains__

    def test(content: Any) -> Iterator[Failed]:
        for at, value in values_at(content, path):
            if not knows(value):
                yield Failed(f"{at} {value!r} is not known", at)

    return Rule(name=named("known", path, where=_identity(where)), test=test, ask_again=ask_again)


def _identity(where: Collection[Any] | Callable[[Any], bool]) -> str:
    if callable(where):
        name = f"{getattr(where, '__module__', '')}.{getattr(where, '__qualname__', type(where).__qualname__)}"
        return f"{name}@{where.version}" if hasattr(where, "version") else name
    return hashlib.sha256("\n".join(sorted(map(repr, where))).encode()).hexdigest()[:16]
