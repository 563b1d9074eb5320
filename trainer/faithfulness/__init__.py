"""How faithful explanations are, in numbers: maps against rendered masks, against the model itself,
and against what should change them."""
