"""BLEU of a corpus (Papineni et al. 2002), as sacreBLEU reckons it (Post 2018), to the last digit.

Words as mteval-v13a cuts them, orders 1 to 4, exponential smoothing where an order has no match
(Chen & Cherry 2014, method 3), the nearest reference length. Knows strings.
Shape legend: N texts, S = 2 + 2 * ORDER counts: our length, the reference's, matches, n-grams.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

ORDER = 4
SIGNATURE = "nrefs:{references}|case:mixed|eff:no|tok:13a|smooth:exp"

# signs but for . , - and '; stops and commas that are not between digits; dashes after a digit
_RULES = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


def words(text: str) -> list[str]:
    """The words of mteval-v13a."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for name, sign in _ENTITIES:
        text = text.replace(name, sign)
    text = f" {text} "
    for rule, put in _RULES:
        text = rule.sub(put, text)
    return text.split()


def counts(made: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """float [N, S]; each text has one reference or more."""
    rows = [_counts(text, told) for text, told in zip(made, references, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(-1, 2 + 2 * ORDER)


def score(sums: np.ndarray) -> np.ndarray:
    """BLEU, 0 to 100, of sums of counts [..., S]."""
    sums = np.asarray(sums, dtype=np.float64)
    ours, theirs = sums[..., 0], sums[..., 1]
    matched, total = sums[..., 2 : 2 + ORDER], sums[..., 2 + ORDER :]
    missed = (matched == 0).cumsum(-1)  # the k-th order without a match counts half as the last
    smooth = np.where(matched > 0, matched, 0.5**missed)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(smooth / total)
        short = np.where(ours < theirs, 1 - theirs / ours, 0.0)
        found = 100 * np.exp(short + logs.mean(-1))
    defined = (matched.sum(-1) > 0) & (total.min(-1) > 0)
    return np.where(defined, found, 0.0)


def signature(references: Sequence[Sequence[str]]) -> str:
    """How the number was made, as sacreBLEU writes it."""
    sizes = {len(told) for told in references}
    return SIGNATURE.format(references=sizes.pop() if len(sizes) == 1 else "var")


def _counts(text: str, references: Sequence[str]) -> list[int]:
    own, told = words(text), [words(reference) for reference in references]
    grams = _grams(own)
    most: Counter[tuple[str, ...]] = Counter()
    for reference in told:
        most |= _grams(reference)
    near = min((len(reference) for reference in told), key=lambda n: (abs(n - len(own)), n))
    matched, total = [0] * ORDER, [0] * ORDER
    for gram, count in grams.items():
        total[len(gram) - 1] += count
        matched[len(gram) - 1] += min(count, most[gram])
    return [len(own), near, *matched, *total]


def _grams(tokens: list[str]) -> Counter[tuple[str, ...]]:
    runs = (
        tuple(tokens[n : n + size])
        for size in range(1, ORDER + 1)
        for n in range(len(tokens) - size + 1)
    )
    return Counter(runs)
