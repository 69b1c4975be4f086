"""What the commands of this folder share: the machine, processes, figures, a generator of load."""
