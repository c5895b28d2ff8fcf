"""What a class handed in: whose each file is, when it came, who belongs to the class."""
