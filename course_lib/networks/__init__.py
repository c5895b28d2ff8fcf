"""Building blocks that compute and have no objective of their own: layers and networks that models put inside themselves."""
