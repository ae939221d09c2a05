"""Captions as prompts in the words of a language model: a frozen encoder's states, word by word.

Holds the encoder, so that a model which is told features needs nothing beside it. Knows ids and
states; not where an encoder is found, and no picture.
Shape legend: N prompts, P positions, L ids of a caption, E the encoder's width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from genloom.codec.saving import load_json, save_json
from genloom.codec.text.codec import TextCodec
from genloom.configure import configure, plain
from genloom.errors import DataError, GenloomError, ModelError, RecipeError, RequestError
from genloom.net.attention import CausalAttention
from genloom.net.language_model import LanguageModel
from genloom.net.unfilled import Unfilled
from genloom.spec import FeatureSpec
from genloom.tensor_files import SHARD, TensorFiles, write_sharded

TOGETHER = 32  # captions a pass


class SpokenCodec:
    """Prompts as a language model reads them.

    model     whose: a trained model of texts (a name or a path), or the folder of a published text
              encoder or language model
    limit     most tokens of a prompt; the length is that of the longest caption up to this
    """

    kind: ClassVar[str] = "spoken"

    def __init__(self, *, model: str = "", limit: int = 64) -> None:
        if limit < 1:
            raise RecipeError(f"prompt.limit is {limit}: give 1 or more")
        self.model, self.limit = str(model), limit
        self.length = 1
        self._words: TextCodec | None = None
        self._net: LanguageModel | None = None

    # --- the encoder ------------------------------------------------------------------------------

    def take(self, words: TextCodec, net: LanguageModel) -> None:
        """Speak with this model from now on. It is asked and never moves."""
        self._words, self._net = words, net.requires_grad_(False).eval()

    @property
    def encoder(self) -> tuple[TextCodec, LanguageModel]:
        if self._words is None or self._net is None:
            raise RecipeError(
                "a spoken prompt needs a language model: name one with --set prompt.model=NAME"
            )
        return self._words, self._net

    @property
    def spec(self) -> FeatureSpec:
        return FeatureSpec(width=self.encoder[1].config.width, length=self.length)

    # --- prompts ----------------------------------------------------------------------------------

    def fit(self, captions: Iterable[str]) -> None:
        """Only the length is learnt."""
        longest = max((len(ids) for ids in self._ids([*captions])), default=0)
        if longest < 2:
            raise DataError("no words to learn: every caption is empty; train without a prompt")
        self.length = min(longest - 1, self.limit, self.encoder[0].spec.length - 1)

    def encode(self, prompts: Sequence[str | None], *, strict: bool = True) -> Tensor:
        """half [N, P, E]. None and "" are the null prompt, all zeros.

        strict is for prompts: too long is an error. Otherwise, for captions, the end is cut.
        """
        texts = [prompt or "" for prompt in prompts]
        distinct = [text for text in dict.fromkeys(texts) if text.strip()]
        ids = self._ids(distinct)
        longest = max(map(len, ids), default=0)
        if strict and longest > self.length + 1:
            raise RequestError(
                f"the prompt has {longest - 1} tokens, this model reads at most {self.length}: "
                "shorten it"
            )
        width = self.encoder[1].config.width
        made = torch.zeros(1 + len(distinct), self.length, width, dtype=torch.half)
        order = sorted(range(len(ids)), key=lambda n: len(ids[n]))
        for start in range(0, len(order), TOGETHER):
            rows = order[start : start + TOGETHER]
            states = self._states([ids[n][: self.length + 1] for n in rows])
            made[torch.tensor(rows) + 1, : states.shape[1]] = states.half()
        place = {text: n for n, text in enumerate(distinct, start=1)}
        return made[torch.tensor([place.get(text, 0) for text in texts], dtype=torch.long)]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        """What begins a text, its own ids, what ends it."""
        words = self.encoder[0]
        spec = words.spec
        end = spec.bos if spec.eos is None else spec.eos
        return [[spec.bos, *ids.tolist(), end] for ids in words.encode(texts)]

    @torch.inference_mode()
    def _states(self, ids: Sequence[Sequence[int]]) -> Tensor:
        """float [B, L - 1, E]: the last layer's states but the first one's, of one scale; zeros
        behind the end."""
        net, longest = self.encoder[1], max(map(len, ids))
        rows = torch.tensor([[*one, *[0] * (longest - len(one))] for one in ids])
        before = torch.cat((rows[:, :1], rows[:, :-1]), 1)
        position = torch.arange(longest)[None, :, None].expand(len(rows), -1, -1)
        states = net(rows, position, CausalAttention(), before).float()
        there = torch.arange(longest) < torch.tensor([[len(one)] for one in ids])
        states = torch.nn.functional.layer_norm(states, states.shape[-1:])
        return (states * there[..., None])[:, 1:]

    def unknown(self, text: str) -> list[str]:
        """The encoder has met every piece of a word."""
        return []

    # --- disk -------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        words, net = self.encoder
        values = {"model": self.model, "limit": self.limit, "length": self.length}
        save_json(folder, self.kind, {**values, "net": plain(net.config)})
        (Path(folder) / "words").mkdir(exist_ok=True)
        words.save(Path(folder) / "words")
        write_sharded(Path(folder), net.state_dict(), SHARD)

    @classmethod
    def load(cls, folder: Path) -> Self:
        keys = frozenset({"model", "limit", "length", "net"})
        values = load_json(folder, cls.kind, keys)
        try:
            codec = cls(model=values["model"], limit=values["limit"])
            codec.length = int(values["length"])
            words = TextCodec.load(Path(folder) / "words")
            codec.take(words, _stored(Path(folder), values["net"], words))
        except ModelError:
            raise
        except (GenloomError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{folder} does not load ({str(error).splitlines()[0]}): restore the model folder"
            ) from None
        return codec


def _stored(folder: Path, options: Mapping[str, Any], words: TextCodec) -> LanguageModel:
    config = configure(LanguageModel.Config, options, "prompt.net")
    with Unfilled():
        net = LanguageModel(config, words.spec, None)
    files = TensorFiles.open(folder)
    net.load_state_dict({name: files.read(name) for name in files.names}, assign=True)
    return net
