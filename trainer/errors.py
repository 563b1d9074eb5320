"""What can go wrong in training.

TrainerError
├── RecipeError (ValueError)    a recipe that cannot be followed
├── DatasetError (ValueError)   pictures, maps or index that do not fit together
├── PartError (ValueError)      an id that is none of the brick types
├── GeometryError (ValueError)  the shape of a brick type that cannot be had
├── PoseError (ValueError)      a library of poses that is damaged or lacks a brick type
├── SettleError (RuntimeError)  physics that is not installed, or brings nothing to rest
├── SceneError (ValueError)     a scene that cannot be drawn, or is none
├── RenderError (RuntimeError)  a renderer that is missing or gives up
│   └── NoRoomError             the disk is full in the middle of rendering
├── TrunkError (ValueError)     a file of trunk weights that is missing or another one
└── ExportError (RuntimeError)  a model that must not leave the workstation
"""


class TrainerError(Exception):
    """Anything the trainer reports to its user."""


class RecipeError(TrainerError, ValueError):
    """The recipe is wrong; the message names file, key, found and allowed."""


class DatasetError(TrainerError, ValueError):
    """The data set is wrong; the message names the file, what was found and expected."""


class SceneError(TrainerError, ValueError):
    """A scene, or what scenes are to be drawn from, is wrong."""


class RenderError(TrainerError, RuntimeError):
    """A renderer is missing, or failed; the message says what to install or to do."""


class NoRoomError(RenderError):
    """The disk is full; what was finished before is kept, and the same command goes on."""


class PartError(TrainerError, ValueError):
    """No brick type goes by this id; the message names the closest ones."""


class GeometryError(TrainerError, ValueError):
    """A shape cannot be had; the message names the file or part and where to get it."""


class PoseError(TrainerError, ValueError):
    """A library of poses cannot be used; the message names the file and what to do."""


class SettleError(TrainerError, RuntimeError):
    """The physics engine is missing, or bodies did not come to rest."""


class TrunkError(TrainerError, ValueError):
    """The weights a network begins with cannot be used; the message says how to restore them."""


class ExportError(TrainerError, RuntimeError):
    """The exported model failed a check."""
