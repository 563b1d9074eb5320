"""What can go wrong on the device.

    EdgeError
    ├── ConfigError (ValueError)        edge.toml: line, key, found, allowed
    ├── BundleError (ValueError)        the model bundle: file, found, expected
    ├── PictureError (ValueError)       one picture that cannot be labelled
    ├── InterpreterError (RuntimeError) no runtime, or a model it cannot run
    ├── ExplainError (RuntimeError)     an explanation that cannot be made here
    ├── CameraError (OSError)
    │   ├── CameraUnavailable           it could not be opened
    │   └── CameraLost                  it was open and stopped delivering
    │       └── CameraEnded             it has given its last frame
    ├── JournalError (OSError)          the record cannot be read or written
    │   └── ForeignReceipt              a machine speaks of a command nobody recorded
    ├── CorrectionsError (OSError)      what people corrected cannot be read or written
    │   ├── CorrectionsFull             the disk has no room for it
    │   └── CorrectionConflict          somebody else corrected the same item meanwhile
    ├── StudyError (ValueError)         a study, its file or an answer is not as it must be
    │   ├── StudyUnknown                there is no such study, participant or picture
    │   ├── StudyConflict               what is asked does not fit what was done before
    │   └── StudyLost                   what is stored of it cannot be read or written
    ├── SwapError (ValueError)          another model cannot be made live; the old one stays
    │   ├── SwapUnknown                 there is no such staged model
    │   └── SwapLost                    which model is live cannot be read or written
    ├── TuningError (ValueError)        a setting that cannot be changed so from the page
    │   └── TuningConflict              the file is another by now, or cannot be written
    └── AccessError (ValueError)        a user, token or password that cannot be

Each is also the builtin that fits, so that callers who know only Python can catch it.
"""


class EdgeError(Exception):
    """Anything the device reports to its user."""


class ConfigError(EdgeError, ValueError):
    """The configuration is wrong; the message names line, key, found and allowed."""


class BundleError(EdgeError, ValueError):
    """The bundle is refused; the message names the file, what was found and expected."""


class PictureError(EdgeError, ValueError):
    """A picture that cannot be labelled; the message says why and what to do."""


class InterpreterError(EdgeError, RuntimeError):
    """No TFLite runtime works here, or a model does not run on it."""


class ExplainError(EdgeError, RuntimeError):
    """An explanation cannot be made here; the message says what is missing and what to do."""


class CameraError(EdgeError, OSError):
    """A source of frames does not deliver."""


class CameraUnavailable(CameraError):
    """The source could not be opened."""


class CameraLost(CameraError):
    """The source was open and stopped delivering."""


class CameraEnded(CameraLost):
    """The source has given its last frame; opening it again would only repeat it."""


class JournalError(EdgeError, OSError):
    """The journal cannot be read or written."""


class ForeignReceipt(JournalError):
    """A machine speaks of a command that this journal did not record; it was not written down."""


class AccessError(EdgeError, ValueError):
    """A user, token or password that cannot be; the message says what is allowed."""


class TuningError(EdgeError, ValueError):
    """A setting that cannot be changed so from the page; the message says what is allowed."""


class TuningConflict(TuningError):
    """The settings file is another by now, or cannot be read or written."""


class StudyError(EdgeError, ValueError):
    """A study, its file or an answer is not as it must be; the message says what to do."""


class StudyUnknown(StudyError):
    """There is no such study, participant or picture."""


class StudyConflict(StudyError):
    """What is asked does not fit what was done before: too late, too early, or by another."""


class StudyLost(StudyError):
    """What is stored of a study cannot be read or written; the message says what to do."""


class CorrectionsError(EdgeError, OSError):
    """What people corrected cannot be read or written."""


class CorrectionsFull(CorrectionsError):
    """The disk has no room for a correction."""


class CorrectionConflict(CorrectionsError):
    """Somebody else corrected the same item meanwhile; the message says who and what."""


class SwapError(EdgeError, ValueError):
    """Another model cannot be made live; the message says why, and the old one stays."""


class SwapUnknown(SwapError):
    """There is no such staged model; the message names those that there are."""


class SwapLost(SwapError):
    """Which model is live cannot be read or written; the message says what to do."""
