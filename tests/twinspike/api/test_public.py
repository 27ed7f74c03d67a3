"""What `import twinspike as ts` offers: small, documented, and loaded only as it is used."""

import inspect
import subprocess
import sys

import pytest

import twinspike as ts

LAZY = """
import sys
import twinspike as ts
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"numpy", "torch", "amaranth", "scipy"}, loaded
import numpy as np
net = ts.load("mnist")
assert net.classify(np.zeros((2, 28, 28), np.uint8)).label.shape == (2,)
assert net.embed(np.zeros((28, 28), np.uint8)).shape == (1, 8, 32)
assert not {"torch", "brevitas", "amaranth"} & set(sys.modules), sorted(sys.modules)
"""


def test_nothing_is_imported_before_it_is_needed_and_torch_only_to_train(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LAZY], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ts.__all__)
def test_every_public_name_and_method_is_documented_and_typed(name):
    found = getattr(ts, name)
    assert found.__doc__ and name in dir(ts)
    functions = (
        [found] if inspect.isfunction(found) else [f for f in vars(found).values() if inspect.isfunction(f)]
    )
    for function in functions:
        if not function.__name__.startswith("_"):
            assert function.__doc__, function
            assert "return" in function.__annotations__, function


def test_an_unknown_name_is_none_of_the_package():
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        ts.trian  # noqa: B018
