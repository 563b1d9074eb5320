"""What lies in the bins, in the formats of those who count bricks."""
