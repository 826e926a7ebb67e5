"""The pipeline in a process of its own: protocol, server, client and the session that drives them."""
