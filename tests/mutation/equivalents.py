"""The mutants that no test can notice, each with the reason why it means the same."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from mutation.mutants import Name

LISTED = Path(__file__).with_name("equivalents.toml")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong after a run: who survived without being listed, and which entries have become idle."""

    survived: tuple[Name, ...]
    idle: tuple[Name, ...]


def read(path: Path = LISTED) -> dict[str, dict[Name, str]]:
    """The reasons, by module and name of the mutant; ValueError names an entry that is not complete."""
    listed: dict[str, dict[Name, str]] = {}
    for entry in tomllib.loads(path.read_text("utf-8")).get("equivalent", []):
        try:
            name = Name(entry["scope"], entry["before"], entry["after"], entry.get("nth", 1))
            module, reason = entry["module"], entry["reason"]
        except KeyError as error:
            raise ValueError(f"{path.name}: an entry has no {error}: {entry}") from None
        if not reason or name in listed.setdefault(module, {}):
            raise ValueError(f"{path.name}: {name} {'is there twice' if reason else 'has no reason'}")
        listed[module][name] = reason
    return listed


def judge(survived: set[Name], listed: dict[Name, str]) -> Judgement:
    """Compare the survivors of one module with its entries; an entry is idle when its mutant was killed, or is gone."""
    return Judgement(tuple(sorted(survived - listed.keys())), tuple(sorted(listed.keys() - survived)))


def entry(module: str, name: Name) -> str:
    """A survivor as an entry that lacks its reason, to be pasted where a test is truly impossible."""
    nth = f"nth = {name.nth}\n" if name.nth > 1 else ""
    texts = "".join(f"{key} = {_quoted(getattr(name, key))}\n" for key in ("scope", "before", "after"))
    return f'[[equivalent]]\nmodule = "{module}"\n{texts}{nth}reason = ""\n'


def _quoted(text: str) -> str:
    if "'" not in text and "\n" not in text:
        return f"'{text}'"
    literal = "'''" not in text and not text.endswith("'") and not text.startswith("\n")
    return f"'''{text}'''" if literal else json.dumps(text, ensure_ascii=False)
