"""The page of the machine: its link, faults, moving by hand, and settings tried before applied."""
