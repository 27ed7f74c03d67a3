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
# # For a researcher: train, compare, look inside
#
# Digits of 8x8 pixels come with scikit-learn, so nothing is downloaded. Few epochs keep this short; a network
# that is meant takes some hundred.

# %%
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import twinspike as ts

digits = load_digits()
images = (digits.images * 15.9375).astype(np.uint8)  # 0..16 becomes 0..255

# %% [markdown]
# ## Two networks that differ in one setting
#
# A table has the keys of a configuration file, and `changes` the names of `--set`.

# %%
TABLE = {
    "timesteps": 8,
    "layers": [{"neurons": 48}, {"neurons": 16}],
    "training": {"epochs": 8, "learning_rate": 0.01, "batch_size": 64},
}
nets = {}
for bits in (2, 4):
    changes = {"layers.0.weight_bits": bits, "layers.1.weight_bits": bits}
    nets[bits] = ts.train(TABLE, (images, digits.target), name=f"bits-{bits}", changes=changes)
    metrics = nets[bits].metrics
    print(f"{bits} bits: macro-F1 {metrics['macro_f1']:.3f}, active {metrics['hidden_activity']:.1%}")

# %% [markdown]
# ## The embedding
#
# Cumulative output spikes: the sum of absolute differences of two is their Earth Mover's Distance, so
# neighbours by the Manhattan metric are neighbours by EMD. The nearest reference is what the core answers.

# %%
net = nets[4]
x, y = net.test_images(300)
embedded = net.embed(x).reshape(len(x), -1)
neighbours = KNeighborsClassifier(3, metric="manhattan").fit(embedded[:200], y[:200])
answers = net.classify(x)
print(f"nearest reference: {(answers.label == y).mean():.1%} right, {(~answers.same).mean():.1%} unknown")
print(f"3 nearest of 200 embeddings: {neighbours.score(embedded[200:], y[200:]):.1%} right")

# %% [markdown]
# ## Spike trains

# %%
trains = net.spikes(x[:1])
figure = Figure(figsize=(8, 3), layout="constrained")
for axes, (layer, train) in zip(figure.subplots(1, len(trains)), enumerate(trains), strict=True):
    step, neuron = np.nonzero(train[0])
    axes.scatter(step, neuron, s=6)
    axes.set(title=f"layer {layer}", xlabel="time step", ylabel="neuron", xlim=(-0.5, 7.5))
figure.savefig("spikes.png")

# %% [markdown]
# ## All of it on one page, and the integers in one file

# %%
print(ts.report(net, "researcher.html"), net.save("mine.safetensors"))
assert ts.load("mine.safetensors").content_hash == net.content_hash
assert (answers.label == y).mean() > 0.7
