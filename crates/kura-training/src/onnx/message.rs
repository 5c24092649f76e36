//! The few messages of ONNX that a model needs, written as Protocol Buffers.
//!
//! Field numbers are those of `onnx/onnx.proto` (ONNX 1.12, IR version 8), named beside each field.
//! The wire format is protobuf.dev/programming-guides/encoding: a field is its number and wire
//! type as a varint, then a varint, four bytes, or a length and bytes.

/// Bytes of a message under construction. Fields are written in the order of the calls, so the
/// same calls give the same bytes.
#[derive(Debug, Clone, Default)]
pub struct Message {
    bytes: Vec<u8>,
}

const VARINT: u64 = 0;
const LENGTH: u64 = 2;
const FOUR_BYTES: u64 = 5;

impl Message {
    /// The bytes of the message, without its own field.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn tag(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    /// A field of wire type varint.
    pub fn integer(mut self, field: u64, value: i64) -> Self {
        self.tag(field, VARINT);
        // A negative number is its two's complement in ten bytes.
        self.varint(value as u64);
        self
    }

    /// A field of four bytes.
    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.tag(field, FOUR_BYTES);
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A field of bytes with their length.
    pub fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.tag(field, LENGTH);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    /// A field of text, in UTF-8.
    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// A field that is a message itself.
    pub fn message(self, field: u64, value: Message) -> Self {
        self.bytes(field, &value.bytes)
    }

    /// What `write` adds for each item: a repeated field.
    pub fn each<T>(
        self,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(Self, T) -> Self,
    ) -> Self {
        items.into_iter().fold(self, write)
    }
}

/// `TensorProto.DataType.FLOAT`.
pub const FLOAT: i64 = 1;

/// `AttributeProto`: name = 1, type = 20.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    Integer(i64),
    Text(&'static str),
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    Texts(Vec<&'static str>),
}

impl Attribute {
    fn message(self, name: &str) -> Message {
        let message = Message::default().text(1, name);
        match self {
            // i = 3, INT = 2
            Self::Integer(value) => message.integer(3, value).integer(20, 2),
            // s = 4, STRING = 3
            Self::Text(value) => message.text(4, value).integer(20, 3),
            // floats = 7, FLOATS = 6
            Self::Floats(values) => message.each(values, |m, v| m.float(7, v)).integer(20, 6),
            // ints = 8, INTS = 7
            Self::Integers(values) => message.each(values, |m, v| m.integer(8, v)).integer(20, 7),
            // strings = 9, STRINGS = 8
            Self::Texts(values) => message.each(values, |m, v| m.text(9, v)).integer(20, 8),
        }
    }
}

/// `NodeProto`: input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7. A node is
/// named after its output.
pub fn node(
    domain: &str,
    operator: &str,
    inputs: &[&str],
    output: &str,
    attributes: Vec<(&str, Attribute)>,
) -> Message {
    Message::default()
        .each(inputs, |m, input| m.text(1, input))
        .text(2, output)
        .text(3, output)
        .text(4, operator)
        .each(attributes, |m, (name, attribute)| {
            m.message(5, attribute.message(name))
        })
        .text(7, domain)
}

/// `TensorProto` of floats: dims = 1, data_type = 2, name = 8, raw_data = 9 (little-endian).
pub fn floats(name: &str, dims: &[usize], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Message::default()
        .each(dims, |m, &dim| m.integer(1, dim as i64))
        .integer(2, FLOAT)
        .text(8, name)
        .bytes(9, &raw)
}

/// `ValueInfoProto` (name = 1, type = 2) of a float tensor whose first dimension is free:
/// `TypeProto.tensor_type` = 1, `Tensor.elem_type` = 1, `Tensor.shape` = 2, `TensorShapeProto.dim`
/// = 1, `Dimension.dim_value` = 1, `Dimension.dim_param` = 2.
pub fn float_tensor(name: &str, dims: &[usize]) -> Message {
    let shape = Message::default()
        .message(1, Message::default().text(2, "N"))
        .each(dims, |m, &dim| {
            m.message(1, Message::default().integer(1, dim as i64))
        });
    let tensor = Message::default().integer(1, FLOAT).message(2, shape);
    Message::default()
        .text(1, name)
        .message(2, Message::default().message(1, tensor))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of protobuf.dev/programming-guides/encoding.
    #[test]
    fn wire_format_follows_the_guide() {
        let bytes = |message: Message| message.into_bytes();
        assert_eq!(
            bytes(Message::default().integer(1, 150)),
            [0x08, 0x96, 0x01]
        );
        assert_eq!(
            bytes(Message::default().text(2, "testing")),
            [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]
        );
        assert_eq!(
            bytes(Message::default().message(3, Message::default().integer(1, 150))),
            [0x1a, 0x03, 0x08, 0x96, 0x01]
        );
        assert_eq!(
            bytes(Message::default().integer(1, -2)),
            [
                0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01
            ]
        );
    }
}
