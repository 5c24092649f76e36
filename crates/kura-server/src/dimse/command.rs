//! Command sets, PS3.7 clause 6.3: flat, Implicit VR Little Endian, short.

/// Command Field (0000,0100). PS3.7 Annex E.1.
pub(super) const C_STORE_RQ: u16 = 0x0001;
pub(super) const C_GET_RQ: u16 = 0x0010;
pub(super) const C_FIND_RQ: u16 = 0x0020;
pub(super) const C_MOVE_RQ: u16 = 0x0021;
pub(super) const C_ECHO_RQ: u16 = 0x0030;
pub(super) const N_EVENT_REPORT_RQ: u16 = 0x0100;
pub(super) const N_ACTION_RQ: u16 = 0x0130;
pub(super) const C_CANCEL_RQ: u16 = 0x0FFF;

/// The response to a command is its code with this bit. PS3.7 E.1.
pub(super) const RESPONSE: u16 = 0x8000;

/// Command Data Set Type (0000,0800): no data set follows.
const NO_DATA_SET: u16 = 0x0101;
/// Any other value says that one does.
const DATA_SET: u16 = 0x0001;

/// Longest command set: a few UIDs and numbers.
pub(super) const COMMAND_BYTES: usize = 16 * 1024;

/// A request or a response, as far as we act on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) field: u16,
    /// Message ID (0000,0110), in a response that of the request (0000,0120).
    pub(super) message_id: u16,
    pub(super) has_data_set: bool,
    /// Affected or Requested SOP Class UID (0000,0002), (0000,0003)
    pub(super) sop_class_uid: String,
    /// Affected or Requested SOP Instance UID (0000,1000), (0000,1001)
    pub(super) sop_instance_uid: String,
    /// (0000,0600)
    pub(super) move_destination: String,
    /// (0000,0900), in a response
    pub(super) status: u16,
    /// Action Type ID (0000,1008)
    pub(super) action_type: u16,
    /// Numbers of remaining, completed, failed and warned sub-operations (0000,1020) to
    /// (0000,1023).
    pub(super) counts: [u16; 4],
}

impl Command {
    /// `None` where the bytes are no command set, or name no command and message.
    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut command = Self::default();
        let (mut field, mut message_id) = (None, None);
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_at_checked(8)?;
            let group = u16::from_le_bytes([head[0], head[1]]);
            let element = u16::from_le_bytes([head[2], head[3]]);
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            if group != 0 {
                return None;
            }
            let number = || Some(u16::from_le_bytes([*value.first()?, *value.get(1)?]));
            let text = || {
                let text = std::str::from_utf8(value).ok()?;
                Some(text.trim_matches(['\0', ' ']).to_owned())
            };
            match element {
                0x0002 | 0x0003 => command.sop_class_uid = text()?,
                0x0100 => field = Some(number()?),
                0x0110 | 0x0120 => message_id = Some(number()?),
                0x0600 => command.move_destination = text()?,
                0x0800 => command.has_data_set = number()? != NO_DATA_SET,
                0x0900 => command.status = number()?,
                0x1000 | 0x1001 => command.sop_instance_uid = text()?,
                0x1008 => command.action_type = number()?,
                0x1020..=0x1023 => command.counts[usize::from(element - 0x1020)] = number()?,
                _ => {}
            }
            bytes = rest;
        }
        command.field = field?;
        command.message_id = message_id?;
        Some(command)
    }

    /// The response to it, to be completed.
    pub(super) fn response(&self, status: u16) -> CommandSet {
        let mut set = CommandSet::default();
        set.number(0x0100, self.field | RESPONSE);
        set.number(0x0120, self.message_id);
        set.number(0x0800, NO_DATA_SET);
        set.number(0x0900, status);
        // What a C-GET, C-FIND or C-MOVE affects is a class without instances.
        set.text(0x0002, &self.sop_class_uid, 0);
        set.text(0x1000, &self.sop_instance_uid, 0);
        if self.field == N_ACTION_RQ {
            set.number(0x1008, self.action_type);
        }
        set
    }
}

/// A command set that is being written.
#[derive(Debug, Clone, Default)]
pub(super) struct CommandSet {
    elements: std::collections::BTreeMap<u16, Vec<u8>>,
}

impl CommandSet {
    pub(super) fn request(field: u16, message_id: u16) -> Self {
        let mut set = Self::default();
        set.number(0x0100, field);
        set.number(0x0110, message_id);
        set.number(0x0800, NO_DATA_SET);
        set
    }

    /// A data set follows.
    pub(super) fn with_data_set(mut self) -> Self {
        self.number(0x0800, DATA_SET);
        self
    }

    pub(super) fn number(&mut self, element: u16, value: u16) {
        self.elements.insert(element, value.to_le_bytes().to_vec());
    }

    /// Left out if it is empty.
    pub(super) fn text(&mut self, element: u16, value: &str, pad: u8) {
        if value.is_empty() {
            return;
        }
        let mut bytes = value.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(pad);
        }
        self.elements.insert(element, bytes);
    }

    /// Error Comment (0000,0902), at most 64 characters.
    pub(super) fn comment(mut self, comment: &str) -> Self {
        let comment: String = comment
            .chars()
            .filter(|letter| letter.is_ascii() && !letter.is_control() && *letter != '\\')
            .take(64)
            .collect();
        self.text(0x0902, &comment, b' ');
        self
    }

    /// Numbers of sub-operations (0000,1020) to (0000,1023). PS3.7 9.1.3.
    pub(super) fn counts(mut self, remaining: Option<u16>, counts: [u16; 3]) -> Self {
        if let Some(remaining) = remaining {
            self.number(0x1020, remaining);
        }
        for (element, count) in [0x1021, 0x1022, 0x1023].into_iter().zip(counts) {
            self.number(element, count);
        }
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let length: usize = self.elements.values().map(|value| value.len() + 8).sum();
        let mut out = Vec::with_capacity(length + 12);
        let mut put = |element: u16, value: &[u8]| {
            out.extend([0, 0]);
            out.extend(element.to_le_bytes());
            out.extend((value.len() as u32).to_le_bytes());
            out.extend(value);
        };
        put(0, &(length as u32).to_le_bytes());
        for (element, value) in &self.elements {
            put(*element, value);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo() -> Command {
        Command {
            field: C_ECHO_RQ,
            message_id: 7,
            sop_class_uid: "1.2.840.10008.1.1".to_owned(),
            ..Command::default()
        }
    }

    #[test]
    fn a_response_reads_back() {
        let read = Command::read(&echo().response(0xA700).comment("full").bytes()).unwrap();
        assert_eq!((read.field, read.message_id), (0x8030, 7));
        assert_eq!(read.sop_class_uid, "1.2.840.10008.1.1");
        assert_eq!(read.status, 0xA700);
        assert!(!read.has_data_set);
    }

    #[test]
    fn a_request_reads_back() {
        let mut set = CommandSet::request(C_STORE_RQ, 9).with_data_set();
        set.text(0x0002, "1.2.3", 0);
        set.text(0x1000, "1.2.3.4", 0);
        let read = Command::read(&set.bytes()).unwrap();
        assert_eq!((read.field, read.message_id), (C_STORE_RQ, 9));
        assert_eq!(read.sop_instance_uid, "1.2.3.4");
        assert!(read.has_data_set);
        // PS3.7 E.1: the first element is the length of the rest, in bytes.
        let bytes = set.bytes();
        let length = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        assert_eq!(length as usize, bytes.len() - 12);
    }

    #[test]
    fn cut_and_claimed_lengths_are_refused() {
        let bytes = echo().response(0xA700).comment("the disk is full").bytes();
        for cut in 0..bytes.len() {
            let _ = Command::read(&bytes[..cut]);
        }
        let mut claims = bytes;
        claims[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Command::read(&claims), None);
    }
}
