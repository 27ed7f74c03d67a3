"""The compiled inner loops of training: C++ that passes over memory once, and beside it what calls it."""
