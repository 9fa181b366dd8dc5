//! Builds one ONNX graph node by node; weights go to a file beside it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use prost::Message;

use super::onnx::{
    Attribute, Dim, Element, Entry, Graph, Initializer, Model, Node, OperatorSet, Shape, TensorType, Type, ValueInfo,
};
use crate::WhisperError;

/// Domain of the operators that the ONNX runtime adds to the standard's.
pub(super) const MICROSOFT: &str = "com.microsoft";
/// Start of each tensor in the file of weights: whole cache lines.
const ALIGN: u64 = 64;

/// The file that holds the weights of all graphs of a model.
pub(super) struct WeightFile {
    file: BufWriter<File>,
    name: String,
    at: u64,
}

impl WeightFile {
    pub(super) fn create(path: &Path) -> Result<Self, WhisperError> {
        let file = File::create(path).map_err(|source| WhisperError::io(source, path))?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { file: BufWriter::new(file), name, at: 0 })
    }

    fn put(&mut self, bytes: &[u8]) -> std::io::Result<u64> {
        let pad = self.at.next_multiple_of(ALIGN) - self.at;
        self.file.write_all(&[0; ALIGN as usize][..pad as usize])?;
        self.file.write_all(bytes)?;
        let start = self.at + pad;
        self.at = start + bytes.len() as u64;
        Ok(start)
    }

    pub(super) fn finish(mut self, path: &Path) -> Result<(), WhisperError> {
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.map_err(|source| WhisperError::io(source, path))
    }
}

/// A value inside the graph, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value(pub(super) String);

/// One graph being built. Names of values are made from the operator and a running number.
pub(super) struct Builder<'w> {
    weights: &'w mut WeightFile,
    graph: Graph,
    count: usize,
    /// Values that are outputs, and their names there.
    outputs: HashMap<String, String>,
    /// First failure of the file of weights; reported by [`Builder::save`].
    failed: Option<std::io::Error>,
}

impl<'w> Builder<'w> {
    pub(super) fn new(name: &str, weights: &'w mut WeightFile) -> Self {
        let graph = Graph { name: name.to_owned(), ..Graph::default() };
        Self { weights, graph, count: 0, outputs: HashMap::new(), failed: None }
    }

    /// Declares an input; a dimension is a number, or a name where it varies.
    pub(super) fn input(&mut self, name: &str, element: Element, dims: &[&str]) -> Value {
        self.graph.input.push(value_info(name, element, dims));
        Value(name.to_owned())
    }

    /// Makes a value an output under a name of its own. The value itself is renamed: an operator in between would copy
    /// it.
    pub(super) fn output(&mut self, value: &Value, name: &str, element: Element, dims: &[&str]) {
        self.outputs.insert(value.0.clone(), name.to_owned());
        self.graph.output.push(value_info(name, element, dims));
    }

    /// An operator of the standard with one output.
    pub(super) fn op(&mut self, op: &str, inputs: &[&Value], attributes: Vec<Attribute>) -> Value {
        self.node("", op, inputs, attributes, 1).swap_remove(0)
    }

    /// An operator of the runtime's own with one output.
    pub(super) fn ms(&mut self, op: &str, inputs: &[&Value], attributes: Vec<Attribute>) -> Value {
        self.node(MICROSOFT, op, inputs, attributes, 1).swap_remove(0)
    }

    /// Any operator; `outputs` values, never none.
    pub(super) fn node(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&Value],
        attributes: Vec<Attribute>,
        outputs: usize,
    ) -> Vec<Value> {
        self.count += 1;
        let names: Vec<String> = (0..outputs.max(1)).map(|i| format!("{op}_{}_{i}", self.count)).collect();
        self.graph.node.push(Node {
            input: inputs.iter().map(|v| v.0.clone()).collect(),
            output: names.clone(),
            name: format!("{op}_{}", self.count),
            op_type: op.to_owned(),
            attribute: attributes,
            domain: domain.to_owned(),
        });
        names.into_iter().map(Value).collect()
    }

    /// Weights of 32-bit floats, in the file.
    pub(super) fn floats(&mut self, shape: &[usize], data: &[f32]) -> Value {
        let bytes: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.stored(Element::F32, shape, &bytes)
    }

    /// Weights of 8 bits, in the file.
    pub(super) fn bytes(&mut self, shape: &[usize], data: &[i8]) -> Value {
        let bytes: Vec<u8> = data.iter().map(|x| x.cast_unsigned()).collect();
        self.stored(Element::I8, shape, &bytes)
    }

    fn stored(&mut self, element: Element, shape: &[usize], bytes: &[u8]) -> Value {
        let offset = self.weights.put(bytes).unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            0
        });
        let entry = |key: &str, value: String| Entry { key: key.to_owned(), value };
        let external = vec![
            entry("location", self.weights.name.clone()),
            entry("offset", offset.to_string()),
            entry("length", bytes.len().to_string()),
        ];
        self.initializer(element, shape, None, external)
    }

    /// Small constants, in the graph itself.
    pub(super) fn constant_f32(&mut self, shape: &[usize], data: &[f32]) -> Value {
        let bytes = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.initializer(Element::F32, shape, Some(bytes), Vec::new())
    }

    /// One float.
    pub(super) fn scalar(&mut self, value: f32) -> Value {
        self.constant_f32(&[], &[value])
    }

    /// One byte.
    pub(super) fn byte(&mut self, value: u8) -> Value {
        self.initializer(Element::U8, &[], Some(vec![value]), Vec::new())
    }

    /// A list of integers.
    pub(super) fn integers(&mut self, data: &[i64]) -> Value {
        let bytes = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.initializer(Element::I64, &[data.len()], Some(bytes), Vec::new())
    }

    fn initializer(&mut self, element: Element, shape: &[usize], raw: Option<Vec<u8>>, external: Vec<Entry>) -> Value {
        self.count += 1;
        let name = format!("w_{}", self.count);
        self.graph.initializer.push(Initializer {
            dims: shape.iter().map(|d| *d as i64).collect(),
            data_type: element as i32,
            name: name.clone(),
            data_location: i32::from(raw.is_none()),
            raw_data: raw,
            external_data: external,
        });
        Value(name)
    }

    /// Writes the graph.
    pub(super) fn save(mut self, path: &Path) -> Result<(), WhisperError> {
        for name in self.graph.node.iter_mut().flat_map(|n| n.input.iter_mut().chain(&mut n.output)) {
            if let Some(output) = self.outputs.get(name) {
                name.clone_from(output);
            }
        }
        let io = |source| WhisperError::io(source, path);
        if let Some(error) = self.failed {
            return Err(io(error));
        }
        let opset = |domain: &str, version| OperatorSet { domain: domain.to_owned(), version };
        let model = Model {
            ir_version: 8,
            producer_name: "callsift".to_owned(),
            graph: Some(self.graph),
            opset_import: vec![opset("", 18), opset(MICROSOFT, 1)],
        };
        std::fs::write(path, model.encode_to_vec()).map_err(io)
    }
}

fn value_info(name: &str, element: Element, dims: &[&str]) -> ValueInfo {
    let dim = |d: &&str| match d.parse::<i64>() {
        Ok(value) => Dim { value: Some(value), param: None },
        Err(_) => Dim { value: None, param: Some((*d).to_owned()) },
    };
    let shape = Shape { dim: dims.iter().map(dim).collect() };
    let tensor = TensorType { element: element as i32, shape: Some(shape) };
    ValueInfo { name: name.to_owned(), kind: Some(Type { tensor: Some(tensor) }) }
}
