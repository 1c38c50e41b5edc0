"""Matrix games: efforts are allocations, and training them ends at the theory's gains."""

from __future__ import annotations

import pytest
import torch

from dpslib.marl.catalogue import TABULAR
from dpslib.marl.gains import extreme_rewards
from dpslib.marl.games import MatrixGame
from dpslib.marl.ppo import Trainer, pair_reward
from dpslib.marl.studies import PAIRS


def play(game: MatrixGame, action: torch.Tensor) -> torch.Tensor:
    state = game.reset(torch.zeros(*action.shape[:2], 0))
    assert game.observe(state).shape == (*action.shape[:2], game.agents, 1)
    return game.step(state, action)[1]


def test_continuous_efforts_are_shares_of_the_box() -> None:
    action = torch.tensor([[[[1.0, -1.0, -1.0], [0.0, 0.0, 0.0], [-1.0, -1.0, -1.0], [3.0, -5.0, 0.0]]]])
    third = [1 / 3] * 3
    expected = torch.tensor([[[[1.0, 0.0, 0.0], third, third, [2 / 3, 0.0, 1 / 3]]]])
    torch.testing.assert_close(play(MatrixGame(4, 3), action), expected)


def test_discrete_efforts_are_choices() -> None:
    efforts = play(MatrixGame(3, 2, discrete=True), torch.tensor([[[0, 1, 1]]]))
    torch.testing.assert_close(efforts, torch.tensor([[[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]]]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 2), "agents must be at least 1; got 0"), ((2, 0), "tasks must be at least 1; got 0")],
)
def test_sizes_are_checked(arguments: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MatrixGame(*arguments)


def test_training_reaches_every_cell_of_the_two_by_two_game() -> None:
    runs = [(pair, seed) for pair in PAIRS for seed in range(3)]
    trainer = Trainer(
        MatrixGame(2, 2, discrete=True),
        pair_reward([pair for pair, _ in runs], 2),
        [seed for _, seed in runs],
        settings=TABULAR,
    )
    for _ in range(30):
        trainer.iterate()
    reward = trainer.by_team(trainer.evaluate(1))
    gain = reward["heterogeneous"] - reward["homogeneous"]
    expected = torch.tensor([float(extreme_rewards(2, 2, *pair, "discrete").gain) for pair, _ in runs])
    torch.testing.assert_close(gain, expected)
