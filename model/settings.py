"""The `[training]` table of a configuration (no torch needed to read it)."""

import dataclasses
import math

from ..numerics.fields import setting

# The setting `rule` -> module below model/rules and class, imported when a training begins.
RULES = {
    "surrogate": ("surrogate", "Surrogate"),
    "temporal": ("temporal", "Temporal"),
    "stidi": ("stidi", "Displacement"),
    "proxy": ("proxy", "Proxy"),
}
# Rules by which output n stands for label n.
OUTPUTS_ARE_LABELS = ("temporal", "stidi")
# See model/loss/losses.py.
ACTIVITY_PRICES = ("excess", "squares")
LOSSES = ("supervised-contrastive", "triplet", "contrastive")
# See model/loss/distances.py.
DISTANCES = ("emd", "emd-normalised", "spike-count", "van-rossum")


# Where `epochs` is 0: a small training set is passed more often.
USUAL_EPOCHS = 30
LEAST_BATCHES = 1200


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained."""

    epochs: int = setting(
        0, low=0, high=10000, help="passes over the training set; 0: 30, or as many as make 1,200 batches"
    )
    batch_size: int = setting(128, low=4, high=65536, help="images per step; all their pairs form the loss")
    per_class: int = setting(
        0, low=0, high=65536, help="a batch has so many images of each of its classes; 0: as they come"
    )
    quarter_turns: bool = setting(False, help="images turned by 90, 180 and 270 degrees are further classes")
    images: int = setting(0, low=0, high=10**9, help="train with only so many of the images; 0: all")
    validate: float = setting(
        0.0,
        low=0.0,
        high=0.9,
        help="this share of the training samples is held out and measured after each epoch (the data's own "
        "val part, where it has one)",
    )
    learning_rate: float = setting(6e-3, low=1e-6, high=1.0, help="peak of Adam's one-cycle schedule")
    weight_decay: float = setting(0.0, low=0.0, high=100.0, help="of Adam's weights, not of biases")
    rule: str = setting("surrogate", choices=tuple(RULES), help="how weights learn: see model/rules")
    loss: str = setting("supervised-contrastive", choices=LOSSES, help="loss over the distances of a batch")
    distance: str = setting("emd", choices=DISTANCES, help="distance in the loss; the core compares by EMD")
    tau: float = setting(2.0, low=0.1, high=1000.0, help="steps, decay of the van Rossum distance's filter")
    temperature: float = setting(0.1, low=1e-3, high=10.0, help="of the supervised contrastive loss")
    margin: float = setting(0.3, low=0.0, high=100.0, help="of the triplet and contrastive losses")
    gap: float = setting(
        1.0, low=0.0, high=255.0, help="steps that other outputs spike after the first, by firing times"
    )
    rise: float = setting(
        1.0, low=1.0, high=255.0, help="steps in which the potential of a spike rises, by the rule stidi"
    )
    references: int = setting(
        1, low=1, high=256, help="of each class, as many as there are groups of its training images at most"
    )
    reference_temperature: float = setting(
        0.03, low=0.0, high=10.0, help="of the softmax that references are refined for; 0: they are medians"
    )
    own_thresholds: bool = setting(
        False, help="each reference has a decision threshold of its own, beyond which the answer is unknown"
    )
    threshold_choice: str = setting(
        "fitted",
        choices=("fitted", "f1"),
        help="own thresholds: near their class, or of the best F1 by surrogate gradient",
    )
    activity_target: float = setting(
        0.3, low=0.0, high=255.0, help="mean spikes of a hidden neuron an image that cost nothing"
    )
    activity_weight: float = setting(1.0, low=0.0, high=1000.0, help="cost of each mean hidden spike beyond")
    activity_price: str = setting(
        "excess",
        choices=ACTIVITY_PRICES,
        help="what activity_weight multiplies: mean spikes beyond the target, or half the mean square of all",
    )
    cycles_target: float = setting(
        0.0, low=0.0, high=1e9, help="mean clocks per image in the core that cost nothing"
    )
    cycles_weight: float = setting(0.0, low=0.0, high=1000.0, help="cost of each 1,000 clocks beyond")
    spread_spikes: bool = setting(
        False,
        help="of a wide core: hidden neurons are numbered so that those that spike together lie in different "
        "banks of the next layer, which takes fewer clocks (model/outcome/banks.py)",
    )
    surrogate_slope: float = setting(0.5, low=0.01, high=100.0, help="of the ATan surrogate gradient")
    initial_gain: float = setting(
        1.5, low=0.01, high=100.0, help="weights start with this / sqrt(inputs) as standard deviation"
    )
    initial_weights: str = setting(
        "normal", choices=("normal", "positive"), help="what weights are drawn from; positive: magnitudes"
    )
    initial_bias: float = setting(0.02, low=-1.0, high=1.0, help="every bias starts here; the threshold is 1")
    rotation: float = setting(0.0, low=0.0, high=180.0, help="augmentation: up to so many degrees either way")
    scale: float = setting(0.0, low=0.0, high=0.9, help="augmentation: size up to 1 +- this, each axis")
    shift: float = setting(0.0, low=0.0, high=1.0, help="augmentation: up to this share of half the image")
    shear: float = setting(0.0, low=0.0, high=1.0, help="augmentation: shear factor up to +- this")
    flip: float = setting(0.0, low=0.0, high=1.0, help="augmentation: probability of a mirror image")
    brightness: float = setting(
        0.0, low=0.0, high=0.9, help="augmentation: pixels times 1 +- up to this, one factor per image"
    )
    thickness: float = setting(
        0.0, low=0.0, high=1.0, help="augmentation: probability that strokes get thicker, by up to a pixel"
    )
    drop: float = setting(0.0, low=0.0, high=0.9, help="augmentation: probability that a pixel turns black")
    blend: float = setting(
        0.0,
        low=0.0,
        high=1.0,
        help="augmentation: probability that a sample becomes one between itself and another of its class",
    )
    threads: int = setting(
        1, low=1, high=256, help="CPU threads; runs repeat to the byte only for the same number"
    )

    def passes(self, batches: int) -> int:
        """Epochs of a training whose training set makes so many batches."""
        return self.epochs or max(USUAL_EPOCHS, math.ceil(LEAST_BATCHES / max(1, batches)))
