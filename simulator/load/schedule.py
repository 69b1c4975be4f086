"""When the arrivals of the open model are due. Pure.

The rate grows evenly from nothing to its full value during the ramp, and stays there. In seconds since the first
moment, arrival ``n`` is due when ``n`` of them should have come.
"""

from math import sqrt


def due_after_s(number: int, rate: float, ramp_s: float) -> float:
    """When arrival ``number``, counted from 0, is due at ``rate`` per second after a ramp of ``ramp_s``."""
    during_ramp = rate * ramp_s / 2
    if number < during_ramp:
        return sqrt(2 * number * ramp_s / rate)
    return ramp_s + (number - during_ramp) / rate
