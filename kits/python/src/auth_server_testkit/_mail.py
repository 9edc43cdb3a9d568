"""Mails that the server has kept in place of sending them."""

from dataclasses import dataclass
from typing import Any, List, Mapping


@dataclass(frozen=True)
class Mail:
    """A mail. Mails are numbered from 1 since the start or the last reset."""

    number: int
    to: str
    subject: str
    language: str
    text: str
    html: str
    links: List[str]
    codes: List[str]

    @property
    def link(self) -> str:
        """The only link in the mail."""
        return _only("link", self.links)

    @property
    def code(self) -> str:
        """The only one-time code in the mail."""
        return _only("code", self.codes)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Mail":
        """The mail that a control endpoint tells."""
        return cls(**{name: told[name] for name in cls.__dataclass_fields__})


def _only(what: str, found: List[str]) -> str:
    if len(found) != 1:
        raise LookupError(f"the mail has not one {what}: {found}")
    return found[0]
