"""The users with whom a server begins, as import lines."""

import json
import os
from pathlib import Path
from typing import Any, Iterable, List, Mapping, Optional, Union

Lines = Iterable[Mapping[str, Any]]
Seed = Union[str, "os.PathLike[str]", Lines]

REALM = "dev"


def as_text(seed: Optional[Seed]) -> Optional[str]:
    """The import lines of a seed: of a file at a path, or of mappings. ``None`` stands for the demo users.

    A mapping without ``kind`` is a user. Without a realm among them, they get one.
    """
    if seed is None:
        return None
    if isinstance(seed, (str, os.PathLike)):
        return Path(seed).read_text(encoding="utf-8")
    given = list(seed)
    realms = [line["realm"] for line in given if line.get("kind") == "realm"]
    first: List[Mapping[str, Any]] = []
    if not realms:
        first = [{"kind": "realm", "realm": REALM, "subdomain": "", "digest_logins": True}]
    return users_as_text([*first, *given], realms[0] if realms else REALM)


def users_as_text(lines: Lines, realm: str) -> str:
    """Import lines of mappings, each of which is a user of the realm unless it says otherwise."""
    return "".join(json.dumps({"kind": "user", "realm": realm, **line}) + "\n" for line in lines)
