import dataclasses
import math

import pytest

from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.fields import allowed, build, check, setting


@dataclasses.dataclass(frozen=True)
class Inner:
    depth: int = setting(1, low=1, help="how deep")


@dataclasses.dataclass(frozen=True)
class Demo:
    width: int = setting(low=1, high=8, help="how wide")
    rate: float = setting(0.5, low=0, high=1, help="how often")
    mode: str = setting("slow", choices=("slow", "fast"), help="which way")
    sizes: tuple[int, ...] = setting((2,), low=1, high=9, help="how many of each")
    on: bool = setting(False, help="whether")
    inner: Inner = setting(Inner(), help="a table")  # noqa: RUF009
    limit: int | None = setting(None, low=0, help="if any")


def test_builds_nested_tables_lists_and_optional_values():
    table = {"width": 3, "rate": 1, "sizes": [4, 5], "inner": {"depth": 7}, "limit": 2}
    made = build(Demo, table, "demo")
    assert made == Demo(3, 1.0, "slow", (4, 5), False, Inner(7), 2)
    assert type(made.rate) is float


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({}, "demo.width is missing: expected an integer in 1..8"),
        ({"width": 9}, "demo.width = 9 is not allowed: expected an integer in 1..8"),
        ({"width": "3"}, "demo.width = '3' is not allowed: expected an integer in 1..8"),
        ({"width": True}, "demo.width = True is not allowed: expected an integer in 1..8"),
        ({"width": 3.0}, "demo.width = 3.0 is not allowed: expected an integer in 1..8"),
        ({"width": 3, "rate": math.nan}, "demo.rate = nan is not allowed: expected a number in 0..1"),
        ({"width": 3, "rate": 2}, "demo.rate = 2.0 is not allowed: expected a number in 0..1"),
        ({"width": 3, "mode": "idle"}, "demo.mode = 'idle' is not allowed: expected one of slow, fast"),
        ({"width": 3, "on": 1}, "demo.on = 1 is not allowed: expected true or false"),
        ({"width": 3, "sizes": 4}, "demo.sizes = 4 is not allowed: expected a list (integers in 1..9)"),
        ({"width": 3, "sizes": [4, 0]}, "demo.sizes[1] = 0 is not allowed: expected integers in 1..9"),
        ({"width": 3, "sizes": [4.5]}, "demo.sizes[0] = 4.5 is not allowed: expected integers in 1..9"),
        (
            {"width": 3, "inner": {"depht": 1}},
            "demo.inner.depht is unknown: did you mean depth? Else allowed keys are depth",
        ),
        ({"width": 3, "inner": 5}, "demo.inner = 5 is not allowed: expected a table of settings"),
        (
            {"width": 3, "inner": {"depth": 0}},
            "demo.inner.depth = 0 is not allowed: expected an integer >= 1",
        ),
        (
            {"widht": 3},
            "demo.widht is unknown: did you mean width? Else allowed keys are width, rate, mode, "
            "sizes, on, inner, limit",
        ),
    ],
)
def test_bad_tables_are_refused_by_name(table, text):
    with pytest.raises(TwinspikeError) as caught:
        build(Demo, table, "demo")
    assert str(caught.value) == text


def test_check_covers_instances_made_in_python():
    check(Demo(3), "demo")
    with pytest.raises(
        TwinspikeError, match=r"^demo\.width = 0 is not allowed: expected an integer in 1\.\.8$"
    ):
        check(Demo(0), "demo")


def test_allowed_words_and_mutable_defaults():
    assert allowed(dataclasses.fields(Demo)[2]) == "one of slow, fast"
    with pytest.raises(TypeError, match="tuple or a frozen dataclass"):
        setting([], help="no")
