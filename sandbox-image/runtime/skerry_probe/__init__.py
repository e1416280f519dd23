"""What a sandbox holds against whatever runs in it, tried out rather than assumed; depends on nothing else."""
