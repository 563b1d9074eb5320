"""The source paper's own answers."""

from edge.study.plan import Familiarity, Method
from edge.study.rows import Row


def paper_rows() -> tuple[Row, ...]:
    """Answers as the source paper reports them: 10 people, 10 questions, 80 % for Grad-CAM.

    It gives no more than that; here "80 % of respondents" are eight people who chose Grad-CAM
    every time, and the levels of familiarity are those of its figure 10.
    """
    levels = [
        level for level, people in zip(Familiarity, (3, 5, 2), strict=True) for _ in range(people)
    ]
    against = (2, 7)
    return tuple(
        Row(
            study="paper",
            participant=f"p{person + 1:02d}",
            familiarity=levels[person],
            trial=trial,
            item=f"i{trial:02d}",
            picture_sha256="",
            left_sha256="",
            right_sha256="",
            left="",
            right="",
            choice=Method.LIME if person in against else Method.GRAD_CAM,
            rt_ms=None,
            confidence=None,
            repeat=False,
            catch=False,
            objective=False,
            correct="",
        )
        for person in range(10)
        for trial in range(1, 11)
    )
