"""How much the load generator can send, and whether it says so when it cannot."""
