"""LIME in a process of its own: what is asked, what runs, what came of it."""
