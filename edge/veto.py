"""How much of an explanation lies on the object, where that may veto a movement."""

from dataclasses import replace

from edge.domain import Label
from edge.explain.gradcam import GradCam
from edge.foreground import cells_in_window, focus_of
from edge.items import Item, ItemAssembler


def focused(item: Item, label: Label | None, gradcam: GradCam, items: ItemAssembler) -> Item:
    """The item with the focus of a label's Grad-CAM, on its newest frame.

    Args:
        item: What was seen.
        label: From `edge.decision.label_in_question`; None asks for nothing.
        gradcam: On the bundle that saw it.
        items: Knows the empty scene.

    Returns:
        The same item where no label is given, or no empty scene was learned to say where the
        object is: then nothing can be vetoed.
    """
    cells = items.object_cells(item.newest) if label is not None else None
    if label is None or cells is None:
        return item
    heat = gradcam.explain(item.newest, [label]).maps[0]
    window = item.newest.part_of(label).window
    if window is not None:
        shape = item.newest.frame.image.shape
        cells = cells_in_window(cells, shape, window, gradcam.bundle.preprocessing)
    return replace(item, focus=focus_of(heat, cells))
