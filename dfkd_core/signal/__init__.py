"""Audio files, framing and spectra, all at one rate."""

SAMPLE_RATE_HZ = 16_000  # of every signal that models, metrics and losses see
