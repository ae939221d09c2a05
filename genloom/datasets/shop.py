"""A shop of three tables of which everything is known: customers, products and their orders.

Planted are: what a segment buys and how often, that a customer comes back to a category, how long
one waits, what an order costs by product, quantity and discount, and how it is rated. Knows no
model.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genloom.codec.table.frame import write_table

SEGMENTS = ("consumer", "business", "student")
REGIONS = ("north", "south", "east", "west")
CATEGORIES = ("office", "home", "toys", "sports", "food")
ORDERS = np.array([5.0, 9.0, 3.0])  # of a customer of each segment, on average
TASTE = np.array(
    [
        [0.10, 0.35, 0.15, 0.15, 0.25],
        [0.60, 0.20, 0.02, 0.03, 0.15],
        [0.25, 0.10, 0.15, 0.25, 0.25],
    ]
)
PRICE = np.array([3.6, 3.9, 2.8, 3.9, 1.8])  # its logarithm, on average
LOYALTY = 0.5  # of orders that follow the category of the one before
OPENED = "2022-01-01"


def draw_shop(customers: int, seed: int = 0) -> dict[str, Any]:
    """Frames of so many customers, a product for every eight, and about 5.7 orders each."""
    rng = np.random.default_rng(seed)
    people, segment, income, region, since = _customers(customers, rng)
    products, category, price, popular = _products(max(50, customers // 8), rng)
    orders = _orders(rng, segment, income, region, since, category, price, popular)
    pd = importlib.import_module("pandas")
    table = pd.DataFrame(orders)
    table["customer_id"] = people["customer_id"].to_numpy()[table["customer_id"]]
    table["sku"] = products["sku"].to_numpy()[table["sku"]]
    table = table.sort_values("date", kind="stable").reset_index(drop=True)
    table["date"] = _days(table["date"].to_numpy())
    table.insert(0, "order_id", np.arange(1, len(table) + 1))
    return {"customers": people, "products": products, "orders": table}


def write_shop(frames: Mapping[str, Any], folder: Path) -> Path:
    """A CSV file a table."""
    for name, frame in frames.items():
        write_table(frame, folder / f"{name}.csv", None)
    return folder


def halves(frames: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two shops of the same products: every second customer with the orders."""
    out = []
    for rest in (0, 1):
        people = frames["customers"].iloc[rest::2].reset_index(drop=True)
        mine = frames["orders"]["customer_id"].isin(people["customer_id"])
        orders = frames["orders"][mine].reset_index(drop=True)
        out.append({**frames, "customers": people, "orders": orders})
    return out[0], out[1]


def _days(since: np.ndarray) -> Any:
    pd = importlib.import_module("pandas")
    days = pd.Timestamp(OPENED) + pd.to_timedelta(since, unit="D")
    return days.strftime("%Y-%m-%d").astype("str")


def _customers(count: int, rng: np.random.Generator) -> tuple[Any, ...]:
    pd = importlib.import_module("pandas")
    segment = rng.choice(3, count, p=[0.6, 0.25, 0.15])
    region = rng.choice(4, count, p=[0.4, 0.3, 0.2, 0.1])
    age = np.clip(np.round(rng.normal(np.array([41, 45, 23])[segment], 9)), 18, 90)
    income = np.round(np.exp(rng.normal(np.array([10.5, 11.0, 9.6])[segment], 0.35)))
    since = rng.integers(0, 700, count)
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(1, count + 1),
            "segment": np.array(SEGMENTS)[segment],
            "age": age.astype(np.int64),
            "region": np.array(REGIONS)[region],
            "income": income,
            "since": _days(since),
        }
    )
    return frame, segment, income, region, since


def _products(count: int, rng: np.random.Generator) -> tuple[Any, ...]:
    pd = importlib.import_module("pandas")
    category = rng.choice(5, count, p=[0.25, 0.25, 0.15, 0.15, 0.2])
    price = np.round(np.exp(rng.normal(PRICE[category], 0.6)), 2)
    frame = pd.DataFrame(
        {
            "sku": [f"P-{n:05d}" for n in rng.permutation(count)],
            "category": np.array(CATEGORIES)[category],
            "price": price,
            "weight": np.round(price * rng.lognormal(-1, 0.5, count) + 0.1, 2),
        }
    )
    return frame, category, price, rng.lognormal(0, 0.7, count) / np.sqrt(price)


def _orders(
    rng: np.random.Generator,
    segment: np.ndarray,
    income: np.ndarray,
    region: np.ndarray,
    since: np.ndarray,
    category: np.ndarray,
    price: np.ndarray,
    popular: np.ndarray,
) -> dict[str, np.ndarray]:
    """All customers' n-th orders at a time. Customers and products by their places."""
    counts = rng.poisson(ORDERS[segment] * np.exp(rng.normal(0, 0.4, len(segment))))
    shelves = [np.flatnonzero(category == one) for one in range(5)]
    drawn: list[dict[str, np.ndarray]] = []
    when, last = since.astype(np.int64), np.full(len(segment), -1)
    for place in range(int(counts.max(initial=0))):
        who = np.flatnonzero(counts > place)
        wait = 60.0 * 5.0 / ORDERS[segment[who]]
        when[who] += 1 + rng.exponential(wait).astype(np.int64)
        again = (last[who] >= 0) & (rng.random(len(who)) < LOYALTY)
        wanted = (rng.random((len(who), 1)) > np.cumsum(TASTE[segment[who]], 1)[:, :-1]).sum(1)
        last[who] = np.where(again, last[who], wanted)
        product = np.empty(len(who), np.int64)
        for one in range(5):
            mine = last[who] == one
            chance = popular[shelves[one]] / popular[shelves[one]].sum()
            product[mine] = rng.choice(shelves[one], int(mine.sum()), p=chance)
        quantity = 1 + rng.poisson(np.where(segment[who] == 1, 1.5, 0.4))
        discount = np.round(
            np.clip(rng.normal(0.02 + 0.02 * min(place, 5), 0.02, len(who)), 0, 0.3), 2
        )
        amount = np.round(price[product] * quantity * (1 - discount), 2)
        pleased = 4.2 - 1.0 * (amount > income[who] / 300) - 0.5 * (region[who] == 3)
        rating = np.clip(np.round(rng.normal(pleased, 0.8)), 1, 5).astype(np.int64)
        drawn.append(
            {
                "customer_id": who,
                "sku": product,
                "date": when[who].copy(),
                "quantity": quantity,
                "discount": discount,
                "amount": amount,
                "rating": rating,
            }
        )
    return {name: np.concatenate([one[name] for one in drawn]) for name in drawn[0]}
