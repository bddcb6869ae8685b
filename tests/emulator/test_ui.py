"""The Campaign Manager's pages: they render, escape everything, and find exactly."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator_support import LIVE_KEY, SANDBOX_KEY, Emulator, SetClock, over_http, running
from talon_emulator.seed import ApplicationSeed, AttributeSeed, DeploymentSeed, KeySeed
from talon_emulator.settings import Settings

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "</title><script>alert(1)</script>",
    "&lt;b&gt;",
]

CUSTOMERS = "/applications/1/customers"


class Seen(HTMLParser):
    """A page as a browser takes it: its texts, and its tags with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.markup: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.markup.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    parser.close()
    return parser


def pages_of(emulator: Emulator, text: str) -> list[str]:
    emulator.reset()
    emulator.update(text, {"text": text, "texts": [text]})
    return [emulator.client.get(CUSTOMERS).text, search(emulator, text), search(emulator, text + "x")]


def search(emulator: Emulator, integration_id: str) -> str:
    return emulator.client.get(
        f"{CUSTOMERS}?{urlencode({'integrationId': integration_id})}", follow_redirects=True
    ).text


def test_from_the_applications_to_an_attribute(emulator: Emulator) -> None:
    emulator.update("a/b", {"text": "hello", "numbers": [1, 2**53 + 1], "flag": False})
    home = emulator.client.get("/").text
    assert '<a href="/applications/1/customers">Test store</a>' in home
    listed = emulator.client.get(CUSTOMERS).text
    assert '<a href="/applications/1/customers" aria-current="page">Customers</a>' in listed
    assert '<a class="id" href="/applications/1/customer?integrationId=a%2Fb">a/b</a>' in listed
    hit = emulator.client.get(f"{CUSTOMERS}?integrationId=a%2Fb")
    assert (hit.status_code, hit.headers["location"]) == (303, "/applications/1/customer?integrationId=a%2Fb")
    page = emulator.client.get(hit.headers["location"]).text
    assert '<a href="/applications/1/customer?integrationId=a%2Fb" aria-current="page">Attributes</a>' in page
    assert "3 of 11 have a value" in page
    assert '<span class="value">hello</span>' in page
    assert '<span class="value">[1,9007199254740993]</span>' in page
    assert '<span class="value">false</span>' in page
    assert "(list location)" in page
    assert page.count('<span class="unset">no value</span>') == 8
    assert "cart_note" not in page


def test_the_search_compares_every_character(emulator: Emulator) -> None:
    emulator.update("User", {})
    assert "No customer has exactly the integration ID" in search(emulator, "user")
    assert "No customer has exactly" in search(emulator, "User ")
    assert "No customer has exactly" not in search(emulator, "User")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_a_user_sent_becomes_markup(emulator: Emulator, payload: str) -> None:
    calm = [seen(page) for page in pages_of(emulator, "calm")]
    for page, quiet in zip(pages_of(emulator, payload), calm, strict=True):
        assert seen(page).markup == quiet.markup
        assert payload in "".join(seen(page).texts)


def test_names_of_the_deployment_are_escaped() -> None:
    script = "<script>alert(1)</script>"
    application = ApplicationSeed(1, script, description=script, api_keys=(KeySeed("k", "k"),))
    attributes = (AttributeSeed("a", "string", description=script),)
    with running(Settings(deployment=DeploymentSeed(applications=(application,), attributes=attributes))) as emulator:
        emulator.update("u", {}, "k")
        for path in ("/", "/applications/1/customers", "/applications/1/customer?integrationId=u"):
            page = emulator.client.get(path).text
            assert script not in page


@over_http
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=50))
@example("\0")
@example("..")
@example("\r\n")
def test_any_customer_has_a_page(served: Emulator, integration_id: str) -> None:
    path = b"/v2/customer_profiles/" + quote(integration_id, safe="").encode()
    key = b"authorization: ApiKey-v1 " + SANDBOX_KEY.encode()
    end = b"host: localhost\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
    assert b" 200 " in served.raw(b"PUT " + path + b" HTTP/1.1\r\n" + key + b"\r\n" + end)
    answer = served.client.get("/applications/1/customer?" + urlencode({"integrationId": integration_id}))
    assert answer.status_code == 200
    assert integration_id in "".join(seen(answer.content.decode()).texts)


def test_pages_follow_each_other_newest_first(emulator: Emulator) -> None:
    for number in range(101):
        emulator.update(f"user-{number:03}", {})
    emulator.update("live", {}, LIVE_KEY)
    shown: list[str] = []
    path = CUSTOMERS
    for position, newer, older in [("1-50 of 101", "", "50"), ("51-100 of 101", "0", "100"), ("101-101", "50", "")]:
        page = emulator.client.get(path).text
        assert position in page
        assert (f'<a href="?skip={newer}">Newer</a>' in page) == bool(newer)
        assert (f'<a href="?skip={older}">Older</a>' in page) == bool(older)
        shown += re.findall(r">(user-\d+)</a>", page)
        path = f"{CUSTOMERS}?skip={older}"
    assert shown == [f"user-{number:03}" for number in reversed(range(101))]


def test_beyond_the_last_customer(emulator: Emulator) -> None:
    assert "No customers here yet." in emulator.client.get(f"{CUSTOMERS}?skip=50").text
    emulator.update("u", {})
    page = emulator.client.get(f"{CUSTOMERS}?skip=1000").text
    assert "There is only 1 customer here, none after the first 1,000." in page
    assert '<a href="?skip=0">' in page
    assert "Newer" not in page
    assert "Older" not in page


def test_times_are_shown_to_the_second(timed: Emulator, clock: SetClock) -> None:
    clock.moment = datetime(2030, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    timed.update("u", {})
    for page in (timed.client.get(CUSTOMERS).text, search(timed, "u")):
        assert '<time datetime="2030-01-31T23:59:59.999999Z">2030-01-31 23:59:59 UTC</time>' in page


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nothing", 404), ("/applications", 404), ("/applications/1/", 404), ("/%zz", 400), ("/ui/%3Cb%3E", 404)],
)
def test_a_browser_on_a_path_that_does_not_exist_is_shown_a_way_home(
    emulator: Emulator, path: str, status: int
) -> None:
    answer = emulator.client.get(path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<a href="/">All Applications</a>' in answer.text
    assert emulator.client.get(path).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/nothing"), ("GET", "/_emulator/nothing"), ("POST", "/nothing")]
)
def test_an_api_answers_json_even_to_a_browser(emulator: Emulator, method: str, path: str) -> None:
    answer = emulator.client.request(method, path, headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/applications/2/customers", 404),
        ("/applications/%3Cb%3E/customers", 404),
        ("/applications/1/customer", 404),
        ("/applications/1/customer?integrationId=nobody", 404),
        ("/applications/1/customers?integrationId=%ff", 400),
        ("/applications/1/customers?skip=ten", 400),
        ("/applications/1/customers?skip=-1", 400),
        ("/applications/1/customer?integrationId=%zz", 400),
    ],
)
def test_missing_pages(emulator: Emulator, path: str, status: int) -> None:
    answer = emulator.client.get(path)
    assert answer.status_code == status
    assert "<b>" not in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/", "/applications/1/customers", "/applications/9/customers", "/ui/style.css"])
def test_pages_allow_no_script_and_no_frame(emulator: Emulator, path: str) -> None:
    headers = emulator.client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "script" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_the_stylesheet_is_served(emulator: Emulator) -> None:
    answer = emulator.client.get("/ui/style.css")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "body {" in answer.text


def test_another_deployment_has_its_pages_under_its_name(emulator: Emulator) -> None:
    document = {"name": "Other.one", "applications": [{"id": 5, "name": "Other store"}]}
    made = emulator.client.post("/_emulator/deployments", json=document).json()
    key = made["apiKeys"][0]["key"]
    emulator.update("only here", {}, key=key)
    host = made["campaignManager"].removeprefix("http://").rstrip("/")
    assert host == f"other.one.localhost:{emulator.port}"
    named = {"host": host}
    assert "Other store" in emulator.client.get("/", headers=named).text
    assert "only here" in emulator.client.get("/applications/5/customers", headers=named).text
    assert f'href="//{host}/"' in emulator.client.get("/").text
    assert emulator.client.get("/_emulator/snapshots", headers=named).json()["deployment"] == "Other.one"
    assert emulator.client.get("/applications/5/customers").status_code == 404
    assert emulator.client.get("/", headers={"host": "nobody.localhost"}).status_code == 404
    assert emulator.client.delete("/_emulator/deployments/demo", headers=named).status_code == 409
    assert emulator.client.delete("/_emulator/deployments/Other.one", headers=named).status_code == 204
