# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # For a maker: a classifier that learns new things without training
#
# A network is trained once. After that a new class is a reference, made of a few examples: in Python here, on
# the board by `twinspike device enrol`.

# %%
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

import twinspike as ts

digits = load_digits()
images, labels = (digits.images * 15.9375).astype(np.uint8), digits.target
known = labels < 8  # 8 and 9 are kept for later
net = ts.train(
    {
        "timesteps": 8,
        "layers": [{"neurons": 48}, {"neurons": 16}],
        "training": {"epochs": 8, "learning_rate": 0.01, "batch_size": 64},
    },
    (images[known], labels[known]),
    name="maker",
)

# %% [markdown]
# ## Ask it about a file
#
# On the command line: `twinspike predict nine.png --network build/maker`.

# %%
Image.fromarray(images[labels == 9][0]).save("nine.png")
(answer,) = net.predict("nine.png")
print(f"nearest is {answer.label}, distance {answer.distance}, known: {answer.known}")

# %% [markdown]
# ## Teach it 8 and 9, from ten examples each

# %%
taught = net
for new in (8, 9):
    taught = taught.enrolled(images[labels == new][:10], label=new)
fresh = np.concatenate([images[labels == new][10:60] for new in (8, 9)])
truth = np.repeat([8, 9], 50)
before, share = ((one.classify(fresh).label == truth).mean() for one in (net, taught))
print(f"{share:.0%} of new 8s and 9s are named right; before it was {before:.0%}")
assert share > 0.3

# %% [markdown]
# ## Onto a board
#
# The core's size beforehand:

# %%
found = net.core("up5k", "area", images=images[:60]).prediction
print(f"about {found.logic_cells:,} of 5,280 logic cells, {found.ram_blocks} of 30 block RAMs")

# %% [markdown]
# Then, in a shell:
#
# ```sh
# twinspike sim-board --config build/maker/maker.toml --board icebreaker --serve --port board
# twinspike bitstream --config build/maker/maker.toml --board icebreaker
# twinspike flash --config build/maker/maker.toml --board icebreaker
# twinspike device enrol --config build/maker/maker.toml --port /dev/ttyUSB1 --label 9 --image nine.png
# ```
