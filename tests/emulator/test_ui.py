"""The Campaign Manager's pages: they render, escape everything, and find exactly."""

from html.parser import HTMLParser
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator_support import SANDBOX_KEY, Emulator, over_http, running
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
    return [search(emulator, text), search(emulator, text, "customer"), search(emulator, text + "x")]


def search(emulator: Emulator, integration_id: str, page: str = "customers") -> str:
    answer = emulator.client.get(f"/applications/1/{page}?" + urlencode({"integrationId": integration_id}))
    return answer.text


def test_from_the_applications_to_an_attribute(emulator: Emulator) -> None:
    emulator.update("a/b", {"text": "hello", "numbers": [1, 2**53 + 1], "flag": False})
    home = emulator.client.get("/").text
    assert '<a href="/applications/1/customers">Test store</a>' in home
    found = search(emulator, "a/b")
    link = '<a class="id" href="/applications/1/customer?integrationId=a%2Fb">a/b</a>'
    assert link in found
    assert link in emulator.client.get("/applications/1/customers").text
    page = emulator.client.get("/applications/1/customer?integrationId=a%2Fb").text
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


def test_pages_follow_each_other(emulator: Emulator) -> None:
    for number in range(51):
        emulator.update(f"user-{number:02}", {})
    first = emulator.client.get("/applications/1/customers").text
    assert first.count('class="id"') == 50
    assert '<a href="?skip=50">Later</a>' in first
    second = emulator.client.get("/applications/1/customers?skip=50").text
    assert second.count('class="id"') == 1
    assert '<a href="?skip=0">Earlier</a>' in second


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/applications/2/customers", 404),
        ("/applications/%3Cb%3E/customers", 404),
        ("/applications/1/customer", 404),
        ("/applications/1/customer?integrationId=nobody", 404),
        ("/applications/1/customers?integrationId=%ff", 400),
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
