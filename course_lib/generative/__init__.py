"""Deep generative models: each is a classical one with a network inside."""
