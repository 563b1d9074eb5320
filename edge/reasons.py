"""Why an item goes where it goes: a closed list, for counting and for people."""

from enum import StrEnum


class Reason(StrEnum):
    """Why an item goes where it goes; closed."""

    SORTED = "sorted"
    NO_LABEL = "no_label"
    SEVERAL_LABELS = "several_labels"
    SMALL_MARGIN = "small_margin"
    FRAMES_DISAGREE = "frames_disagree"
    TWO_OBJECTS = "two_objects"
    EXPLANATION_VETO = "explanation_veto"
    WANTED = "wanted"
    WANTED_DOUBTFUL = "wanted_doubtful"
    NOTHING_WANTED = "nothing_wanted"
    NO_ROUTE = "no_route"
    OVERFLOW = "overflow"
    BIN_FULL = "bin_full"
    NOT_ARMED = "not_armed"
    BINS_MISMATCH = "bins_mismatch"
    STALE_FRAME = "stale_frame"
    QUEUE_FULL = "queue_full"
    BELT_STOPPED = "belt_stopped"
    TOO_LATE = "too_late"
    WATCHED = "watched"
    NOTHING_WATCHED = "nothing_watched"
    MANUAL_MODE = "manual_mode"
    BY_HAND = "by_hand"

    @property
    def describe(self) -> str:
        """The reason as a sentence for a person."""
        return _SENTENCES[self]

    @property
    def needs_person(self) -> bool:
        """Whether a person should look at the item."""
        return self in _FOR_A_PERSON


_FOR_A_PERSON = (
    Reason.SEVERAL_LABELS,
    Reason.SMALL_MARGIN,
    Reason.FRAMES_DISAGREE,
    Reason.TWO_OBJECTS,
    Reason.EXPLANATION_VETO,
    Reason.WANTED_DOUBTFUL,
    Reason.BIN_FULL,
)
_SENTENCES = {
    Reason.SORTED: "One brick type was recognised, and it has a bin.",
    Reason.NO_LABEL: "No brick type was recognised.",
    Reason.SEVERAL_LABELS: "More than one brick type was recognised where one was expected.",
    Reason.SMALL_MARGIN: "The recognised brick type is not far enough ahead of another.",
    Reason.FRAMES_DISAGREE: "The frames of the item do not agree on what it is.",
    Reason.TWO_OBJECTS: "More than one object is in view where one was expected.",
    Reason.EXPLANATION_VETO: "What speaks for the brick type lies mostly beside the object.",
    Reason.WANTED: "A brick type of the wanted list was recognised.",
    Reason.WANTED_DOUBTFUL: "A wanted brick type may be there, but not surely.",
    Reason.NOTHING_WANTED: "Surely nothing of the wanted list is there.",
    Reason.NO_ROUTE: "The recognised brick type has no bin of its own.",
    Reason.OVERFLOW: "Its bin takes no more, so it goes to the one that takes over.",
    Reason.BIN_FULL: "Its bin takes no more, and neither does any that takes over from it.",
    Reason.NOT_ARMED: "The machine is not armed, so nothing is moved.",
    Reason.BINS_MISMATCH: "The bins, the labels and the machine do not fit each other.",
    Reason.STALE_FRAME: "The newest frame of the item is too old to act on.",
    Reason.QUEUE_FULL: "The machine has enough waiting; nothing more is sent for now.",
    Reason.BELT_STOPPED: "The belt stands still or its speed is not known.",
    Reason.TOO_LATE: "The item would pass its bin before the command could arrive.",
    Reason.WATCHED: "A brick type that is watched for was recognised.",
    Reason.NOTHING_WATCHED: "No brick type that is watched for was recognised.",
    Reason.MANUAL_MODE: "A person moves the machine by hand, so nothing is sorted.",
    Reason.BY_HAND: "A person moved it by hand on the page.",
}
