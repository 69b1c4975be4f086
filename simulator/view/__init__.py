"""What a person sees while a run is under way: a live view on a terminal, plain lines elsewhere."""
