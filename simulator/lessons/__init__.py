"""The lessons of the tutorial: an exercise each, and a check that plays the answer for real."""
