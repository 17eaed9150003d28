import torch
from torch.nn import functional as F

from dfkd_core.models.complex_layers import ComplexConv2d, ComplexConvTranspose2d, ComplexLSTM


def complex_of(stacked, dim):
    return torch.complex(*stacked.chunk(2, dim=dim))


def filled(module):
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    return module.double()


def test_complex_convolution_is_the_convolution_of_complex_numbers():
    layer = filled(ComplexConv2d(3, 4, (2, 5)))
    signal = torch.randn(2, 6, 7, 8, dtype=torch.float64)
    weight = torch.complex(layer.weight_real, layer.weight_imag)
    padded = F.pad(complex_of(signal, 1), (2, 2, 1, 0))
    # Two real convolutions with a bias each: (r + i) gets b_r - b_i in its real, b_r + b_i in its imaginary part.
    bias = torch.complex(layer.bias_real - layer.bias_imag, layer.bias_real + layer.bias_imag)
    expected = F.conv2d(padded, weight, stride=(1, 2)) + bias[:, None, None]
    torch.testing.assert_close(complex_of(layer(signal), 1), expected)


def test_transposed_complex_convolution_is_that_of_complex_numbers_without_its_first_frame():
    layer = filled(ComplexConvTranspose2d(6, 4, (2, 5)))
    signal, skip = torch.randn(2, 2, 6, 7, 8, dtype=torch.float64)
    weight = torch.complex(layer.weight_real, layer.weight_imag)
    together = torch.cat((complex_of(signal, 1), complex_of(skip, 1)), dim=1)
    bias = torch.complex(layer.bias_real - layer.bias_imag, layer.bias_real + layer.bias_imag)
    options = {"stride": (1, 2), "padding": (0, 2), "output_padding": (0, 1)}
    expected = F.conv_transpose2d(together, weight, **options)[:, :, 1:] + bias[:, None, None]
    torch.testing.assert_close(complex_of(layer(signal, skip), 1), expected)


def test_complex_lstm_is_four_real_ones():
    layer = ComplexLSTM(5, 3)
    real, imag = torch.randn(2, 7, 2, 5)
    expected_real = layer.real(real)[0] - layer.imag(imag)[0]
    expected_imag = layer.real(imag)[0] + layer.imag(real)[0]
    output = layer(torch.cat((real, imag), dim=1))
    torch.testing.assert_close(output, torch.cat((expected_real, expected_imag), dim=1))


def test_transposed_layer_sees_the_frame_after_and_the_convolution_the_frame_before():
    halving, doubling = filled(ComplexConv2d(2, 2, (2, 5))), filled(ComplexConvTranspose2d(2, 2, (2, 5), num_inputs=1))
    signal = torch.randn(1, 4, 9, 8, dtype=torch.float64)
    changed = signal.clone()
    changed[:, :, 5] += 1
    touched = [sorted(set((layer(changed) - layer(signal)).nonzero()[:, 2].tolist())) for layer in (halving, doubling)]
    assert touched == [[5, 6], [4, 5]]
