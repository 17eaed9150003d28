"""What MLflow is told: records on disk first, delivered by a process of its own."""
