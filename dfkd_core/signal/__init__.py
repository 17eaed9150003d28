"""Audio files, framing and spectra."""
