"""Data for the lectures: toy sets made by formula, images, series, and the registry that finds real files."""
