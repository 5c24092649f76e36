//! A network as ONNX.

use std::collections::BTreeMap;

use kura_training::onnx::{Attribute, Graph, Message, PLAIN, float_tensor, floats, node};

use crate::trained::TrainedNetwork;

impl TrainedNetwork {
    /// The network as an ONNX file. Input is `image`, float `[N, channels, height, width]`; output
    /// is `probability`, float `[N, 1]`.
    ///
    /// `metadata_props` holds `learner` and `training` (each JSON), and `metadata`, whose keys win
    /// over these. The same network and metadata give the same bytes.
    pub fn to_onnx(&self, metadata: &BTreeMap<String, String>) -> Vec<u8> {
        let shape = &self.shape;
        let channels = shape.channels;
        let mut nodes: Vec<Message> = Vec::new();
        let mut tensors = vec![
            floats("mean", &[channels, 1, 1], &self.mean),
            floats("deviation", &[channels, 1, 1], &self.deviation),
        ];
        let mut add = |operator: &str, inputs: &[&str], output: &str, attributes| {
            nodes.push(node(PLAIN, operator, inputs, output, attributes));
        };
        add("Sub", &["image", "mean"], "centred", Vec::new());
        add("Div", &["centred", "deviation"], "block_0", Vec::new());
        let (mut inputs, mut flow) = (channels, "block_0".to_owned());
        for (number, one) in self.convolutions.iter().enumerate() {
            let outputs = one.bias.len();
            let name = |what: &str| format!("{what}_{}", number + 1);
            let (weight, bias) = (name("weight"), name("bias"));
            tensors.push(floats(&weight, &[outputs, inputs, 3, 3], &one.weight));
            tensors.push(floats(&bias, &[outputs], &one.bias));
            let (convolved, rectified, halved) =
                (name("convolved"), name("rectified"), name("block"));
            add(
                "Conv",
                &[&flow, &weight, &bias],
                &convolved,
                vec![("pads", Attribute::Integers(vec![1; 4]))],
            );
            add("Relu", &[&convolved], &rectified, Vec::new());
            add(
                "MaxPool",
                &[&rectified],
                &halved,
                vec![
                    ("kernel_shape", Attribute::Integers(vec![2; 2])),
                    ("strides", Attribute::Integers(vec![2; 2])),
                ],
            );
            (inputs, flow) = (outputs, halved);
        }
        add("GlobalAveragePool", &[&flow], "means", Vec::new());
        // Flatten's default axis, 1, keeps N.
        add("Flatten", &["means"], "channels", Vec::new());
        tensors.push(floats("weight", &[inputs, 1], &self.weight));
        tensors.push(floats("intercept", &[1], &[self.intercept]));
        let gemm = ["channels", "weight", "intercept"];
        add("Gemm", &gemm, "log_odds", Vec::new());
        add("Sigmoid", &["log_odds"], "probability", Vec::new());

        // Numbers and settings: their JSON cannot fail.
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        let learner = BTreeMap::from([("network", &self.network)]);
        let mut properties = BTreeMap::from([
            ("learner".to_owned(), json(serde_json::to_string(&learner))),
            (
                "training".to_owned(),
                json(serde_json::to_string(&self.facts)),
            ),
        ]);
        properties.extend(metadata.clone());
        Graph {
            name: "kura_network",
            nodes,
            tensors,
            input: float_tensor("image", &[channels, shape.height, shape.width]),
            output: float_tensor("probability", &[1]),
        }
        .into_file("kura-network", env!("CARGO_PKG_VERSION"), properties)
    }
}
