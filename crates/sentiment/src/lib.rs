//! Text classifiers over turns: any Hugging Face-style ONNX folder.
