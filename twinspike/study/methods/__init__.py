"""Published methods that run here: one file each, measured beside their papers and beside today's rule."""
