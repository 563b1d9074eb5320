"""The page of the bins: what lies in them, what is wanted, and inventories to take away."""
