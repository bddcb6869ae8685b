"""All that a deployment holds, kept under names, taken out and put in: `/_emulator/snapshot`, `export`, `import`."""

from typing import Annotated

import msgspec

from talon_emulator import body, contents_check, contents_document, errors
from talon_emulator.calls import Call, json_answer
from talon_emulator.contents_document import Document
from talon_emulator.control import parameters, state
from talon_emulator.control.parameters import takes
from talon_emulator.directory import ServedDeployment
from talon_emulator.errors import Refusal
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.seed import SeedError
from talon_emulator.shapes import control_error
from talon_emulator.store.protocol import Contents


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of what makes or restores a snapshot."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")]


_DOCUMENT = body.decoder(Document)


@takes("deployment")
async def list_snapshots(call: Call) -> Answer:
    """GET /_emulator/snapshots: their names."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    names = await call.server.store.list_snapshots(served.id)
    return json_answer({"deployment": served.record.name, "snapshots": names})


@takes("deployment")
async def save_snapshot(call: Call) -> Answer:
    """POST /_emulator/snapshot: keep the contents under a name, in place of what was kept under it."""
    named = parameters.read_as(Named, call)
    if isinstance(named, Answer):
        return named
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    await call.server.store.save_snapshot(served.id, named.name)
    return json_answer({"deployment": served.record.name, "snapshot": named.name}, 201)


@takes("deployment")
async def restore_snapshot(call: Call) -> Answer:
    """POST /_emulator/restore: back to a snapshot; clock, faults, limits and journal stay as they are."""
    named = parameters.read_as(Named, call)
    if isinstance(named, Answer):
        return named
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    kept = await call.server.store.find_snapshot(served.id, named.name)
    if kept is None:
        known = ", ".join(await call.server.store.list_snapshots(served.id)) or "none"
        return control_error(404, "unknown_snapshot", f"There is no snapshot {named.name!r}", f"there are: {known}")
    return await _put(call, served, kept)


@takes("deployment")
async def delete_snapshot(call: Call) -> Answer:
    """DELETE /_emulator/snapshots/{snapshot}: 204, whether it was there or not."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    await call.server.store.delete_snapshot(served.id, call.path["snapshot"])
    return NO_CONTENT


@takes("deployment")
async def export(call: Call) -> Answer:
    """GET /_emulator/export: the document; keys and users are not in it."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    return json_answer(contents_document.write(await call.server.store.contents(served.id)))


@takes("deployment")
async def import_document(call: Call) -> Answer:
    """POST /_emulator/import: the document in the place of all but the deployment's keys and users."""
    document = body.decode(call.request.body, _DOCUMENT)
    if isinstance(document, Refusal):
        return _bad(document)
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    present = await call.server.store.contents(served.id)
    wrong = contents_check.first_problem(document, frozenset(key.application for key in present.state.api_keys))
    if wrong is not None:
        return parameters.bad_document(wrong)
    return await _put(call, served, contents_document.read(document, present))


async def _put(call: Call, served: ServedDeployment, contents: Contents) -> Answer:
    state_keys = [key.fingerprint for key in contents.state.api_keys]
    for fingerprint in (*state_keys, *(key.fingerprint for key in contents.state.management_keys)):
        holder = call.server.directory.owner(fingerprint)
        if holder is not None and holder is not served:
            message = f"a key of it belongs to the deployment {holder.record.name!r} by now"
            return control_error(409, "key_taken", message, "delete that deployment first")
    served.life += 1
    call.server.directory.put(await call.server.store.replace_contents(served.id, contents))
    return json_answer(state.summary(served))


def _bad(refusal: Refusal) -> Answer:
    problem = refusal.errors[0] if refusal.errors else errors.bad_member(refusal.message, errors.pointer())
    return parameters.bad_document(SeedError(problem.source.get("pointer", ""), problem.details))
