"""All methods, in the order of the documents. A new one is a file beside this one and a row here."""

from . import bs4nn, sgl_thresh, traffic
from .method import Method

METHODS: dict[str, Method] = {
    method.name: method for method in (bs4nn.METHOD, traffic.METHOD, sgl_thresh.METHOD)
}
