//! The addresses of DICOMweb: one table. The router is made of it, and so is what the bank says of
//! itself. PS3.18 clauses 8.9, 9, 10 and 11.

use axum::routing::{MethodFilter, MethodRouter, on};

use super::{bulk, conformance, delete, rendered, retrieve, search, store, ups, uri};
use crate::App;

/// One transaction at one address.
pub(super) struct Endpoint {
    /// `GET`, `POST`.
    pub(super) method: &'static str,
    /// Under `/dicom-web`.
    pub(super) path: &'static str,
    pub(super) transaction: Transaction,
}

/// The transactions, in the words of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    Search,
    Retrieve,
    RetrieveMetadata,
    RetrieveRendered,
    RetrieveThumbnail,
    RetrieveFrames,
    RetrievePixelData,
    RetrieveBulkData,
    Store,
    Delete,
    RetrieveUri,
    Capabilities,
    CreateWorkitem,
    RetrieveWorkitem,
    UpdateWorkitem,
    ChangeWorkitemState,
    RequestCancellation,
    SearchWorkitems,
    SubscribeWorkitem,
    UnsubscribeWorkitem,
    SuspendSubscription,
    OpenEventChannel,
}

const fn at(method: &'static str, path: &'static str, transaction: Transaction) -> Endpoint {
    Endpoint {
        method,
        path,
        transaction,
    }
}

use Transaction as T;

#[rustfmt::skip]
pub(super) const ENDPOINTS: &[Endpoint] = &[
    at("GET", "/studies", T::Search),
    at("GET", "/series", T::Search),
    at("GET", "/instances", T::Search),
    at("GET", "/studies/{study}/series", T::Search),
    at("GET", "/studies/{study}/instances", T::Search),
    at("GET", "/studies/{study}/series/{series}/instances", T::Search),
    at("GET", "/studies/{study}", T::Retrieve),
    at("GET", "/studies/{study}/series/{series}", T::Retrieve),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}", T::Retrieve),
    at("GET", "/studies/{study}/metadata", T::RetrieveMetadata),
    at("GET", "/studies/{study}/series/{series}/metadata", T::RetrieveMetadata),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/metadata", T::RetrieveMetadata),
    at("GET", "/studies/{study}/rendered", T::RetrieveRendered),
    at("GET", "/studies/{study}/series/{series}/rendered", T::RetrieveRendered),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/rendered", T::RetrieveRendered),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered", T::RetrieveRendered),
    at("GET", "/studies/{study}/thumbnail", T::RetrieveThumbnail),
    at("GET", "/studies/{study}/series/{series}/thumbnail", T::RetrieveThumbnail),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/thumbnail", T::RetrieveThumbnail),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail", T::RetrieveThumbnail),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", T::RetrieveFrames),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/pixeldata", T::RetrievePixelData),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{*place}", T::RetrieveBulkData),
    at("POST", "/studies", T::Store),
    at("POST", "/studies/{study}", T::Store),
    at("DELETE", "/studies/{study}", T::Delete),
    at("DELETE", "/studies/{study}/series/{series}", T::Delete),
    at("DELETE", "/studies/{study}/series/{series}/instances/{instance}", T::Delete),
    at("GET", "/wado", T::RetrieveUri),
    at("POST", "/workitems", T::CreateWorkitem),
    at("GET", "/workitems", T::SearchWorkitems),
    at("GET", "/workitems/{workitem}", T::RetrieveWorkitem),
    at("POST", "/workitems/{workitem}", T::UpdateWorkitem),
    at("PUT", "/workitems/{workitem}/state", T::ChangeWorkitemState),
    at("POST", "/workitems/{workitem}/cancelrequest", T::RequestCancellation),
    at("POST", "/workitems/{workitem}/subscribers/{aetitle}", T::SubscribeWorkitem),
    at("DELETE", "/workitems/{workitem}/subscribers/{aetitle}", T::UnsubscribeWorkitem),
    at("POST", "/workitems/{workitem}/subscribers/{aetitle}/suspend", T::SuspendSubscription),
    at("GET", "/subscribers/{aetitle}", T::OpenEventChannel),
    at("GET", "/conformance", T::Capabilities),
    at("OPTIONS", "/", T::Capabilities),
];

/// What is said of a transaction.
pub(super) struct About {
    pub(super) transaction: Transaction,
    /// As the standard calls it.
    pub(super) name: &'static str,
    /// Of PS3.18.
    pub(super) clause: &'static str,
    pub(super) ja: &'static str,
    pub(super) en: &'static str,
    pub(super) takes: &'static [&'static str],
    pub(super) gives: &'static [&'static str],
    /// Parameters of the query.
    pub(super) params: &'static [&'static str],
}

const DATA_SETS: &[&str] = &[
    "application/dicom+json",
    "multipart/related; type=\"application/dicom+xml\"",
];
const PICTURES: &[&str] = &["image/jpeg", "image/png"];
const FRAMES: &[&str] = &[
    "multipart/related; type=\"application/octet-stream\"; transfer-syntax=1.2.840.10008.1.2.1",
    "multipart/related; type=\"image/jpeg\", image/jls, image/jp2, image/jpx, image/jxl, image/jphc, image/dicom-rle, video/mpeg, video/mp4: as stored",
    "multipart/related; type=\"image/dicom-rle\"; transfer-syntax=1.2.840.10008.1.2.5",
    "multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2.840.10008.1.2.4.50: 8 bits, where it is named",
];
const RENDERING: &[&str] = &["accept", "window", "viewport", "quality"];

#[rustfmt::skip]
pub(super) const ABOUT: &[About] = &[
    About { transaction: T::Search, name: "Search (QIDO-RS)", clause: "10.6",
        ja: "検査・シリーズ・オブジェクトを属性で探します。氏名はあいまい検索もできます。",
        en: "Finds studies, series and instances by their attributes; names also by whom they may mean.",
        takes: &[], gives: DATA_SETS, params: &["accept", "limit", "offset", "includefield", "fuzzymatching", "{attribute}"] },
    About { transaction: T::Retrieve, name: "Retrieve (WADO-RS)", clause: "10.4",
        ja: "オブジェクトを、保存されている転送構文で、または指定された可逆の転送構文に書き直して返します。",
        en: "Gives objects in the transfer syntax they are stored in, or written anew in one that is named and loses nothing.",
        takes: &[], gives: &["multipart/related; type=\"application/dicom\"", "application/dicom", "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1", "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.5"], params: &["accept"] },
    About { transaction: T::RetrieveMetadata, name: "Retrieve Metadata", clause: "10.4.1.1.2",
        ja: "画素以外の属性を返します。省かれた値には BulkDataURI があります。",
        en: "Gives the attributes. Values that are left out have a BulkDataURI.",
        takes: &[], gives: DATA_SETS, params: &["accept"] },
    About { transaction: T::RetrieveRendered, name: "Retrieve Rendered", clause: "10.4.1.1.3",
        ja: "画面用の画像にして返します。注釈と ICC プロファイルは扱いません。",
        en: "Gives pictures for a screen. No annotations, no ICC profiles.",
        takes: &[], gives: PICTURES, params: RENDERING },
    About { transaction: T::RetrieveThumbnail, name: "Retrieve Thumbnail", clause: "10.4.1.1.4",
        ja: "小さな画像を一枚返します。",
        en: "Gives one small picture.",
        takes: &[], gives: PICTURES, params: &["accept", "viewport"] },
    About { transaction: T::RetrieveFrames, name: "Retrieve Frames", clause: "10.4.1.1.6",
        ja: "フレームを、保存されている符号のまま、または求められた転送構文で返します。",
        en: "Gives frames as they are encoded, or in the transfer syntax that is asked for.",
        takes: &[], gives: FRAMES, params: &["accept"] },
    About { transaction: T::RetrievePixelData, name: "Retrieve Pixel Data", clause: "10.4.1.1.7",
        ja: "すべてのフレームを返します。",
        en: "Gives all frames.",
        takes: &[], gives: FRAMES, params: &["accept"] },
    About { transaction: T::RetrieveBulkData, name: "Retrieve Bulk Data", clause: "10.4.1.1.5",
        ja: "メタデータから省かれた値を返します。",
        en: "Gives a value that metadata leave out.",
        takes: &[], gives: &["multipart/related; type=\"application/octet-stream\"", "application/octet-stream"], params: &["accept"] },
    About { transaction: T::Store, name: "Store (STOW-RS)", clause: "10.5",
        ja: "オブジェクトを保存します。同じ UID で内容の異なるものは上書きせず、拒んで知らせます。",
        en: "Stores objects. One of a known UID with other content is refused and told, never written over.",
        takes: &["multipart/related; type=\"application/dicom\"", "application/dicom", "multipart/related; type=\"application/dicom+json\"", "multipart/related; type=\"application/dicom+xml\""],
        gives: &["application/dicom+json", "application/dicom+xml"], params: &["accept"] },
    About { transaction: T::Delete, name: "Delete", clause: "-",
        ja: "検査・シリーズ・オブジェクトを消します。以前の版は残ります。標準の外の操作です。",
        en: "Deletes a study, a series or an instance. Earlier versions stay. Not a transaction of the standard.",
        takes: &[], gives: &[], params: &[] },
    About { transaction: T::RetrieveUri, name: "Retrieve (WADO-URI)", clause: "9",
        ja: "問い合わせ文字列で名指したオブジェクトを、画像またはファイルで返します。",
        en: "Gives an object named by the query, as a picture or as its file.",
        takes: &[], gives: &["image/jpeg", "image/png", "application/dicom"],
        params: &["requestType", "studyUID", "seriesUID", "objectUID", "contentType", "frameNumber", "rows", "columns", "region", "windowCenter", "windowWidth", "imageQuality", "transferSyntax"] },
    About { transaction: T::CreateWorkitem, name: "Create Workitem (UPS-RS)", clause: "11.4",
        ja: "作業項目を作ります。",
        en: "Makes a workitem.",
        takes: &["application/dicom+json", "application/dicom+xml"], gives: &[], params: &["workitem"] },
    About { transaction: T::RetrieveWorkitem, name: "Retrieve Workitem", clause: "11.5",
        ja: "作業項目を返します。",
        en: "Gives a workitem, without its Transaction UID.",
        takes: &[], gives: &["application/dicom+json", "application/dicom+xml"], params: &["accept"] },
    About { transaction: T::UpdateWorkitem, name: "Update Workitem", clause: "11.6",
        ja: "作業項目の属性を置き換えます。進行中は、ロックを持つ者だけができます。",
        en: "Replaces attributes; in progress, only for whoever has the lock.",
        takes: &["application/dicom+json", "application/dicom+xml"], gives: &[], params: &["transaction-uid"] },
    About { transaction: T::ChangeWorkitemState, name: "Change Workitem State", clause: "11.7",
        ja: "状態を変えます。",
        en: "Changes the state.",
        takes: &["application/dicom+json", "application/dicom+xml"], gives: &[], params: &[] },
    About { transaction: T::RequestCancellation, name: "Request Cancellation", clause: "11.8",
        ja: "中止を求めます。",
        en: "Asks for a cancellation.",
        takes: &["application/dicom+json", "application/dicom+xml"], gives: &[], params: &[] },
    About { transaction: T::SearchWorkitems, name: "Search for Workitems", clause: "11.9",
        ja: "作業項目を属性で探します。",
        en: "Finds workitems by their attributes.",
        takes: &[], gives: DATA_SETS, params: &["accept", "limit", "offset", "{attribute}"] },
    About { transaction: T::SubscribeWorkitem, name: "Subscribe", clause: "11.10",
        ja: "作業項目の出来事の通知を受けます。",
        en: "Subscribes to what happens to a workitem, to all, or to those that match.",
        takes: &[], gives: &[], params: &["deletionlock", "filter", "{attribute}"] },
    About { transaction: T::UnsubscribeWorkitem, name: "Unsubscribe", clause: "11.11",
        ja: "通知を止めます。",
        en: "Ends a subscription.",
        takes: &[], gives: &[], params: &[] },
    About { transaction: T::SuspendSubscription, name: "Suspend Global Subscription", clause: "11.12",
        ja: "これから作られる作業項目の通知を止めます。",
        en: "Does not subscribe to workitems that are made from now on.",
        takes: &[], gives: &[], params: &[] },
    About { transaction: T::OpenEventChannel, name: "Open Event Channel", clause: "8.10.3, 11.13",
        ja: "出来事を WebSocket で知らせます。",
        en: "Tells events over a WebSocket, as they happen; none is kept for later.",
        takes: &[], gives: &["application/dicom+json"], params: &[] },
    About { transaction: T::Capabilities, name: "Retrieve Capabilities", clause: "8.9",
        ja: "この一覧です。",
        en: "This list.",
        takes: &[], gives: &["text/html", "application/json", "application/vnd.sun.wadl+xml"], params: &[] },
];

impl Transaction {
    pub(super) fn about(self) -> &'static About {
        ABOUT
            .iter()
            .find(|about| about.transaction == self)
            // A test sees to it that there is one of each.
            .unwrap_or(&ABOUT[0])
    }
}

impl Endpoint {
    pub(super) fn route(&self) -> MethodRouter<App> {
        let method = match self.method {
            "POST" => MethodFilter::POST,
            "PUT" => MethodFilter::PUT,
            "OPTIONS" => MethodFilter::OPTIONS,
            "DELETE" => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        match self.transaction {
            T::Search => on(method, search::search),
            T::Retrieve => on(method, retrieve::retrieve),
            T::RetrieveMetadata => on(method, retrieve::metadata),
            T::RetrieveRendered => on(method, rendered::rendered),
            T::RetrieveThumbnail => on(method, rendered::thumbnail),
            T::RetrieveFrames => on(method, bulk::frames),
            T::RetrievePixelData => on(method, bulk::pixel_data),
            T::RetrieveBulkData => on(method, bulk::bulk_data),
            T::Delete => on(method, delete::delete),
            T::Capabilities => on(method, conformance::capabilities),
            T::CreateWorkitem => on(method, ups::create),
            T::RetrieveWorkitem => on(method, ups::retrieve),
            T::UpdateWorkitem => on(method, ups::update),
            T::ChangeWorkitemState => on(method, ups::change_state),
            T::RequestCancellation => on(method, ups::request_cancel),
            T::SearchWorkitems => on(method, ups::search),
            T::SubscribeWorkitem => on(method, ups::subscribe),
            T::UnsubscribeWorkitem => on(method, ups::unsubscribe),
            T::SuspendSubscription => on(method, ups::suspend),
            T::OpenEventChannel => on(method, ups::listen),
            T::RetrieveUri => on(method, uri::wado),
            T::Store => on(method, store::store),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transaction_is_told_of_and_has_an_address() {
        for endpoint in ENDPOINTS {
            assert_eq!(
                endpoint.transaction.about().transaction,
                endpoint.transaction
            );
        }
        for about in ABOUT {
            assert!(
                ENDPOINTS
                    .iter()
                    .any(|endpoint| endpoint.transaction == about.transaction)
            );
        }
    }
}
