"""The network that a command's --config and --out mean."""

from twinspike.api.networks import Net
from twinspike.flow.folders import find_network, opened


def chosen_net(config: str, out: str) -> Net:
    """The network of a configuration, from its build folder; one that ships is put there first.

    Raises TwinspikeError if it is not trained, or with other settings.
    """
    chosen, place = opened(config, out)
    return Net(find_network(place, chosen), chosen, place.network, place)
