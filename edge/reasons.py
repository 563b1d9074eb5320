"""Why an item goes where it goes: a closed list, for counting and for people."""

from enum import StrEnum


class Reason(StrEnum):
    """Why an item goes where it goes; closed."""

    SORTED = "sorted"
    NO_LABEL = "no_label"
    SEVERAL_LABELS = "several_labels"
    SMALL_MARGIN = "small_margin"
    FRAMES_DISAGREE = "frames_disagree"
    NO_ROUTE = "no_route"
    NOT_ARMED = "not_armed"
    BINS_MISMATCH = "bins_mismatch"
    STALE_FRAME = "stale_frame"
    TOO_LATE = "too_late"
    WATCHED = "watched"
    NOTHING_WATCHED = "nothing_watched"

    @property
    def describe(self) -> str:
        """The reason as a sentence for a person."""
        return _SENTENCES[self]

    @property
    def needs_person(self) -> bool:
        """Whether a person should look at the item."""
        return self in (Reason.SEVERAL_LABELS, Reason.SMALL_MARGIN, Reason.FRAMES_DISAGREE)


_SENTENCES = {
    Reason.SORTED: "One brick type was recognised, and it has a bin.",
    Reason.NO_LABEL: "No brick type was recognised.",
    Reason.SEVERAL_LABELS: "More than one brick type was recognised where one was expected.",
    Reason.SMALL_MARGIN: "The recognised brick type is not far enough ahead of another.",
    Reason.FRAMES_DISAGREE: "The frames of the item do not agree on what it is.",
    Reason.NO_ROUTE: "The recognised brick type has no bin of its own.",
    Reason.NOT_ARMED: "The machine is not armed, so nothing is moved.",
    Reason.BINS_MISMATCH: "The bins, the labels and the machine do not fit each other.",
    Reason.STALE_FRAME: "The newest frame of the item is too old to act on.",
    Reason.TOO_LATE: "The item would pass its bin before the command could arrive.",
    Reason.WATCHED: "A brick type that is watched for was recognised.",
    Reason.NOTHING_WATCHED: "No brick type that is watched for was recognised.",
}
