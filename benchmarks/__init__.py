"""The library beside its peers: same inputs, same answer, one process, one thread."""
