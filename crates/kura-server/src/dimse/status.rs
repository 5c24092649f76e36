//! Status codes of responses.

/// PS3.7 Annex C.
pub(super) const SUCCESS: u16 = 0x0000;
pub(super) const PROCESSING_FAILURE: u16 = 0x0110;
pub(super) const DUPLICATE_INSTANCE: u16 = 0x0111;
pub(super) const NOT_AUTHORIZED: u16 = 0x0124;
pub(super) const RESOURCE_LIMITATION: u16 = 0x0213;
pub(super) const UNRECOGNIZED_OPERATION: u16 = 0x0211;
pub(super) const NO_SUCH_ACTION: u16 = 0x0123;
pub(super) const INVALID_ARGUMENT: u16 = 0x0115;

/// PS3.4 Tables B.2-1, C.4-1, C.4-2 and C.4-3.
pub(super) const OUT_OF_RESOURCES: u16 = 0xA700;
pub(super) const NO_SUBOPERATION_DONE: u16 = 0xA702;
pub(super) const DESTINATION_UNKNOWN: u16 = 0xA801;
pub(super) const DOES_NOT_MATCH: u16 = 0xA900;
pub(super) const SOME_FAILED: u16 = 0xB000;
pub(super) const CANNOT_UNDERSTAND: u16 = 0xC000;
pub(super) const CANCELLED: u16 = 0xFE00;
pub(super) const PENDING: u16 = 0xFF00;
/// A match, some of whose optional keys were not considered.
pub(super) const PENDING_WITHOUT_KEYS: u16 = 0xFF01;
pub(super) const CLASS_NOT_SUPPORTED: u16 = 0x0122;

/// The object was taken: as it is, or with a change the receiver makes to its own copy (coerced,
/// data set does not match, elements discarded).
pub(super) fn is_taken(status: u16) -> bool {
    matches!(status, SUCCESS | 0xB000 | 0xB006 | 0xB007)
}

/// The same object may be taken another time: no room, no means, a failure of the receiver's own.
pub(super) fn may_pass(status: u16) -> bool {
    matches!(
        status,
        PROCESSING_FAILURE | RESOURCE_LIMITATION | 0xA700..=0xA7FF
    )
}
