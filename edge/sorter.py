"""One item from decision to movement: decided, written down, sent, and what was answered."""

from collections.abc import Callable

from edge.bundle import Bundle
from edge.decision import Facts, Policy, SortDecision, command_for, decide, label_in_question
from edge.explain.gradcam import GradCam
from edge.items import Item, ItemAssembler
from edge.journal import Journal
from edge.line import Line, LineReport
from edge.machine import Machine
from edge.policy_problems import machine_problems
from edge.veto import focused
from sorter_firmware_bridge.bins import Cause, MachineState, Receipt, ReceiptState


class Sorter:
    """Decides on items and has them moved; used by one thread only.

    Args:
        policy: What the operator wants.
        bundle: The model that sees.
        gradcam: On the same bundle.
        items: Knows the empty scene.
        machine: What moves the bins.
        line: Belt, drops and queue.
        journal: The record.
        clock: Seconds, monotonic.
        wall_clock: Seconds since the epoch, for the journal.
    """

    def __init__(
        self,
        policy: Policy,
        bundle: Bundle,
        gradcam: GradCam,
        items: ItemAssembler,
        machine: Machine,
        line: Line,
        journal: Journal,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._bundle = bundle
        self._thresholds = tuple(map(float, bundle.thresholds))
        self._gradcam = gradcam
        self._items = items
        self._machine = machine
        self._line = line
        self._journal = journal
        self._clock = clock
        self._wall_clock = wall_clock
        self._command_id: int | None = None
        self.decision: SortDecision | None = None
        """The newest."""
        self.answer: Receipt | None = None
        """What the machine said last to its command; None where nothing was sent."""

    @property
    def problem(self) -> str | None:
        """Why the machine does not answer, or which configured bins it does not have."""
        if self._machine.state is None:
            return self._machine.problem
        return "; ".join(machine_problems(self._policy, self._machine.bins)) or None

    @property
    def report(self) -> LineReport:
        """How the line does now."""
        return self._line.report(self._machine, self._journal.contents)

    def sort(self, item: Item, serve: Callable[[], None]) -> None:
        """Decide on an item, write it down and send what follows.

        Args:
            item: What was seen.
            serve: Does what people asked for; called last before it is decided, because whoever
                pressed STOP while the frame was looked at means this item too.

        Raises:
            JournalError: It could not be written down, and nothing was sent.
        """
        item = self._focused(item)
        serve()
        state = self._machine.fresh_state(self._clock())
        now_s = self._clock()
        decision = decide(item, self._policy, self._facts(item, state, now_s), now_s)
        command_id = self._journal.record_decision(decision, self._wall_clock())
        self.decision, self._command_id, self.answer = decision, command_id, None
        if command_id is not None and state is not None:
            command = command_for(decision, command_id, state, now_s)
            self.record(self._machine.move_to(command) or _never_sent(command_id))

    def record(self, receipt: Receipt) -> None:
        """Write down what the machine said of a command.

        Raises:
            JournalError: It cannot be written.
        """
        self._line.told(receipt, self._machine)
        self._journal.record_receipt(receipt, self._wall_clock())
        if self._command_id is not None and self._command_id == receipt.command_id:
            self.answer = receipt

    def _focused(self, item: Item) -> Item:
        if self._policy.veto_share is None:
            return item
        now_s = self._clock()
        facts = self._facts(item, self._machine.state, now_s)
        label = label_in_question(item.evidence, self._policy, facts, now_s)
        return focused(item, label, self._gradcam, self._items)

    def _facts(self, item: Item, state: MachineState | None, now_s: float) -> Facts:
        return Facts(
            machine=state,
            bins=self._machine.bins,
            labels=self._bundle.labels,
            model_sha256=self._bundle.sha256,
            thresholds=self._thresholds,
            contents=self._journal.contents,
            delivered=self._journal.delivered,
            belt=self._line.belt(item.started_at_s, now_s),
            hold=self._line.hold(self._machine),
        )


def _never_sent(command_id: int) -> Receipt:
    return Receipt(
        command_id,
        ReceiptState.REFUSED,
        None,
        Cause.NO_ANSWER,
        "the machine was lost before it was sent",
    )
