"""All methods, in the order of the documents. A new one is a file beside this one and a row here."""

from . import bs4nn, dcls, proxy, sew, sgl_thresh, sharing, speech, stereospike, stidi, traffic
from .method import Method

_ALL = (bs4nn, stidi, proxy, sew, dcls, sharing, traffic, speech, stereospike, sgl_thresh)
METHODS: dict[str, Method] = {module.METHOD.name: module.METHOD for module in _ALL}
