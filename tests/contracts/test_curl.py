"""Lines for a shell say exactly what was sent; of keys only the name of a variable is in them."""

import shlex

from hypothesis import example, given
from hypothesis import strategies as st

from talon_contracts import curl
from talon_contracts.curl import Addresses
from talon_contracts.exact_json import decode

AT = Addresses("http://127.0.0.1:8901", "http://127.0.0.1:8900")


@given(st.text())
@example('it\'s $LOCALTALON_API_KEY `id` "x"')
def test_a_body_arrives_as_it_is(text: str) -> None:
    (line,) = curl.posts([("/v1/identify", {"traits": {"name": text}})], AT)
    assert "'$LOCALTALON_API_KEY" not in shlex.split(line)
    *_, body = shlex.split(line)
    assert decode(body) == {"traits": {"name": text}}
    written = line.partition(" -d ")[2]
    assert written.startswith("'"), "in double quotes the shell would look into it"


def test_keys_are_filled_in_by_the_shell() -> None:
    (line,) = curl.posts([("/v1/identify", {})], AT)
    assert line.startswith('curl -u "$LOCALTALON_WRITE_KEY:" ')
    assert curl.read_back("/v1/x", AT).startswith('curl -H "Authorization: ApiKey-v1 $LOCALTALON_API_KEY" ')
    assert '"Authorization: ManagementKey-v1 $LOCALTALON_MANAGEMENT_KEY"' in next(
        curl.posts([("/v1/attributes", {})], AT)
    )


def test_requests_to_engage_have_their_method_and_type() -> None:
    place = "/_bridge/engage/audiences/a"
    defined, synced = curl.posts([(f"PUT {place}", {"name": "A"}), (f"POST {place}/sync", {"text/csv": "u1\n'"})], AT)
    assert shlex.split(defined)[1:6:2] == ["-X", "-H", f"{AT.bridge}{place}"]
    assert decode(shlex.split(defined)[-1]) == {"name": "A"}
    assert shlex.split(synced)[2:5:2] == ["POST", "Content-Type: text/csv"]
    assert shlex.split(synced)[-2:] == ["--data-binary", "u1\n'"]


def test_what_is_done_by_hand_is_a_remark() -> None:
    assert list(curl.posts([("restart the bridge", {})], AT)) == ["# restart the bridge"]
