"""The executor on this machine: tasks drawn as there is room, dead processes replaced."""

import pytest
from support.runs import counting, dying, refuse, squares, told

from twinspike.executor import Store, Task, content_key, in_this_process, on_this_machine
from twinspike.numerics.errors import TwinspikeError


@pytest.fixture
def executor():
    with on_this_machine(2) as made:
        yield made


def test_every_task_is_done_once_and_kept(executor, tmp_path):
    store, numbers = Store.at(tmp_path), range(5)
    done = {task.title: row for task, row in executor.each(squares(numbers), store, "squares")}
    assert done == {f"square of {n}": {"square": n * n} for n in numbers}
    again = [row["square"] for _, row in executor.each(squares(numbers), store, "squares")]
    assert sorted(again) == [n * n for n in numbers]
    assert {(tmp_path / f"square-{n}" / "count").read_text() for n in numbers} == {"1"}


@pytest.mark.parametrize("made", [in_this_process, lambda: on_this_machine(1)])
def test_tasks_may_be_given_tables(made, tmp_path):
    tasks = [Task(f"told-{n}", told, ({"layers": n},)) for n in range(2)]
    with made() as executor:
        assert [row for _, row in executor.each(tasks, Store.at(tmp_path), "telling")] == [
            {"layers": 0},
            {"layers": 1},
        ]


def test_a_task_is_drawn_when_there_is_a_slot_for_it(executor, tmp_path):
    drawn = []

    def tasks():
        for task in squares(range(6)):
            drawn.append(task)
            yield task

    for done, _ in enumerate(executor.each(tasks(), Store.at(tmp_path), "squares")):
        assert len(drawn) <= done + 3  # those that are done, with this one, and two that run


def test_what_a_task_refuses_comes_out(executor, tmp_path):
    with pytest.raises(TwinspikeError, match="this run cannot be"):
        list(executor.each([Task("x", refuse)], Store.at(tmp_path), "refusing"))


def test_a_run_whose_process_dies_goes_on_in_another(executor, tmp_path):
    tasks = [Task("dies", dying, (2,), "dies"), Task("counts", counting, (6, 0.05), "counts"), *squares([7])]
    rows = {task.key: row for task, row in executor.each(tasks, Store.at(tmp_path), "dying")}
    assert rows["dies"] == {"tried": 2} and rows["square-7"] == {"square": 49}
    assert rows["counts"]["begun"] < 6


def test_a_run_that_always_kills_its_process_is_given_up(executor, tmp_path):
    with pytest.raises(TwinspikeError, match=r"^dies: given up, a worker process died 3 times"):
        list(executor.each([Task("dies", dying, (9,), "dies")], Store.at(tmp_path), "dying"))


def test_keys_are_by_content():
    assert content_key({"a": 1, "b": 2}, "c") == content_key({"b": 2, "a": 1}, "c") != content_key({"a": 1})
