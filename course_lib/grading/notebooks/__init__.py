"""What a notebook says: its cells, what they are for, which names stand in them."""
