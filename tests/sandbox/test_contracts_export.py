"""`localtalon contracts export`: plain files that stand for themselves, in any language."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from localtalon.cli import main
from talon_contracts import export, schemas, vectors
from talon_contracts.rules import RULES

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "contracts.md").read_text("utf-8")

# What a test in another language does, in the least of JavaScript: it reads the files, follows references between
# them, flattens traits as the vectors say, and knows nothing of this project.
CONSUMER = """
const fs = require('fs'), path = require('path'), crypto = require('crypto');
const folder = process.argv[1];
const read = name => fs.readFileSync(path.join(folder, name));
const manifest = JSON.parse(read('manifest.json'));
for (const [name, {sha256}] of Object.entries(manifest.files))
  if (crypto.createHash('sha256').update(read(name)).digest('hex') !== sha256) throw new Error('digest of ' + name);
const rules = new Set(JSON.parse(read('rules.json')).map(rule => rule.id));
const ids = new Map(), all = Object.keys(manifest.files);
for (const name of all.filter(name => name.startsWith('schemas/'))) ids.set(JSON.parse(read(name)).$id, name);
let references = 0;
const follow = (node, base) => {
  if (node === null || typeof node !== 'object') return;
  if (typeof node.$ref === 'string') {
    const url = new URL(node.$ref, base), name = ids.get(url.origin + url.pathname);
    if (!name) throw new Error(node.$ref + ' leads nowhere');
    let at = JSON.parse(read(name));
    for (const step of url.hash.slice(2).split('/').filter(Boolean)) at = at[step];
    if (at === undefined) throw new Error(node.$ref + ' leads nowhere');
    references += 1;
  }
  Object.values(node).forEach(inner => follow(inner, base));
};
for (const [id, name] of ids) follow(JSON.parse(read(name)), id);
const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);
const isNumber = value => isObject(value) && Object.keys(value).join() === '$number';
const flatten = (traits, above = []) => Object.entries(traits ?? {}).flatMap(([key, value]) =>
  isObject(value) && !isNumber(value)
    ? flatten(value, [...above, key]) : [[[...above, key].join('_'), value]]);
let agreed = 0;
for (const {id, rules: cited, input, expected} of JSON.parse(read('vectors/flatten.json')).cases) {
  if (!cited.every(rule => rules.has(rule))) throw new Error(id + ' cites no rule');
  if (Object.keys(input ?? {}).some(key => /^\\d+$/.test(key))) continue;  // JavaScript puts such keys first
  if (JSON.stringify(flatten(input)) !== JSON.stringify(expected)) throw new Error(id);
  agreed += 1;
}
console.log(JSON.stringify({format: manifest.format, references, agreed}));
"""


@pytest.fixture(name="folder")
def an_export(tmp_path: Path) -> Path:
    folder = tmp_path / "contract"
    export.write(folder)
    return folder


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["contracts", "export", *arguments])


def tree(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items()}


def test_it_holds_everything(folder: Path) -> None:
    wanted = {"README.md", "rules.json", "manifest.json"}
    wanted |= {f"schemas/{name}.json" for name in schemas.names()}
    wanted |= {f"vectors/{name}.json" for name in vectors.names()}
    found = tree(folder)
    assert found.keys() == wanted
    manifest = json.loads(found["manifest.json"])
    assert manifest["format"] == 1
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in found.items() if name != "manifest.json"}
    assert {name: told["sha256"] for name, told in manifest["files"].items()} == digests
    told = json.loads(found["rules.json"])
    assert [rule["id"] for rule in told] == list(RULES)
    assert all(rule["statement"] and rule["source"] and set(rule["levels"]) <= set("STD") for rule in told)


def test_every_file_that_the_readme_names_is_there(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    for name in ("rules.json", "schemas/vector-file.json", "manifest.json"):
        assert f"`{name}`" in text
        assert (folder / name).exists()
    for name in vectors.names():
        assert f"- `{name}`: " in text


def test_references_are_resolved_among_the_files_and_nowhere_else(folder: Path) -> None:
    documents = {path.stem: json.loads(path.read_text()) for path in (folder / "schemas").iterdir()}
    registry: Registry[Any] = Registry().with_resources(
        (document["$id"], Resource.from_contents(document)) for document in documents.values()
    )
    validators = {name: Draft202012Validator(document, registry=registry) for name, document in documents.items()}
    for path in (folder / "vectors").iterdir():
        assert list(validators["vector-file"].iter_errors(json.loads(path.read_text()))) == []
    event = {"type": "identify", "userId": "u", "traits": {"vip": True}, "context": {"personas": {}}}
    assert validators["segment-batch"].is_valid({"batch": [event]})
    assert not validators["engage-audience-identify"].is_valid(event)
    personas = {"computation_class": "audience", "computation_key": "vip"}
    assert validators["engage-audience-identify"].is_valid({**event, "context": {"personas": personas}})
    assert not validators["talon-profile-update"].is_valid({"attributes": {"a": [[]]}})


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
def test_a_test_in_javascript_can_use_it(folder: Path) -> None:
    done = subprocess.run(["node", "-e", CONSUMER, str(folder)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["format"] == 1
    assert told["references"] > 20
    assert told["agreed"] > len(vectors.load("flatten")) // 2


def test_the_same_version_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    done = run(str(tmp_path / "again"), "--json")
    assert done.exit_code == 0
    assert json.loads(done.output) == {"folder": str(tmp_path / "again"), "files": list(export.contents())}
    assert tree(folder) == tree(tmp_path / "again")
    assert run(str(folder), "--force").exit_code == 0
    assert tree(folder) == tree(tmp_path / "again")


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = run(str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--force" in done.stderr
    assert tree(tmp_path) == {"mine.txt": b"mine"}


def test_force_takes_away_only_what_an_export_wrote(folder: Path) -> None:
    old, changed, foreign = (folder / "vectors" / name for name in ("old.json", "changed.json", "foreign.json"))
    manifest = json.loads((folder / "manifest.json").read_bytes())
    outside = folder.parent / "outside.json"
    for path, listed in ((old, "vectors/old.json"), (changed, "vectors/changed.json"), (outside, "../outside.json")):
        path.write_bytes(b"{}")
        manifest["files"][listed] = {"sha256": hashlib.sha256(b"{}").hexdigest()}
    changed.write_bytes(b"{ }")
    foreign.write_bytes(b"{}")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "rules.json").write_text("spoilt")
    assert run(str(folder), "--force").exit_code == 0
    assert not old.exists()
    assert (changed.read_bytes(), foreign.read_bytes(), outside.read_bytes()) == (b"{ }", b"{}", b"{}")
    assert len(json.loads((folder / "rules.json").read_bytes())) == len(RULES)


def test_force_follows_no_link_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(folder / "vectors")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "flatten.json").write_text("mine")
    (folder / "vectors").symlink_to(outside)
    (folder / "rules.json").unlink()
    done = run(str(folder), "--force")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{folder / 'vectors'} cannot be written: it is a link" in done.stderr
    assert tree(outside) == {"flatten.json": b"mine"}
    assert not (folder / "rules.json").exists()


def test_force_replaces_a_link_and_not_what_it_leads_to(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text("mine")
    for name in ("rules.json", ".rules.json.new"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(mine)
    named = tmp_path / "named"
    named.symlink_to(folder)
    assert run(str(named), "--force").exit_code == 0
    assert mine.read_text() == "mine"
    assert not (folder / "rules.json").is_symlink()
    assert (folder / ".rules.json.new").is_symlink()


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"files": 1}', '{"files": {"rules.json": 1}}', "\xff"])
def test_a_damaged_manifest_is_no_hindrance(folder: Path, manifest: str) -> None:
    (folder / "manifest.json").write_bytes(manifest.encode("latin-1"))
    assert run(str(folder), "--force").exit_code == 0
    assert json.loads((folder / "manifest.json").read_bytes())["format"] == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(str(tmp_path / "file" / "below"))
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_runs_as_a_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localtalon", "contracts", "export", "DIR"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"wrote {len(export.contents())} files into DIR; DIR/README.md says how to use them\n"


def test_the_document_shows_what_happens(tmp_path: Path) -> None:
    blocks = re.findall(r"^```(sh|text)\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    printed = ""
    for language, block in blocks:
        if language == "text":
            assert printed == block
            continue
        command = block.replace("localtalon ", f"{sys.executable} -m localtalon ", 1)
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        printed = done.stdout
    for name in export.contents():
        folder, _, rest = name.rpartition("/")
        assert (f"| `{folder}/*.json` |" if folder else f"| `{rest}` |") in DOCUMENT
