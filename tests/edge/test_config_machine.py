"""What the machine's driver would not take is wrong in edge.toml already."""

from pathlib import Path

import pytest

from edge.config import read_config
from edge.errors import ConfigError


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ("foo = 1", "foo"),
        ('queue_depth = "x"', "queue_depth"),
        ("move_s = -1", "move_s"),
    ],
)
def test_a_setting_the_driver_does_not_take_is_refused(
    tmp_path: Path, settings: str, named: str
) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(f'[camera]\nsource = "pile.mp4"\n\n[machine.settings]\n{settings}\n')
    with pytest.raises(ConfigError) as refused:
        read_config(path)
    assert str(path) in str(refused.value)
    assert "machine.settings" in str(refused.value)
    assert named in str(refused.value)
