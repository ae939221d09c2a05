"""Rows made up for the templates: visits to a surgery, orders of a shop, things on sale.

Nobody's data: drawn from lists and from dependencies that are planted (age raises pressure, a
complaint has its diagnoses, a diagnosis its medicines and doses). Knows random numbers only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import numpy as np

from genloom.errors import UsageError

Row = dict[str, str]
# complaint -> (diagnosis, medicine, milligrams, times a day, days until seen again)
VISITS: Mapping[str, tuple[tuple[str, str, int, int, int], ...]] = {
    "sore throat": (
        ("viral pharyngitis", "paracetamol", 500, 3, 7),
        ("streptococcal tonsillitis", "penicillin V", 500, 2, 10),
    ),
    "cough": (
        ("acute bronchitis", "ambroxol", 30, 3, 14),
        ("pneumonia", "amoxicillin", 1000, 3, 3),
    ),
    "headache": (
        ("tension headache", "ibuprofen", 400, 2, 28),
        ("migraine", "sumatriptan", 50, 1, 28),
    ),
    "heartburn": (("reflux disease", "omeprazole", 20, 1, 28),),
    "low back pain": (("lumbar strain", "naproxen", 500, 2, 14),),
    "painful urination": (("cystitis", "nitrofurantoin", 100, 2, 5),),
    "swollen ankles": (("heart failure", "furosemide", 40, 1, 7),),
}
HISTORIES = ("hypertension", "asthma", "type 2 diabetes", "gout", "hypothyroidism", "")
ALLERGIES = ("penicillin", "latex", "nuts", "aspirin", "", "", "", "")
NAMES = [
    "Ada",
    "Ben",
    "Clara",
    "David",
    "Elif",
    "Farid",
    "Greta",
    "Hana",
    "Ivan",
    "Jana",
    "Kofi",
    "Lena",
    "Mia",
    "Noah",
    "Olga",
    "Paul",
]
FAMILIES = [
    "Abel",
    "Brandt",
    "Costa",
    "Demir",
    "Evans",
    "Fischer",
    "Garcia",
    "Haas",
    "Ito",
    "Jansen",
    "Klein",
    "Lopez",
    "Moreau",
]
TOWNS = [
    "Bern",
    "Cork",
    "Dijon",
    "Essen",
    "Faro",
    "Ghent",
    "Graz",
    "Lund",
    "Malaga",
    "Porto",
    "Turku",
    "Utrecht",
]
ITEMS: Mapping[str, float] = {
    "oak shelf": 89.0,
    "desk lamp": 34.5,
    "wool blanket": 59.9,
    "tea pot": 27.0,
    "garden chair": 74.0,
    "bread knife": 21.5,
}
GOODS: Mapping[str, tuple[tuple[str, ...], int, int, float, float]] = {
    "a shelf": (("oak", "beech", "steel"), 80, 180, 18.0, 120.0),
    "a lamp": (("steel", "glass", "paper"), 20, 50, 1.6, 45.0),
    "a chair": (("oak", "ash", "steel"), 45, 90, 6.5, 95.0),
    "a table": (("oak", "beech", "glass"), 140, 75, 32.0, 320.0),
    "a blanket": (("wool", "cotton", "linen"), 130, 180, 1.2, 60.0),
}
TITLES = [
    "Alva",
    "Birk",
    "Calla",
    "Dune",
    "Ebba",
    "Fjord",
    "Grove",
    "Holm",
    "Isle",
    "Juni",
    "Kai",
    "Linden",
    "Moss",
    "Nord",
    "Oda",
]
COLOURS = ("white", "black", "moss green", "sand", "dark blue", "brick red")
COUNTRIES = ("Denmark", "Portugal", "Poland", "Italy", "Lithuania")


def rows_made(template: str, count: int, seed: int = 0) -> list[Row]:
    """So many rows for one of our templates. UsageError for another template or count."""
    if template not in _MADE:
        raise UsageError(
            f"rows are made up for {', '.join(_MADE)}: give a table with the rows for {template!r}"
        )
    if not 1 <= count <= 1_000_000:
        raise UsageError(f"{count} rows: 1 to 1,000,000 are expected")
    rng = np.random.default_rng(seed)
    return [_MADE[template](rng) for _ in range(count)]


def _one(rng: np.random.Generator, options: tuple[str, ...] | list[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _visit(rng: np.random.Generator) -> Row:
    age = int(np.clip(rng.normal(48, 20), 5, 95))
    complaint = _one(rng, list(VISITS))
    ways = VISITS[complaint]
    diagnosis, medicine, dose, times, review = ways[int(rng.integers(len(ways)))]
    history = _one(rng, HISTORIES)
    systolic = int(rng.normal(105 + 0.5 * age + 12 * (history == "hypertension"), 9))
    fever = diagnosis in ("pneumonia", "streptococcal tonsillitis", "viral pharyngitis")
    allergy = _one(rng, ALLERGIES)
    return {
        "age": str(age),
        "sex": _one(rng, ("F", "M")),
        "complaint": complaint,
        "days": str(int(rng.integers(2, 15))),
        "history": history if age > 30 else "",
        "smoker": _one(rng, ("yes", "no", "no", "former")) if age > 15 else "no",
        "systolic": str(systolic),
        "diastolic": str(int(0.45 * systolic + rng.normal(22, 5))),
        "pulse": str(int(rng.normal(72 + 14 * fever, 8))),
        "temperature": f"{rng.normal(38.3 if fever else 36.7, 0.3):.1f}",
        "diagnosis": diagnosis,
        "medicine": medicine,
        "dose": str(dose),
        "times": str(times),
        "allergy": "" if allergy and allergy in medicine else allergy,
        "review": str(review),
    }


def _order(rng: np.random.Generator) -> Row:
    item, count = _one(rng, list(ITEMS)), int(rng.integers(1, 7))
    status = _one(rng, ("open", "sent", "sent", "late"))
    day = date(2026, 1, 1) + timedelta(days=int(rng.integers(330)))
    return {
        "name": f"{_one(rng, NAMES)} {_one(rng, FAMILIES)}",
        "order": str(int(rng.integers(10_000, 99_999))),
        "date": day.isoformat(),
        "count": str(count),
        "item": item,
        "total": f"{count * ITEMS[item]:.2f}",
        "paid": _one(rng, ("card", "card", "invoice", "transfer")),
        "status": status,
        "town": _one(rng, TOWNS),
        "days": str(int(rng.integers(2, 5) + 6 * (status == "late"))),
    }


def _thing(rng: np.random.Generator) -> Row:
    kind = _one(rng, list(GOODS))
    materials, width, height, weight, price = GOODS[kind]
    material, size = _one(rng, materials), float(rng.normal(1, 0.12))
    dear = 1.4 if material in ("oak", "wool", "steel") else 1.0
    return {
        "title": _one(rng, TITLES),
        "kind": kind,
        "material": material,
        "colour": _one(rng, COLOURS),
        "width": str(int(width * size)),
        "height": str(int(height * size)),
        "weight": f"{weight * size**3:.1f}",
        "country": _one(rng, COUNTRIES),
        "years": str(int(rng.integers(1, 11))),
        "stock": _one(rng, ("yes", "yes", "no")),
        "price": f"{price * size**2 * dear:.2f}",
    }


_MADE: Mapping[str, Callable[[np.random.Generator], Row]] = {
    "clinical": _visit,
    "email": _order,
    "product": _thing,
}
