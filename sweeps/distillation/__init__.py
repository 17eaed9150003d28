"""What is distillation's own in a sweep: the workload, what a front sounds like, the models it is measured against."""
