"""What is known of a sweep, on disk: the ledger of trials, their folders, who may write."""
