"""bricksight-edge study: from pictures to what the answers say."""

import json
from pathlib import Path

import pytest
import typer.main
from study_builders import NOW, always, conduct, make, scene, studies_in
from typer.testing import CliRunner, Result

import edge.cli
from edge.errors import EdgeError, StudyError
from edge.pictures import write_picture
from edge.study.commands import study as group
from edge.study.files import text_of
from edge.study.paper import paper_rows
from edge.study.plan import Method
from edge.study.rows import as_csv

README = Path(__file__).parents[3] / "README.md"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(edge.cli.app, ["study", *map(str, arguments)])


def test_a_study_from_a_folder_to_its_results(tmp_path: Path) -> None:
    pictures, home = tmp_path / "piles", tmp_path / "studies"
    pictures.mkdir()
    for number in range(5):
        write_picture(pictures / f"{number}.png", scene(number))
    given = ("--pictures", pictures, "--count", 4, "--samples", 24, "--seed", 1, "--objective")
    made = call("create", home, *given, "--no-confidence", "--title", "Trust [b]me")
    assert made.exit_code == 0, made.output
    assert "4 pictures, a draft" in made.output
    studies = studies_in(tmp_path)
    (study_id,) = studies.ids()
    study = studies.study(study_id)
    assert not study.plan.ask_confidence
    assert call("open", home, study_id).output.strip().endswith(study.book.standing().invitation)
    assert "Trust [b]me" in call("list", home).output
    hidden = call("export", home, study_id)
    assert "hidden until it is closed" in str(hidden.exception)
    conduct(study, 3, always(Method.GRAD_CAM))
    assert "3 participants" in call("close", home, study_id).output
    out = tmp_path / "answers.csv"
    assert call("export", home, study_id, "--out", out).exit_code == 0
    assert "is there already" in str(call("export", home, study_id, "--out", out).exception)
    shown = call("analyse", home, study_id)
    assert "12 of 12 answers" in shown.output
    assert call("analyse", "--answers", out).output == shown.output
    file = tmp_path / "study.json"
    assert call("export", home, study_id, "--format", "json", "--out", file).exit_code == 0
    assert "Trust" in call("import", tmp_path / "elsewhere", file).output


def test_the_papers_answers_print_both_readings(tmp_path: Path) -> None:
    answers = tmp_path / "paper.csv"
    answers.write_text(as_csv(paper_rows()))
    shown = call("analyse", "--answers", answers).output
    assert "80 of 100 answers" in shown
    assert "1.1e-9" in shown
    assert "8 of 10 people" in shown
    assert "0.109" in shown
    assert call("analyse", "--paper").output == shown


def test_analysis_for_programs() -> None:
    found = json.loads(call("analyse", "--paper", "--json").output)
    assert found["reading"]["test"]["two_sided"] == 0.109375
    assert found["reading"]["share"]["hits"] == 80
    assert [stratum["people"] for stratum in found["strata"]] == [3, 5, 2]


def test_a_study_nobody_answered_is_no_error(tmp_path: Path) -> None:
    study = make(studies_in(tmp_path))
    study.book.open(NOW)
    study.book.close(NOW)
    assert "Nobody answered" in call("analyse", tmp_path / "studies", study.id).output


def test_what_came_to_nothing_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = call("create", tmp_path / "studies", "--pictures", tmp_path / "empty")
    assert isinstance(done.exception, EdgeError)
    assert "holds no pictures" in str(done.exception)
    assert studies_in(tmp_path).ids() == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "x"), "either --journal FILE or --pictures DIR"),
        (("create", "x", "--pictures", ".", "--title", "t" * 121), "found 121 characters"),
        (("analyse",), "give one of"),
        (("analyse", "--paper", "--answers", "x.csv"), "give one of"),
        (("analyse", "--answers", "nowhere.csv"), "cannot be read"),
        (("open", "nowhere", "00" * 8), "there is no study"),
        (("close", "nowhere", "../.."), "there is no study"),
        (("import", "nowhere", str(README)), "this is no JSON"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = call(*arguments)
    assert isinstance(done.exception, EdgeError)
    assert said in str(done.exception)


def test_an_empty_folder_of_studies_is_an_empty_list(tmp_path: Path) -> None:
    assert call("list", tmp_path / "nothing").exit_code == 0


def test_every_command_and_option_is_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    commands = typer.main.get_command(group).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert f"bricksight-edge study {name}" in text
        for parameter in command.params:
            for option in parameter.opts:
                assert option in text or option == "--help" or not option.startswith("--")


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="found a larger file"):
        text_of(Path("/dev/zero"))
