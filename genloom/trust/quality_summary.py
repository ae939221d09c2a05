"""The protocol for extracts: ROUGE of the best graded sentence beside other ways to choose one.

Knows texts with summaries and a model that grades sentences. Floor: the first sentence; ceiling:
the sentence that is nearest to the summaries. Of several summaries the nearest counts, as SciTLDR
does (Cachola et al. 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from genloom import api
from genloom.codec.pair.summary import GRADES, Text, texts_of
from genloom.engine.reading import Reader
from genloom.metric import bootstrap, rouge
from genloom.trust.quality import Row, Tell


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    texts = texts_of(held)[:count]
    tell("grading sentences")
    made = chosen(texts, graded(model, texts))
    tell("comparing")
    rows, intervals = [], {}
    own, first, best = (_rouge(t, texts) for t in (made, leads(texts), nearest(texts)))
    for name in rouge.NAMES:
        mine, theirs = (bootstrap.of_values(v[name]) for v in (own, first))
        whole = bootstrap.interval(mine, bootstrap.mean)
        gap = bootstrap.difference(mine, theirs, bootstrap.mean)
        intervals[name] = [whole.low, whole.high]
        rows.append(
            Row(
                metric=name,
                value=whole.value,
                floor=float(first[name].mean()),
                ceiling=float(best[name].mean()),
                better="higher",
                note=f"95%: {whole.low:.2f} to {whole.high:.2f}; above the floor, the first "
                f"sentence, by {gap}; ceiling: the sentence nearest to the summaries",
            )
        )
    return rows, {
        "texts": len(texts),
        "sentences": sum(len(text.sentences) for text in texts),
        "texts_seen_in_training": len({str(t) for t in texts} & {str(i.whole) for i in train}),
        "rouge": "F, no stems, the best of several references",
        "intervals_95": intervals,
    }


def graded(model: api.Model, texts: Sequence[Text]) -> list[np.ndarray]:
    """The grade that the model expects of each sentence of each text, float [sentences]."""
    codec: Any = model.codec
    asked = [codec.question(source) for text in texts for source in text.asked()]
    lead = [codec.spec.bos]
    ids, steps = codec.grades(), torch.arange(len(GRADES)).float()
    with Reader(model) as reader, torch.inference_mode():
        found = [
            float(reader.net.logits(hidden[-1])[ids].softmax(-1).cpu() @ steps)
            for hidden in reader.hidden([[*lead, *one.tolist()] for one in asked])
        ]
    ends = np.cumsum([len(text.sentences) for text in texts])
    return np.split(np.array(found), ends[:-1])


def chosen(texts: Sequence[Text], grades: Sequence[np.ndarray]) -> list[str]:
    """The best graded sentence of each text; the first of equals."""
    return [t.sentences[int(g.argmax())] for t, g in zip(texts, grades, strict=True)]


def leads(texts: Sequence[Text]) -> list[str]:
    return [text.sentences[0] for text in texts]


def nearest(texts: Sequence[Text]) -> list[str]:
    """The sentence of each text that is nearest to its summaries, which no model knows."""
    every = [_rouge(text.sentences, [text] * len(text.sentences)) for text in texts]
    return chosen(texts, [np.mean([*found.values()], 0) for found in every])


def _rouge(made: Sequence[str], texts: Sequence[Text]) -> dict[str, np.ndarray]:
    return rouge.values(made, [text.summaries for text in texts])
