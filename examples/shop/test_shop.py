"""The shop's own tests: what its services send ends up in Talon.One as the promotions need it.

`talon` and `bridge` come with localtalon's pytest plugin, and are set up as localtalon.toml says.
"""

import json
from pathlib import Path

EVENTS = Path(__file__).parent / "events"


def recorded(name):
    return [json.loads(line) for line in (EVENTS / name).read_text("utf-8").splitlines()]


def test_an_account_becomes_a_profile(talon, bridge):
    bridge.batch(recorded("accounts.ndjson"))
    bridge.idle()
    assert talon.profile("customer-1001").attributes == {
        "email": "ada@example.com",
        "first_name": "Ada",
        "newsletter": True,
        "address_city": "Berlin",
        "address_country": "DE",
        "favourite_categories": ["books", "tea"],
    }


def test_a_customer_of_the_last_30_days_is_known_as_one(talon, bridge):
    bridge.audience("customer-7", "order_completed_last_30days", True)
    bridge.idle()
    assert talon.profile("customer-7").attributes == {"order_completed_last_30days": True}


def test_points_in_quotes_are_refused_and_change_nothing(talon, bridge):
    sent = bridge.identify("customer-8", {"loyalty_points": "42"})
    bridge.idle()
    assert "customer-8" not in talon
    assert bridge.explain(sent).traits[0].rule == "ATT-2"
