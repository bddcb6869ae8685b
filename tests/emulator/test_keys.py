"""Keys of a deployment: listed without the keys, deleted at once and for good."""

import httpx

from emulator_support import Emulator, api_key, management_key


def test_a_deleted_key_opens_nothing(emulator: Emulator) -> None:
    made = emulator.client.post("/_emulator/deployments", json={"name": "keys"}).json()
    integration, manager = made["apiKeys"][0]["key"], made["managementKeys"][0]["key"]

    def statuses() -> tuple[int, int]:
        ping: httpx.Response = emulator.client.get("/v2/authping", headers=api_key(integration))
        listed: httpx.Response = emulator.client.get("/v1/attributes", headers=management_key(manager))
        return ping.status_code, listed.status_code

    keys = emulator.client.get("/_emulator/keys?deployment=keys").json()["keys"]
    assert integration not in str(keys)
    assert {(key["kind"], key["title"]) for key in keys} >= {
        ("integration", "Integration key"),
        ("management", "Management key"),
    }
    assert statuses() == (204, 200)
    first = next(key for key in keys if key["title"] == "Integration key")
    assert (first["application"], first["platform"], first["expires"]) == (1, "none", None)
    assert emulator.client.delete(f"/_emulator/keys/{first['id']}?deployment=keys").status_code == 204
    assert statuses() == (401, 200)
    again = emulator.client.delete(f"/_emulator/keys/{first['id']}?deployment=keys")
    assert (again.status_code, again.json()["error"]["code"]) == (404, "unknown_key")
    second = next(key for key in keys if key["kind"] == "management")
    assert emulator.client.delete(f"/_emulator/keys/{second['id']}?deployment=keys").status_code == 204
    assert emulator.client.post("/_emulator/reset?deployment=keys").status_code == 200
    assert statuses() == (401, 401)
    assert emulator.client.delete("/_emulator/deployments/keys").status_code == 204
