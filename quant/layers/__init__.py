"""Layer kinds in torch: integer-valued weights that Brevitas quantises, one file per kind."""
