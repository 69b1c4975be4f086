"""Programs for building the project; none of them is part of it."""
