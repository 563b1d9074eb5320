"""One item from decision to movement: decided, written down, sent, and what was answered."""

from collections.abc import Callable

from edge.bundle import Bundle
from edge.decision import Facts, Policy, SortDecision, command_for, decide, label_in_question
from edge.explain.gradcam import GradCam
from edge.items import Item, ItemAssembler
from edge.line import Line, LineReport
from edge.machine import Machine
from edge.manual import hand_decision
from edge.policy_problems import machine_problems
from edge.recorder import Recorder
from edge.veto import focused
from sorter_firmware_bridge.bins import Bin, Cause, MachineState, Receipt, ReceiptState


class Sorter:
    """Decides on items and has them moved; used by one thread only.

    Args:
        policy: What the operator wants.
        bundle: The model that sees.
        gradcam: On the same bundle.
        items: Knows the empty scene.
        machine: What moves the bins.
        line: Belt, drops and queue.
        recorder: Writes the journal.
        clock: Seconds, monotonic.
        heard: Told of every receipt.
    """

    def __init__(
        self,
        policy: Policy,
        bundle: Bundle,
        gradcam: GradCam,
        items: ItemAssembler,
        machine: Machine,
        line: Line,
        recorder: Recorder,
        clock: Callable[[], float],
        heard: Callable[[Receipt], None],
    ) -> None:
        self._policy = policy
        self._bundle = bundle
        self._thresholds = tuple(map(float, bundle.thresholds))
        self._gradcam = gradcam
        self._items = items
        self._machine = machine
        self._line = line
        self._recorder = recorder
        self._clock = clock
        self._heard = heard
        self._command_id: int | None = None
        self.item_id: int | None = None
        """Of the newest decision, in the journal."""
        self.by_hand = ""
        """Who moves the machine by hand; what is decided meanwhile stays where it is."""
        self.decision: SortDecision | None = None
        """The newest."""
        self.answer: Receipt | None = None
        """What the machine said last to its command; None where nothing was sent."""

    @property
    def problem(self) -> str | None:
        """Why nothing is written or the machine does not answer, or which bins it does not have."""
        if self._recorder.problem is not None:
            return self._recorder.problem
        if self._machine.state is None:
            return self._machine.problem
        return "; ".join(machine_problems(self._policy, self._machine.bins)) or None

    @property
    def report(self) -> LineReport:
        """How the line does now."""
        return self._line.report(self._machine, self._recorder.contents)

    def sort(self, item: Item, serve: Callable[[], None]) -> None:
        """Decide on an item, write it down and send what follows; nothing that is not written.

        Args:
            item: What was seen.
            serve: Does what people asked for; called last before it is decided, because whoever
                pressed STOP while the frame was looked at means this item too.
        """
        item = self._focused(item)
        serve()
        state = self._machine.fresh_state(self._clock())
        now_s = self._clock()
        facts = self._facts(item, state, now_s)
        decision = decide(item, self._policy, facts, now_s)
        written = self._recorder.decision(decision, facts)
        if written is None:
            return
        command_id = written.command_id
        self.decision, self._command_id, self.answer = decision, command_id, None
        self.item_id = written.item_id
        if command_id is not None and state is not None:
            command = command_for(decision, command_id, state, now_s)
            self.record(self._machine.move_to(command) or _never_sent(command_id))
        self._recorder.frame(written.item_id, item.newest.frame)

    def move_by_hand(self, target: Bin, who: str) -> Receipt | str:
        """Write down and send one movement; see `edge.manual`.

        Returns:
            What the machine said, or why it was not sent.
        """
        state = self._machine.fresh_state(self._clock())
        now_s = self._clock()
        if state is None or not state.armed:
            return "the machine is not armed"
        if hold := self._line.hold(self._machine):
            return hold
        decision = hand_decision(target, who, now_s, self._bundle.sha256, self._policy.digest)
        written = self._recorder.decision(decision, None)
        if written is None or written.command_id is None:
            return "it could not be written down"
        command = command_for(decision, written.command_id, state, now_s)
        receipt = self._machine.move_to(command) or _never_sent(written.command_id)
        self.record(receipt)
        return receipt

    def record(self, receipt: Receipt) -> None:
        """Write down what the machine said of a command."""
        self._line.told(receipt, self._machine)
        self._heard(receipt)
        self._recorder.receipt(receipt)
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
            contents=self._recorder.contents,
            delivered=self._recorder.delivered,
            belt=self._line.belt(item.started_at_s, now_s),
            hold=self._line.hold(self._machine),
            by_hand=self.by_hand,
        )


def _never_sent(command_id: int) -> Receipt:
    return Receipt(
        command_id,
        ReceiptState.REFUSED,
        None,
        Cause.NO_ANSWER,
        "the machine was lost before it was sent",
    )
