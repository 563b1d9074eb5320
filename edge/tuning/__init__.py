"""Settings that people change from the page: which, how they are tried and how written."""
