//! Model manifest, verified downloads, and the one place that opens the ONNX runtime.
