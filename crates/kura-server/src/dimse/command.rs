//! Command sets, PS3.7 clause 6.3: flat, Implicit VR Little Endian, short.

/// Command Field (0000,0100). PS3.7 Annex E.1.
pub(super) const C_STORE_RQ: u16 = 0x0001;
pub(super) const C_ECHO_RQ: u16 = 0x0030;
pub(super) const C_CANCEL_RQ: u16 = 0x0FFF;

/// Command Data Set Type (0000,0800): no data set follows.
const NO_DATA_SET: u16 = 0x0101;

/// A request, as far as we act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) field: u16,
    pub(super) message_id: u16,
    pub(super) has_data_set: bool,
    /// Affected SOP Class UID (0000,0002)
    pub(super) sop_class_uid: String,
    /// Affected SOP Instance UID (0000,1000)
    pub(super) sop_instance_uid: String,
}

impl Request {
    /// `None` where the bytes are no command set, or name no command and message.
    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut request = Self {
            field: 0,
            message_id: 0,
            has_data_set: false,
            sop_class_uid: String::new(),
            sop_instance_uid: String::new(),
        };
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
                0x0002 => request.sop_class_uid = text()?,
                0x0100 => field = Some(number()?),
                0x0110 => message_id = Some(number()?),
                0x0800 => request.has_data_set = number()? != NO_DATA_SET,
                0x1000 => request.sop_instance_uid = text()?,
                _ => {}
            }
            bytes = rest;
        }
        request.field = field?;
        request.message_id = message_id?;
        Some(request)
    }

    /// The response to it. `comment` is Error Comment (0000,0902), at most 64 characters.
    pub(super) fn response(&self, status: u16, comment: &str) -> Vec<u8> {
        let mut body = Vec::with_capacity(256);
        let mut put = |element: u16, value: &[u8], pad: u8| {
            body.extend([0, 0]);
            body.extend(element.to_le_bytes());
            let length = value.len() + value.len() % 2;
            body.extend((length as u32).to_le_bytes());
            body.extend(value);
            if value.len() % 2 == 1 {
                body.push(pad);
            }
        };
        if !self.sop_class_uid.is_empty() {
            put(0x0002, self.sop_class_uid.as_bytes(), 0);
        }
        // PS3.7 E.1: the response to a command is its code with the highest bit set
        put(0x0100, &(self.field | 0x8000).to_le_bytes(), 0);
        put(0x0120, &self.message_id.to_le_bytes(), 0);
        put(0x0800, &NO_DATA_SET.to_le_bytes(), 0);
        put(0x0900, &status.to_le_bytes(), 0);
        if !comment.is_empty() {
            let comment: String = comment
                .chars()
                .filter(|letter| letter.is_ascii() && !letter.is_control() && *letter != '\\')
                .take(64)
                .collect();
            put(0x0902, comment.as_bytes(), b' ');
        }
        if !self.sop_instance_uid.is_empty() {
            put(0x1000, self.sop_instance_uid.as_bytes(), 0);
        }
        let mut out = Vec::with_capacity(body.len() + 12);
        out.extend([0, 0, 0, 0, 4, 0, 0, 0]);
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo() -> Request {
        Request {
            field: C_ECHO_RQ,
            message_id: 7,
            has_data_set: false,
            sop_class_uid: "1.2.840.10008.1.1".to_owned(),
            sop_instance_uid: String::new(),
        }
    }

    #[test]
    fn a_response_reads_back() {
        let bytes = echo().response(0, "");
        // A response has the message id in another element.
        assert_eq!(Request::read(&bytes), None);
        let mut bytes = bytes;
        let at = bytes
            .windows(4)
            .position(|window| window == [0, 0, 0x20, 1])
            .unwrap();
        bytes[at + 2] = 0x10;
        let read = Request::read(&bytes).unwrap();
        assert_eq!((read.field, read.message_id), (0x8030, 7));
        assert_eq!(read.sop_class_uid, "1.2.840.10008.1.1");
        assert!(!read.has_data_set);
    }

    #[test]
    fn cut_and_claimed_lengths_are_refused() {
        let bytes = echo().response(0xA700, "the disk is full");
        for cut in 0..bytes.len() {
            let _ = Request::read(&bytes[..cut]);
        }
        let mut claims = bytes;
        claims[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Request::read(&claims), None);
    }
}
