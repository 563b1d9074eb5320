"""What can go wrong in training.

TrainerError
├── RecipeError (ValueError)    a recipe that cannot be followed
├── DatasetError (ValueError)   pictures, maps or index that do not fit together
└── ExportError (RuntimeError)  a model that must not leave the workstation
"""


class TrainerError(Exception):
    """Anything the trainer reports to its user."""


class RecipeError(TrainerError, ValueError):
    """The recipe is wrong; the message names file, key, found and allowed."""


class DatasetError(TrainerError, ValueError):
    """The data set is wrong; the message names the file, what was found and expected."""


class ExportError(TrainerError, RuntimeError):
    """The exported model failed a check."""
