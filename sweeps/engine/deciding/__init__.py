"""What runs next and what becomes of each trial; knows no Ray."""
