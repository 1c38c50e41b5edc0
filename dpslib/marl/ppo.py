"""Proximal policy optimisation of an ensemble: every pair of aggregators, kind of team and seed as one tensor program.

MAPPO as paper B uses it (appendix C): a policy for each agent or one for all, a critic that sees all observations, the
clipped surrogate. What the paper leaves open is in `PPO`.

Members do not touch each other: the loss is the sum over members, gradients are clipped for each member by itself, and
Adam works number by number. Random numbers are keyed by a run's seed, by what they are for and by the iteration, never
by position, so a member's result is the same whoever shares the batch (up to rounding where matrix products of other
sizes are ordered otherwise), and a training that is resumed goes on as if it had not stopped. Runs of one seed share
starts and noise, which makes the difference of the two kinds of team less noisy. The order of minibatches is one for
all members.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dpslib import _validate
from dpslib._arguments import check_fields, checked
from dpslib.marl.aggregators import Aggregator, PerMember, get_aggregator, team_reward
from dpslib.marl.nets import Architecture, Policy, forward
from dpslib.marl.world import Rewarding, World

TEAMS: Final = ("heterogeneous", "homogeneous")
"""Kinds of team: a network for each agent, or one for all."""

Reward = Callable[[Tensor], Tensor]
"""From efforts (E, T, B, N, M) to rewards (E, T, B)."""

# What random numbers are for.
_START, _NOISE, _WEIGHTS, _ORDER, _TEST, _CRITIC = range(6)


@dataclass(frozen=True)
class PPO:
    """Settings of the training.

    Args:
        environments: B, episodes that a member plays at once, at least 1.
        epochs: passes over a batch, at least 1.
        minibatch: frames of a minibatch, at least 1 (batches are cut into equal parts of about that many).
        learning_rate: of Adam, positive.
        last_rate: the learning rate at the end of a study's budget over that at its start, in (0, 1]; it falls
            geometrically.
        gamma: discount γ, in [0, 1].
        lam: λ of the generalised advantage estimate, in [0, 1].
        clip: half width of the clipped range of the ratio, positive.
        entropy: weight of the entropy bonus, at least 0.
        grad_norm: longest gradient of a member's policy or critic, positive.
        hidden: widths of the hidden layers.
        log_std: start of the logarithm of the standard deviation of continuous actions.
        memory: share of the old in the running mean and variance of the critic's targets, in [0, 1].

    Raises:
        TypeError, ValueError: if a setting is out of range.
    """

    environments: int = 60
    epochs: int = 5
    minibatch: int = 1000
    learning_rate: float = 1.5e-3
    last_rate: float = 1.0
    gamma: float = 0.98
    lam: float = 0.95
    clip: float = 0.2
    entropy: float = 0.0
    grad_norm: float = 5.0
    hidden: tuple[int, ...] = (64, 64)
    log_std: float = -0.5
    memory: float = 0.9

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("environments", "epochs", "minibatch"):
            _validate.integer(name, getattr(self, name), low=1)
        for name in ("learning_rate", "clip", "grad_norm"):
            _validate.real(name, getattr(self, name), low=0, open_low=True)
        _validate.real("last_rate", self.last_rate, low=0, high=1, open_low=True)
        for name in ("gamma", "lam", "memory"):
            _validate.real(name, getattr(self, name), low=0, high=1)
        _validate.real("entropy", self.entropy, low=0)
        _validate.real("log_std", self.log_std)
        for width in self.hidden:
            _validate.integer("hidden", width, low=1)


class Batch(NamedTuple):
    """What the members did in one iteration; S = T·B frames."""

    observation: Tensor
    """(E, N, S, O); (E, N, 1, O) in a blind world."""
    action: Tensor
    """(E, N, S, A), or (E, N, S) of choices."""
    log_prob: Tensor
    """(E, N, S)."""
    efforts: Tensor
    """(E, T, B, N, M)."""
    bonus: Tensor | None
    """(E, T, B): what the world adds to the aggregated efforts; None if it adds nothing."""
    last: Tensor
    """(E, N, B, O): what the agents see after the last step."""


@checked
def pair_reward(pairs: Sequence[tuple[str | Aggregator, str | Aggregator]], copies: int = 1) -> Reward:
    """Return the reward U_j T_i r_ij with a pair of aggregators for each run.

    Args:
        pairs: (U, T) of each of R runs, names or aggregators without a tensor of parameters.
        copies: how often the runs are repeated, the number of kinds of team.

    Returns:
        From efforts (E, ..., N, M) to rewards (E, ...), E = `copies`·R.

    Raises:
        TypeError, ValueError: if there is no pair or a name is unknown.
    """
    known: dict[Any, Aggregator] = {}
    sides = [[known.setdefault(pair[side], get_aggregator(pair[side])) for pair in pairs] * copies for side in (0, 1)]
    outer, inner = PerMember(sides[0]), PerMember(sides[1])
    return lambda efforts: team_reward(efforts, outer, inner, checked=False)


def random_generator(device: torch.device | str, *key: int) -> torch.Generator:
    """Return a generator whose numbers depend on `key` alone: integers of at least 0."""
    state = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])
    return torch.Generator(device).manual_seed(state)


class Trainer:
    """An ensemble in training: R runs, each with every kind of team asked for.

    Members are ordered kind by kind: member k·R + r is run r's team of the k-th kind.

    Args:
        world: what they play.
        reward: from efforts (E, T, B, N, M) to rewards (E, T, B); see `pair_reward`.
        seeds: seed of each run, R integers of at least 0. Runs may share a seed.
        teams: kinds of team, of `TEAMS`.
        settings: how they train.
        device: where.
        dtype: of all numbers.

    Raises:
        TypeError, ValueError: if an argument is outside its domain.
    """

    def __init__(
        self,
        world: World,
        reward: Reward,
        seeds: Sequence[int],
        *,
        teams: Sequence[str] = TEAMS,
        settings: PPO | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if not seeds:
            raise ValueError("seeds must name at least one; got none")
        if not teams or len(set(teams)) < len(teams):
            raise ValueError(f"teams must name kinds of team, each once; got {teams!r}")
        self.seeds = [_validate.integer("seeds", seed, low=0) for seed in seeds]
        self.teams = tuple(_validate.choice("teams", team, TEAMS) for team in teams)
        self.world, self.reward = world, reward
        self.settings = settings or PPO()
        self.device, self.dtype = _validate.device(device), dtype
        self.iteration = 0
        self._blind = bool(getattr(world, "blind", False))
        self._distinct = sorted(set(self.seeds))
        self._row = torch.tensor(
            [self._distinct.index(seed) for seed in self.seeds] * len(self.teams), device=self.device
        )
        agents, hidden = world.agents, self.settings.hidden
        self.architecture = Architecture(world.observation, hidden, world.actions, spread=not world.discrete)
        self.critic_architecture = Architecture(agents * world.observation, hidden, 1)
        drawn = torch.stack(
            [
                self.architecture.draw((agents,), 0.01, self.settings.log_std, self._generator(seed, _WEIGHTS))
                for seed in self.seeds
            ]
        )
        critic = torch.stack(
            [self.critic_architecture.draw((1,), 1.0, 0.0, self._generator(seed, _CRITIC)) for seed in self.seeds]
        )
        nets = [drawn if team == "heterogeneous" else drawn[:, :1] for team in self.teams]
        self.actors = [net.to(dtype).clone().requires_grad_() for net in nets]
        self.critic = critic.to(dtype).repeat(len(self.teams), 1, 1).requires_grad_()
        self.optimiser = torch.optim.Adam([*self.actors, self.critic], lr=self.settings.learning_rate, eps=1e-5)
        # Running mean and mean square of the critic's targets, and their weight.
        self._moments = torch.zeros(2, self.members, 1, 1, dtype=dtype, device=self.device)
        self._weight = 0.0

    @property
    def runs(self) -> int:
        """R."""
        return len(self.seeds)

    @property
    def members(self) -> int:
        """E, the number of runs times kinds of team."""
        return len(self.teams) * len(self.seeds)

    @property
    def frames_per_iteration(self) -> int:
        """Frames (steps of a team in an environment) that a member sees in an iteration."""
        return self.settings.environments * self.world.horizon

    @property
    def frames(self) -> int:
        """Frames that a member has seen so far."""
        return self.iteration * self.frames_per_iteration

    def by_team(self, values: Tensor) -> dict[str, Tensor]:
        """Split values (E, ...) into those of each kind of team, (R, ...)."""
        return dict(zip(self.teams, values.split(self.runs), strict=True))

    def weights(self) -> Tensor:
        """Weights of the policies, (E, N, P); those of a homogeneous team are repeated for every agent."""
        agents = self.world.agents
        parts = [actor if actor.shape[1] == agents else actor.expand(-1, agents, -1) for actor in self.actors]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def policy(self) -> Policy:
        """The teams as they are now, acting by the mode."""
        return Policy(self.architecture, self.weights().detach().clone(), self.world.discrete)

    # Random numbers

    def _generator(self, *key: int) -> torch.Generator:
        return random_generator(self.device, *key)

    def starts(self, environments: int, world: World | None = None) -> Tensor:
        """Uniform numbers (E, B, draws) for the starts that evaluations use."""
        return self._starts(world or self.world, environments, _TEST)

    def _starts(self, world: World, environments: int, *key: int) -> Tensor:
        """Uniform numbers (E, B, draws) for starts."""
        shape = (environments, world.draws)
        drawn = [
            torch.rand(shape, generator=self._generator(seed, *key), device=self.device, dtype=self.dtype)
            for seed in self._distinct
        ]
        return torch.stack(drawn).index_select(0, self._row)

    def _noise(self, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers, or Gumbel numbers for choices, (distinct seeds, *shape)."""
        out = torch.empty((len(self._distinct), *shape), device=self.device, dtype=self.dtype)
        for index, seed in enumerate(self._distinct):
            generator = self._generator(seed, _NOISE, self.iteration)
            if self.world.discrete:
                out[index].exponential_(generator=generator)
            else:
                out[index].normal_(generator=generator)
        return out.log_().neg_() if self.world.discrete else out

    # Playing

    @torch.no_grad()
    def rollout(self, world: World | None = None) -> Batch:
        """Play one batch of episodes with sampled actions.

        Args:
            world: another world of the same sizes in place of the trainer's, for a curriculum.
        """
        world = world or self.world
        _same_sizes(self.world, world)
        steps, environments, agents = world.horizon, self.settings.environments, world.agents
        layers, log_std = self.architecture.split(self.weights())
        std = None if log_std is None else log_std.exp()
        noise = self._noise((steps, agents, environments, world.actions))
        state = world.reset(self._starts(world, environments, _START, self.iteration))
        seen, outs, actions, efforts, bonus = [], [], [], [], []
        observation = self._look(world, state)
        for step in range(steps):
            out = forward(layers, observation)
            drawn = noise[:, step].index_select(0, self._row)
            action = (out + drawn).argmax(-1) if std is None else torch.addcmul(out, drawn, std)
            state, effort = world.step(state, action.transpose(1, 2))
            seen.append(observation)
            outs.append(out)
            actions.append(action)
            efforts.append(effort)
            if isinstance(world, Rewarding):
                bonus.append(world.bonus(state))
            observation = self._look(world, state)
        if self._blind:
            seen, outs = seen[:1], outs[:1]
        action = torch.stack(actions, 2).flatten(2, 3)
        out = torch.stack(outs, 2).flatten(2, 3)
        return Batch(
            torch.stack(seen, 2).flatten(2, 3),
            action,
            _log_prob(out, log_std, action),
            torch.stack(efforts, 1),
            torch.stack(bonus, 1) if bonus else None,
            observation.contiguous(),
        )

    def _look(self, world: World, state: Any) -> Tensor:
        """What the agents see, (E, N, B, O); in a blind world one sample stands for all."""
        seen = world.observe(state).transpose(1, 2)
        return seen[:, :, :1] if self._blind else seen

    def rewards(self, batch: Batch) -> Tensor:
        """Team rewards of a batch, (E, T, B)."""
        reward = self.reward(batch.efforts)
        return reward if batch.bonus is None else reward + batch.bonus

    @torch.no_grad()
    def evaluate(self, environments: int = 60, world: World | None = None, reward: Reward | None = None) -> Tensor:
        """Mean reward a step of each member, (E,), acting by the mode from starts kept for this (paper B, section 2).

        Args:
            environments: episodes for each member, at least 1.
            world: another world of the same sizes in place of the trainer's.
            reward: another reward in place of the trainer's.
        """
        world = world or self.world
        _same_sizes(self.world, world)
        _validate.integer("environments", environments, low=1)
        policy = self.policy()
        state = world.reset(self._starts(world, environments, _TEST))
        total: Tensor | float = 0.0
        # A chunk of steps at a time: the aggregators work best on long tensors, which need not hold the whole episode.
        for begin in range(0, world.horizon, 100):
            efforts, bonus = [], []
            for _ in range(begin, min(begin + 100, world.horizon)):
                state, effort = world.step(state, policy(world.observe(state)))
                efforts.append(effort)
                if isinstance(world, Rewarding):
                    bonus.append(world.bonus(state))
            paid = (reward or self.reward)(torch.stack(efforts, 1))
            total = total + (paid if not bonus else paid + torch.stack(bonus, 1)).sum((1, 2))
        assert isinstance(total, Tensor)
        return total / (world.horizon * environments)

    # Learning

    def update(self, batch: Batch) -> Tensor:
        """Learn from a batch and go on to the next iteration.

        Returns:
            The rewards of the batch, (E, T, B).
        """
        settings = self.settings
        reward = self.rewards(batch)
        joint = batch.observation.transpose(1, 2).flatten(2).unsqueeze(1)
        advantage, target = self._advantages(reward, joint, batch.last)
        advantage, target = advantage.flatten(1).unsqueeze(1), target.flatten(1)
        advantage = (advantage - advantage.mean(-1, keepdim=True)) / (advantage.std(-1, keepdim=True) + 1e-6)
        frames = target.shape[1]
        parts = max(1, round(frames / settings.minibatch))
        order = self._generator(_ORDER, self.iteration)
        for _ in range(settings.epochs):
            index = torch.randperm(frames, generator=order, device=self.device)
            shuffled = [
                part.index_select(dim, index) if part.shape[dim] == frames else part
                for part, dim in (
                    (batch.observation, 2),
                    (batch.action, 2),
                    (batch.log_prob, 2),
                    (advantage, 2),
                    (joint, 2),
                    (target, 1),
                )
            ]
            chunks = [
                part.tensor_split(parts, dim) if part.shape[dim] == frames else [part] * parts
                for part, dim in zip(shuffled, (2, 2, 2, 2, 2, 1), strict=True)
            ]
            for observation, action, old, gain, seen, goal in zip(*chunks, strict=True):
                loss = self._loss(observation, action, old, gain, seen, goal)
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                self._clip()
                self.optimiser.step()
        self.iteration += 1
        return reward

    def _loss(
        self, observation: Tensor, action: Tensor, old: Tensor, advantage: Tensor, joint: Tensor, target: Tensor
    ) -> Tensor:
        """Sum over members of the clipped surrogate and the critic's squared error."""
        settings = self.settings
        layers, log_std = self.architecture.split(self.weights())
        out = forward(layers, observation)
        ratio = (_log_prob(out, log_std, action) - old).exp()
        clipped = ratio.clamp(1 - settings.clip, 1 + settings.clip)
        surrogate = torch.minimum(ratio * advantage, clipped * advantage)
        # Means over samples and agents, sums over members.
        loss = -surrogate.sum() / (surrogate.shape[1] * surrogate.shape[2])
        if settings.entropy:
            if log_std is None:
                log_p = out.log_softmax(-1)
                loss = loss + settings.entropy * (log_p.exp() * log_p).sum(-1).mean((1, 2)).sum()
            else:
                loss = loss - settings.entropy * log_std.sum(-1).mean((1, 2)).sum()
        value = self._values(joint)
        return loss + (value - target).square().sum() / target.shape[1]

    def _values(self, joint: Tensor) -> Tensor:
        """What the critic says of joint observations (E, 1, S, N·O): (E, S), in units of the running targets."""
        layers, _ = self.critic_architecture.split(self.critic)
        return forward(layers, joint).squeeze(-1).squeeze(1)

    @torch.no_grad()
    def _advantages(self, reward: Tensor, joint: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        """Generalised advantage estimates and the critic's normalised targets, each (E, T, B).

        Episodes are cut at the horizon, not ended by it: the critic says what would have followed.
        """
        gamma, lam, memory = self.settings.gamma, self.settings.lam, self.settings.memory
        mean, std = self._scale()
        said = self._values(joint)
        value = (said[..., None].expand_as(reward) if self._blind else said.view_as(reward)) * std + mean
        after = self._values(last.transpose(1, 2).flatten(2).unsqueeze(1)) * std[:, 0] + mean[:, 0]
        after = after.expand(-1, reward.shape[2])
        following = torch.cat((value[:, 1:], after.unsqueeze(1)), 1)
        delta = reward + gamma * following - value
        advantage = torch.empty_like(delta)
        running = torch.zeros_like(after)
        for step in reversed(range(delta.shape[1])):
            running = torch.add(delta[:, step], running, alpha=gamma * lam)
            advantage[:, step] = running
        target = advantage + value
        found = torch.stack((target.mean((1, 2)), target.square().mean((1, 2))))[..., None, None]
        self._moments.mul_(memory).add_(found, alpha=1 - memory)
        self._weight = memory * self._weight + 1 - memory
        mean, std = self._scale()
        return advantage, (target - mean) / std

    def _scale(self) -> tuple[Tensor, Tensor]:
        """Running mean and standard deviation of the critic's targets, (E, 1, 1)."""
        if self._weight == 0:
            return torch.zeros_like(self._moments[0]), torch.ones_like(self._moments[0])
        mean, square = self._moments / self._weight
        return mean, (square - mean.square()).clamp(min=1e-8).sqrt().clamp(min=1e-3)

    @torch.no_grad()
    def _clip(self) -> None:
        """Shorten the gradients of each member's policy and critic."""
        for leaf in (*self.actors, self.critic):
            assert leaf.grad is not None
            norm = torch.linalg.vector_norm(leaf.grad.flatten(1), dim=-1)[:, None, None]
            leaf.grad.mul_((self.settings.grad_norm / (norm + 1e-6)).clamp(max=1))

    def iterate(self, world: World | None = None) -> Tensor:
        """Play and learn once; mean reward a step of each member with sampled actions, (E,).

        Args:
            world: see `rollout`.
        """
        return self.update(self.rollout(world)).mean((1, 2))

    # Saving

    def state_dict(self) -> dict[str, Any]:
        """Everything that a later `load_state_dict` needs to go on as if nothing had happened: tensors and numbers."""
        return {
            "iteration": self.iteration,
            "seeds": list(self.seeds),
            "teams": list(self.teams),
            "actors": [actor.detach().clone() for actor in self.actors],
            "critic": self.critic.detach().clone(),
            # A copy: an optimiser hands out its own tensors, and takes up those of others as they are.
            "optimiser": copy.deepcopy(self.optimiser.state_dict()),
            "moments": self._moments.clone(),
            "weight": self._weight,
        }

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state that `state_dict` returned.

        Raises:
            ValueError: if it is of other runs, teams or sizes.
        """
        if list(state["seeds"]) != self.seeds or list(state["teams"]) != list(self.teams):
            raise ValueError(
                f"state must be of the same runs: seeds {self.seeds} and teams {list(self.teams)}; "
                f"got {list(state['seeds'])} and {list(state['teams'])}"
            )
        leaves = [*self.actors, self.critic]
        given = [*state["actors"], state["critic"]]
        if [tuple(t.shape) for t in given] != [tuple(t.shape) for t in leaves]:
            raise ValueError(
                f"state must have networks of shapes {[tuple(t.shape) for t in leaves]}; "
                f"got {[tuple(t.shape) for t in given]}"
            )
        for leaf, value in zip(leaves, given, strict=True):
            leaf.copy_(value)
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
        self._moments.copy_(state["moments"])
        self._weight = float(state["weight"])
        self.iteration = int(state["iteration"])


def _log_prob(out: Tensor, log_std: Tensor | None, action: Tensor) -> Tensor:
    """Log-probability (E, N, S) of actions, up to a constant."""
    if log_std is None:
        log_p = out.log_softmax(-1)
        if log_p.shape[2] == 1:
            return log_p.squeeze(2).gather(-1, action)
        return log_p.gather(-1, action.unsqueeze(-1)).squeeze(-1)
    return -(0.5 * ((action - out) * (-log_std).exp()).square() + log_std).sum(-1)


def _same_sizes(world: World, other: World) -> None:
    for name in ("agents", "tasks", "observation", "actions", "discrete", "horizon"):
        if getattr(world, name) != getattr(other, name):
            raise ValueError(f"world must have {name} {getattr(world, name)!r}; got {getattr(other, name)!r}")
