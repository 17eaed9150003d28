"""Corpora, the decoded store, and the listed noisy crops."""
