"""What a training leaves: the model folder, its card, checkpoints."""
