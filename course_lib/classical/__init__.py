"""Models from before the networks, whose likelihood, posterior or solution can be written down."""
