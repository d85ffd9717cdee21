"""Under load a change of look is seen at the next request, by whichever way it is published."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.edge.look_changes import READERS, Scene, alone, behind_nginx, change

ROUNDS = 50


@pytest.mark.parametrize("scene_of", [behind_nginx, alone])
def test_no_request_after_the_answer_to_a_change_is_given_the_look_before(
    tmp_path: Path, scene_of: Callable[[Path], AbstractContextManager[Scene]]
) -> None:
    with scene_of(tmp_path) as scene:
        rounds = change(scene, ROUNDS)
    assert rounds.late == []
    assert rounds.reads > ROUNDS * READERS
    assert rounds.unchanged > 0
