//! A model as ONNX, for onnxruntime (tested with 1.17 and 1.31) and what else speaks ONNX-ML.
//!
//! [`Graph`] and the messages it is made of are public for other rooms that make models.

mod linear;
mod message;
mod trees;

use std::collections::BTreeMap;

pub use message::{Attribute, FLOAT, Message, float_tensor, floats, node};

use crate::model::{Body, Model};

// ONNX 1.12: IR version 8, operator set 17, ML operator set 3.
const IR_VERSION: i64 = 8;
const OPERATOR_SET: i64 = 17;
const ML_OPERATOR_SET: i64 = 3;
/// The domain of the plain operators.
pub const PLAIN: &str = "";
/// The domain of the tree and other classical operators.
pub const ML: &str = "ai.onnx.ml";

/// A graph of operator set 17 with one input and one output.
#[derive(Debug, Clone)]
pub struct Graph {
    pub name: &'static str,
    /// [`node`]s, each after those whose outputs it takes.
    pub nodes: Vec<Message>,
    /// Constants ([`floats`]), each with a name of its own.
    pub tensors: Vec<Message>,
    /// What goes in and what comes out, each a [`float_tensor`].
    pub input: Message,
    pub output: Message,
}

impl Graph {
    /// The ONNX file. `properties` become `metadata_props`, in the order of their keys: the same
    /// graph and properties give the same bytes.
    pub fn into_file(
        self,
        producer: &str,
        version: &str,
        properties: BTreeMap<String, String>,
    ) -> Vec<u8> {
        // GraphProto: node = 1, name = 2, initializer = 5, input = 11, output = 12.
        let graph = Message::default()
            .each(self.nodes, |m, node| m.message(1, node))
            .text(2, self.name)
            .each(self.tensors, |m, tensor| m.message(5, tensor))
            .message(11, self.input)
            .message(12, self.output);
        // OperatorSetIdProto: domain = 1, version = 2.
        let operator_set = |domain, version| Message::default().text(1, domain).integer(2, version);
        // ModelProto: ir_version = 1, producer_name = 2, producer_version = 3, graph = 7,
        // opset_import = 8, metadata_props = 14 (StringStringEntryProto: key = 1, value = 2).
        Message::default()
            .integer(1, IR_VERSION)
            .text(2, producer)
            .text(3, version)
            .message(7, graph)
            .message(8, operator_set(PLAIN, OPERATOR_SET))
            .message(8, operator_set(ML, ML_OPERATOR_SET))
            .each(properties, |m, (key, value)| {
                m.message(14, Message::default().text(1, &key).text(2, &value))
            })
            .into_bytes()
    }
}

/// What the exported model is given.
enum Input {
    /// `features`: float `[N, F]`, the features in the model's order, NaN = missing.
    Features,
    /// `image`: float `[N, 1, height, width]`, grey values from 0 to 1. The model's features are
    /// the pixels, row by row ([`crate::images_to_matrix`]).
    Image { height: usize, width: usize },
}

impl Model {
    /// The model as an ONNX file. Output is `probability`, float `[N, 1]`.
    ///
    /// `metadata_props` holds `features`, `units`, `learner` and `training` (each JSON), and
    /// `metadata`, whose keys win over these. The same model and metadata give the same bytes.
    pub fn to_onnx(&self, metadata: &BTreeMap<String, String>) -> Vec<u8> {
        self.onnx(Input::Features, metadata)
    }

    /// As [`Model::to_onnx`], with an image as input. `None` when height × width is not the number
    /// of features.
    pub fn to_onnx_for_images(
        &self,
        height: usize,
        width: usize,
        metadata: &BTreeMap<String, String>,
    ) -> Option<Vec<u8>> {
        (height.checked_mul(width) == Some(self.features.len()))
            .then(|| self.onnx(Input::Image { height, width }, metadata))
    }

    fn onnx(&self, input: Input, metadata: &BTreeMap<String, String>) -> Vec<u8> {
        let features = self.features.len();
        let (input, mut nodes) = match input {
            Input::Features => (float_tensor("features", &[features]), Vec::new()),
            Input::Image { height, width } => (
                float_tensor("image", &[1, height, width]),
                // Flatten's default axis, 1, keeps N.
                vec![node(PLAIN, "Flatten", &["image"], "features", Vec::new())],
            ),
        };
        let mut initializers = Vec::new();
        match &self.body {
            Body::Linear(model) => linear::write(model, &mut nodes, &mut initializers),
            Body::Trees(model) => nodes.push(trees::write(model)),
        }
        nodes.push(node(
            PLAIN,
            "Sigmoid",
            &["log_odds"],
            "probability",
            Vec::new(),
        ));
        let mut properties = self.properties();
        properties.extend(metadata.clone());
        Graph {
            name: "kura_training",
            nodes,
            tensors: initializers,
            input,
            output: float_tensor("probability", &[1]),
        }
        .into_file("kura-training", env!("CARGO_PKG_VERSION"), properties)
    }

    fn properties(&self) -> BTreeMap<String, String> {
        // Names, numbers and settings: their JSON cannot fail.
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        let names: Vec<&str> = self.features.iter().map(|f| f.name.as_str()).collect();
        let units: Vec<Option<&str>> = self.features.iter().map(|f| f.unit.as_deref()).collect();
        BTreeMap::from([
            ("features".into(), json(serde_json::to_string(&names))),
            ("units".into(), json(serde_json::to_string(&units))),
            ("learner".into(), json(serde_json::to_string(&self.learner))),
            ("training".into(), json(serde_json::to_string(&self.facts))),
        ])
    }
}
