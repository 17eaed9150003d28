"""What a sweep is: the sweep file as types, its objectives and constraints."""
