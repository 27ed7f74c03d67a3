"""The compiled inner loops of training, in C++: one pass over memory each."""
