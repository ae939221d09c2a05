"""The page's sources keep the house's rules; each rule is shown a fault and something sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import page_rules
import pytest
from page_rules import Page

Rule = Callable[[Page], Iterator[str]]
RULES: list[Rule] = [
    page_rules.is_short,
    page_rules.is_named_for_what_it_knows,
    page_rules.says_what_it_knows,
    page_rules.makes_nothing_live,
    page_rules.loads_nothing_from_elsewhere,
    page_rules.takes_colours_from_tokens,
    page_rules.has_no_shading,
    page_rules.names_its_styles_after_its_room,
]

BROKEN: list[tuple[Rule, str, str]] = [
    (page_rules.is_short, "chat/Chat.tsx", "a;\n" * 501),
    (page_rules.is_named_for_what_it_knows, "chat/utils.ts", ""),
    (page_rules.is_named_for_what_it_knows, "api/streamHelpers.ts", ""),
    (page_rules.is_named_for_what_it_knows, "common/a.css", ""),
    (page_rules.says_what_it_knows, "chat/Chat.tsx", "a;\n" * 9),
    (page_rules.makes_nothing_live, "chat/a.ts", "place.innerHTML = text;"),
    (page_rules.makes_nothing_live, "chat/a.tsx", "<p dangerouslySetInnerHTML={{ __html: t }} />"),
    (page_rules.makes_nothing_live, "chat/a.ts", "p.insertAdjacentHTML('beforeend', t)"),
    (page_rules.makes_nothing_live, "chat/a.ts", "const x = eval(text);"),
    (page_rules.makes_nothing_live, "chat/a.ts", "new Function(text)()"),
    (page_rules.makes_nothing_live, "chat/a.tsx", "<iframe sandbox='' src={url} />"),
    (page_rules.makes_nothing_live, "chat/a.ts", "document.createElement('script')"),
    (page_rules.makes_nothing_live, "chat/a.ts", "new DOMParser().parseFromString(t, 'text/html')"),
    (page_rules.makes_nothing_live, "chat/a.ts", "trustedTypes.createPolicy('x', {})"),
    (page_rules.makes_nothing_live, "chat/a.ts", "setTimeout('go()', 1)"),
    (page_rules.loads_nothing_from_elsewhere, "a.ts", "import('https://cdn.example/x.js')"),
    (page_rules.loads_nothing_from_elsewhere, "a.tsx", '<img src="//cdn.example/x.png" />'),
    (page_rules.loads_nothing_from_elsewhere, "a.css", "src: url(http://a.example/f.woff2);"),
    (page_rules.takes_colours_from_tokens, "chat/chat.css", ".chat { color: #1a2b3c; }"),
    (page_rules.takes_colours_from_tokens, "chat/chat.css", ".chat { color: rgb(1 2 3); }"),
    (page_rules.takes_colours_from_tokens, "chat/chat.css", ".chat { border: 1px solid red; }"),
    (page_rules.takes_colours_from_tokens, "train/Curve.tsx", '<path stroke="#abc" />'),
    (page_rules.takes_colours_from_tokens, "train/draw.ts", 'context.fillStyle = "red";'),
    (page_rules.has_no_shading, "chat/chat.css", ".chat { background: linear-gradient(a, b); }"),
    (page_rules.has_no_shading, "chat/chat.css", ".chat { box-shadow: 0 0 9px var(--ink); }"),
    (
        page_rules.names_its_styles_after_its_room,
        "chat/chat.css",
        ".message { color: var(--ink); }",
    ),
    (page_rules.names_its_styles_after_its_room, "chat/chat.css", ".chat-a, p { margin: 0; }"),
]

SOUND: list[tuple[Rule, str, str]] = [
    (page_rules.is_short, "chat/Chat.tsx", "a;\n" * 500),
    (page_rules.is_named_for_what_it_knows, "chat/Message.tsx", ""),
    (page_rules.says_what_it_knows, "chat/Chat.tsx", "// What one says.\n"),
    (page_rules.makes_nothing_live, "chat/a.tsx", "// never innerHTML\n<p>{text}</p>"),
    (page_rules.makes_nothing_live, "chat/a.ts", "pattern.exec(text); retrieval(text)"),
    (
        page_rules.loads_nothing_from_elsewhere,
        "a.ts",
        "// see https://example.org\nget('/v1/models')",
    ),
    (page_rules.loads_nothing_from_elsewhere, "a.ts", 'const SVG = "http://www.w3.org/2000/svg";'),
    (page_rules.takes_colours_from_tokens, "chat/chat.css", ".chat-red { color: var(--red-x); }"),
    (page_rules.takes_colours_from_tokens, "chat/a.tsx", '<a href="#room" onClick={go}>x</a>'),
    (page_rules.takes_colours_from_tokens, "look/tokens.css", ":root { --ink: #16201d; }"),
    (page_rules.has_no_shading, "chat/chat.css", ".chat { box-shadow: var(--shadow); }"),
    (page_rules.has_no_shading, "chat/a.css", ".chat { box-shadow: inset 0 -3px 0 var(--ink); }"),
    (page_rules.has_no_shading, "a.css", ".a { background: repeating-conic-gradient(red, blue); }"),
    (
        page_rules.names_its_styles_after_its_room,
        "chat/chat.css",
        ".chat-a p, .chat { margin: 0; }",
    ),
    (page_rules.names_its_styles_after_its_room, "look/base.css", "p { margin: 0; }"),
    (
        page_rules.names_its_styles_after_its_room,
        "chat/chat.css",
        "@media (max-width: 46rem) { .chat { margin: 0; } }\n@keyframes x { from { top: 0; } }",
    ),
]


def _name(value: object) -> str:
    return getattr(value, "__name__", None) or str(value).replace("\n", "; ")[:48]


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_the_page_keeps(rule: Rule) -> None:
    faults = [fault for page in page_rules.sources() for fault in rule(page)]
    assert not faults, "\n".join(["", *faults])


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN, ids=_name)
def test_a_fault_of_the_page_is_seen(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Page(path=path, text=text)))


@pytest.mark.parametrize(("rule", "path", "text"), SOUND, ids=_name)
def test_a_sound_page_passes(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(Page(path=path, text=text)))


def test_every_rule_of_the_page_is_proven() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES) == {rule for rule, _, _ in SOUND}


def test_the_sources_are_really_read() -> None:
    found = {page.path for page in page_rules.sources()}
    assert {"main.tsx", "shell/Shell.tsx", "look/tokens.css"} <= found
