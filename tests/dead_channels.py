"""Models of which half the channels do nothing."""

import torch
from torch import nn

from dfkd_core.models.channels import Role


def trained(model):
    """Weights and statistics of batch norms as training might leave them."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            layer.momentum = 1.0
    with torch.no_grad():
        model.train()(0.1 * torch.randn(2, 4000))
    return model.eval()


def kill_half(model):
    """Half of every group dies: it has another member's signal, so that no norm misses it, and is never read."""
    told, state = model.channels(), model.state_dict()
    order = {name: torch.randperm(members) for name, members in told.groups.items()}
    read = {s.group for uses in told.uses.values() for role, axis in uses if role is Role.READ for s in axis.stretches}
    for weight, uses in told.uses.items():
        for dim, (role, axis) in enumerate(uses):
            for start, stretch in axis.placed():
                alive, dead = order[stretch.group].chunk(2)
                numbers = state[weight].narrow(dim, start, stretch.length).movedim(dim, 0)
                members = numbers.view(stretch.copies, stretch.members, stretch.each, *numbers.shape[1:])
                silent = role is Role.READ or stretch.group not in read  # heads' products have no reader
                members[:, dead] = 0.0 if silent else members[:, alive]
