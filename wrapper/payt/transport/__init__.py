"""One request, whatever the network does."""
