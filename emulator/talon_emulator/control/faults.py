"""The faults of a deployment, put into effect and ended: `/_emulator/faults`."""

from talon_emulator import seed_document
from talon_emulator.calls import Call, json_answer
from talon_emulator.control import parameters
from talon_emulator.control.parameters import takes
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.faults.kinds import KINDS
from talon_emulator.nearest import nearest
from talon_emulator.seed import SeedError
from talon_emulator.shapes import control_error


@takes("deployment")
async def list_faults(call: Call) -> Answer:
    """GET /_emulator/faults: all in effect, with how often each has struck."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    shown = [armed.view() for armed in served.faults.all()]
    return json_answer({"deployment": served.record.name, "faults": shown})


@takes("deployment")
async def create_fault(call: Call) -> Answer:
    """POST /_emulator/faults: 201 with the fault and its `id`; what it takes depends on its `kind`, see `KINDS`."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    document = parameters.document(call)
    if isinstance(document, Answer):
        return document
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        hint = nearest(kind, tuple(KINDS)) if isinstance(kind, str) else f"one of {', '.join(KINDS)}"
        return parameters.bad_document(SeedError("/kind", "a fault needs a known kind", hint))
    fault = seed_document.read_as(KINDS[kind], document)
    if isinstance(fault, SeedError):
        return parameters.bad_document(fault)
    return json_answer(served.faults.add(fault).view(), 201)


@takes("deployment")
async def delete_faults(call: Call) -> Answer:
    """DELETE /_emulator/faults: 204, all is well again."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    served.faults.clear()
    return NO_CONTENT


@takes("deployment")
async def delete_fault(call: Call) -> Answer:
    """DELETE /_emulator/faults/{fault}: 204, that one is ended."""
    served = parameters.deployment(call)
    if isinstance(served, Answer):
        return served
    number = call.path["fault"]
    if not number.isdecimal() or not served.faults.remove(int(number[:18])):
        return control_error(404, "unknown_fault", f"There is no fault {number!r}", "GET /_emulator/faults has them")
    return NO_CONTENT
