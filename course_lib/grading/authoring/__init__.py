"""From an author's notebook to what students get: lint, proofs, release, kit."""
