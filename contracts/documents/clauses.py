"""The standard clauses and words of contract documents, read from clauses/LANGUAGE.toml."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "clauses"
FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a section: a text, a lead with points, or the name of what the contract itself says here."""

    text: str = ""
    lead: str = ""
    items: tuple[str, ...] = ()
    insert: str = ""
    kinds: tuple[str, ...] = ()
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """A section of the document with its parts."""

    key: str
    title: str
    parts: tuple[Part, ...]
    kinds: tuple[str, ...] = ()
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clauses:
    """All clauses and words of a language; `mail` are those of the offer."""

    words: Mapping[str, str]
    mail: Mapping[str, str]
    clauses: tuple[Clause, ...]

    def of(self, kind: str, flags: Collection[str]) -> Iterator[tuple[Clause, list[Part]]]:
        """The sections for a kind of contract with the parts that fit; a section without any is left out."""
        for clause in self.clauses:
            parts = [part for part in clause.parts if _fits(part.kinds, part.when, kind, flags)]
            if parts and _fits(clause.kinds, clause.when, kind, flags):
                yield clause, parts


def _fits(kinds: Collection[str], when: Collection[str], kind: str, flags: Collection[str]) -> bool:
    return (not kinds or kind in kinds) and all(flag in flags for flag in when)


@cache
def clauses_of(language: str) -> Clauses:
    """The clauses in a language; in English where there are none in it."""
    path = FOLDER / f"{language.partition('-')[0]}.toml"
    data = tomllib.loads((path if path.exists() else FOLDER / f"{FALLBACK}.toml").read_text())
    return Clauses(
        words=data["words"],
        mail=data["mail"],
        clauses=tuple(
            Clause(
                key=section["key"],
                title=section["title"],
                kinds=tuple(section.get("kinds", ())),
                when=tuple(section.get("when", ())),
                parts=tuple(
                    Part(
                        text=part.get("text", ""),
                        lead=part.get("lead", ""),
                        items=tuple(part.get("items", ())),
                        insert=part.get("insert", ""),
                        kinds=tuple(part.get("kinds", ())),
                        when=tuple(part.get("when", ())),
                    )
                    for part in section["parts"]
                ),
            )
            for section in data["sections"]
        ),
    )
