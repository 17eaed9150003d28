"""A trained model as an ONNX file that other runtimes take."""
