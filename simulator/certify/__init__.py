"""``zdu certify`` and ``zdu probe``: the instruments of a run, pointed at a system that is not ours."""
