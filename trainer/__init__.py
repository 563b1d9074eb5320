"""Pictures in, a bundle out."""
