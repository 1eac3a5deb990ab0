"""Dotted paths into an answer: setting a value, and patterns that mean several paths."""

from __future__ import annotations

import copy
from typing import Any


def with_value(content: Any, path: str, value: Any) -> Any:
    """A copy of the content with another value at a path ("": all of it). Raises KeyError when it leads nowhere."""
    if not path:
        return copy.deepcopy(value)
    changed = copy.deepcopy(content)
    *parents, last = path.split(".")
    place = changed
    for part in parents:
        place = _inside(place, part, path)
    if isinstance(place, list) and last.isdecimal() and int(last) < len(place):
        place[int(last)] = copy.deepcopy(value)
    elif isinstance(place, dict):
        place[last] = copy.deepcopy(value)
    else:
        raise KeyError(path)
    return changed


def _inside(place: Any, part: str, path: str) -> Any:
    if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
        return place[int(part)]
    if isinstance(place, dict) and part in place:
        return place[part]
    raise KeyError(path)


def is_meant(path: str, pattern: str) -> bool:
    """Whether a pattern means a path: the same parts, `*` for any one. `lines` means all that is in it."""
    wanted, parts = pattern.split("."), path.split(".")
    return len(wanted) <= len(parts) and all(w in ("*", p) for w, p in zip(wanted, parts, strict=False))


def general(path: str) -> str:
    """The path with `*` for every index: what the elements of a list have in common."""
    return ".".join("*" if part.isdecimal() else part for part in path.split("."))
