"""What can be made to go wrong: one file for each fault, named after its family and itself.

The scenario language has the faults as values, and they are made of its kinds of value: whoever comes here first
gets the language first.
"""

import simulator.scenario.fields  # noqa: F401 - imported to be first
