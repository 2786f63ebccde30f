"""One request, whatever the network does: attempts, deadline, pace, and the connections below them."""
