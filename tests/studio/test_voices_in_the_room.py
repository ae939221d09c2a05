"""The Generate room with a model that speaks: its voices, a recording with consent, and a player
that shows what was said as a wave and as a spectrogram."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import small_server
import torch
from browsing import opening
from small_server import Running

from genloom.codec.sound.files import wav_bytes
from genloom.sound.wave import Sound
from genloom.studio import pages

CELLS = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const rows = Array.from({ length: canvas.height }, (_, row) => {
    let ink = 0;
    for (let x = 0; x < canvas.width; x++) ink += data[4 * (row * canvas.width + x) + 3];
    return ink;
  });
  return rows;
}"""


@pytest.fixture(scope="module")
def speaking(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    name = small_server.speakers(home, "talkers")
    data = tmp_path_factory.mktemp("talkers")
    with small_server.running(data, [name], pages=pages.pages()) as it:
        yield it


@pytest.mark.slow
def test_a_voice_is_chosen_given_heard_and_seen(
    speaking: Running, browser: Any, shot: Callable[..., Path], tmp_path: Path
) -> None:
    time = torch.arange(8_000) / 8_000
    file = tmp_path / "mine.wav"
    file.write_bytes(wav_bytes(Sound(0.4 * torch.sin(2 * torch.pi * 200 * time)[None], 8_000)))
    with opening(browser, speaking.url) as opened:
        page = opened("#/generate")
        page.locator(".generate-bolt:has([value='talkers'])").click()
        page.get_by_label("Prompt").fill("Low high low.")
        page.get_by_label("Voice", exact=True).select_option("bob")
        page.locator(".generate-go button").first.click()
        player = page.locator(".generate-run[data-state=done] .viewer-sound")
        player.first.wait_for()
        player.get_by_role("button", name="Spectrogram").first.click()
        page.wait_for_function(
            "() => document.querySelector('.viewer-sound canvas')?.ariaLabel?.includes('Hz')"
        )
        rows = player.first.locator("canvas").evaluate(CELLS)
        assert max(rows) > 0
        page.locator(".generate-given input[type=file]").set_input_files(str(file))
        page.locator(".generate-given audio").wait_for()
        shot(page, "generate-speech")
        page.locator(".generate-go button").first.click()
        page.get_by_text("agrees").first.wait_for()  # no voice without consent
