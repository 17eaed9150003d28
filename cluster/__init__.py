"""Where trials run: sessions, resources and storage of a Ray cluster."""
