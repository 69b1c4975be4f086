"""The operator's side, on a port of its own: status page, REST, metrics, and who may use them."""
