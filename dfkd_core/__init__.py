"""Dynamic frequency-adaptive knowledge distillation for speech enhancement, in plain PyTorch."""
