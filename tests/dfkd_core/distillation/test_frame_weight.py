import torch

from dfkd_core.distillation.frame_weight import active_frames, frame_weights, weighted_mean


def test_frames_more_than_40_db_under_the_loudest_are_inactive():
    levels_db = torch.tensor([0.0, -39.0, -41.0, -300.0])
    power = (10.0 ** (levels_db / 10.0))[None, :, None].expand(1, 4, 257)
    assert active_frames(power).tolist() == [[True, True, False, False]]


def test_loudness_is_judged_clip_by_clip():
    power = torch.tensor([1.0, 1e-8])[:, None, None].expand(2, 3, 257)
    assert active_frames(power).all()


def test_amplitude_weights_are_the_root_of_the_energy_in_active_frames():
    energy, active = torch.tensor([[4.0, 9.0]]), torch.tensor([[True, False]])
    assert frame_weights("amplitude", energy, active).tolist() == [[2.0, 0.0]]
    assert frame_weights("none", energy, active).tolist() == [[1.0, 1.0]]


def test_the_weighted_mean_ignores_the_scale_of_the_weights_and_is_zero_without_any():
    values, weights = torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0, 3.0]])
    assert weighted_mean(values, weights).item() == weighted_mean(values, 8.0 * weights).item() == 2.5
    assert weighted_mean(values, 0.0 * weights).item() == 0.0
