"""What can be made to go wrong: one file for each fault, named after its family and itself."""
