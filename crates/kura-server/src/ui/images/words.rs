//! What the pages of images say.

use kura_service::imaging::Sort;
use serde_json::{Value, json};

use crate::ui::page::Page;
use crate::ui::text::{self, Text, catalogue};

catalogue! {
    // List of studies
    STUDIES: "画像", "Images";
    STUDIES_HINT: "画像のある検査を、新しい順に並べています。", "Studies whose images are here, the newest first.";
    MODALITY: "モダリティ", "Modality";
    FROM: "開始日", "From";
    TO: "終了日", "To";
    DESCRIPTION: "検査の説明", "Description";
    PATIENT: "患者(氏名・番号)", "Patient (name or number)";
    FIND: "絞り込む", "Find";
    NO_STUDIES: "画像はまだありません", "There are no images yet";
    NO_STUDIES_LONG: "DICOMファイルやフォルダーを取り込むか、装置から C-STORE で送ると、ここに並びます。", "Import DICOM files or folders, or send them from a modality by C-STORE; they appear here.";
    NO_STUDY_FITS: "この条件の検査はありません", "No study fits";
    NO_STUDY_FITS_LONG: "日付の範囲を広げるか、条件を減らしてください。", "Widen the dates, or ask for less.";
    OLDER_STUDIES: "より古い検査", "Older studies";
    SERIES_COUNT: "シリーズ", "series";
    OBJECT_COUNT: "枚", "objects";
    NO_DATE: "日付なし", "no date";
    CODE_EXAMPLE: "例:CT", "such as CT";

    // Tools
    TOOLS: "道具", "Tools";
    TOOL_WINDOW: "濃度", "Window";
    TOOL_SCROLL: "送る", "Scroll";
    TOOL_PAN: "移動", "Pan";
    TOOL_ZOOM: "拡大", "Zoom";
    TOOL_LENGTH: "長さ", "Length";
    TOOL_ANGLE: "角度", "Angle";
    TOOL_PROBE: "値", "Value";
    TOOL_RECTANGLE: "矩形の範囲", "Rectangle";
    TOOL_ELLIPSE: "楕円の範囲", "Ellipse";
    FLIP_ACROSS: "左右反転", "Flip left and right";
    FLIP_DOWN: "上下反転", "Flip top and bottom";
    ROTATE: "90°回転", "Rotate by 90°";
    ACTUAL: "等倍(1画素=1画素)", "Actual pixels";
    RESET: "元に戻す", "Reset";
    TEXT: "文字の表示", "Text on the image";
    OVERLAYS: "画像上の図形(オーバーレイ)", "Overlay graphics";
    COMPARE: "並べて比較", "Side by side";
    VOLUME: "断面と3D", "Planes and 3-D";
    HELP: "使い方", "Help";
    CLOSE: "閉じる", "Close";
    MEASURED: "計測", "Measurements";
    DELETE_ALL: "すべて消す", "Delete all";
    RATE: "速さ", "Rate";
    OTHER_STUDY: "比べる検査", "Compare with";
    OTHER_SERIES: "シリーズ", "Series";
    THIS_STUDY: "この検査", "this study";
    LINK: "連動", "Linked";
    LINK_SCROLL: "スライス", "slices";
    LINK_VIEW: "拡大と移動", "zoom and place";
    LINK_WINDOW: "濃度", "window";
    SEGMENTATIONS: "領域", "Segmentations";
    DOCUMENTS: "文書・ほかの記録", "Documents and other objects";
    NO_PICTURES: "この検査に画像はありません。文書は下から開けます。", "This study has no pictures. Its documents are below.";

    // Kinds of object
    SORT_REPORT: "構造化レポート", "Structured report";
    SORT_DOCUMENT: "文書", "Document";
    SORT_SEGMENTATION: "領域", "Segmentation";
    SORT_WAVEFORM: "波形", "Waveform";
    SORT_VIDEO: "動画", "Video";
    SORT_OTHER: "ほかのオブジェクト", "Other object";

    // Pages of objects
    BACK_TO_STUDY: "検査へ戻る", "Back to the study";
    OPEN_DOCUMENT: "文書を開く", "Open the document";
    DOCUMENT_LONG: "文書は別のタブで開きます。", "The document opens in a tab of its own.";
    DOCUMENT_OTHER: "この形式の文書はブラウザーで安全に表示できないため、保存して開いてください。", "A document of this kind is not safe to show in a browser; save it and open it.";
    SAVE: "保存", "Save";
    NOT_SHOWN: "この種類のオブジェクトを表示する画面はまだありません", "There is no view of this kind of object yet";
    NOT_SHOWN_LONG: "データはそのまま保管され、DICOMwebとC-MOVEで取り出せます。", "It is kept as it came, and can be taken out by DICOMweb or C-MOVE.";
    REPORT_COMPLETE: "完了", "complete";
    REPORT_PARTIAL: "途中", "partial";
    REPORT_VERIFIED: "確認済み", "verified";
    REPORT_UNVERIFIED: "未確認", "not verified";
    REPORT_CUT: "項目が多いため、一部だけを表示しています。", "There is more in this report than is shown.";
    REPORT_IMAGE: "画像", "image";
    REPORT_FRAME: "フレーム", "frame";
    REPORT_SHAPE: "図形", "shape";
    REPORT_POINTS: "点", "points";
    ECG_SCALE: "25 mm/秒・10 mm/mV。細い線は1 mm、太い線は5 mmです。画面上の実寸ではありません。", "25 mm/s, 10 mm/mV; thin lines are 1 mm, thick lines 5 mm. The screen does not show true size.";
    ECG_CUT: "先頭の10秒を表示しています。", "The first ten seconds are shown.";
    ECG_OWN: "単位が電圧ではないため、波形ごとに高さを合わせています。", "This is no voltage: each wave fills its height.";
    VIDEO_PLAIN: "この動画は容器のない生のストリームのため、ブラウザーでは再生できません。保存して、対応するプレーヤーで開いてください。", "This video is a bare stream without a container; a browser cannot play it. Save it and open it in a player.";
    SEGMENTATION_LONG: "検査の画面で、領域を画像に重ねて表示できます。", "The page of the study shows the segments over the images.";
    SEGMENT: "領域", "Segment";
    FRAMES_OF: "フレーム数", "Frames";

    // What scripts say
    PIXELS: "画素", "pixels";
    UNCALIBRATED: "(実寸は不明)", "(no scale in the image)";
    DETECTOR: "(検出器面)", "(at the detector)";
    OUTSIDE: "画像の外", "outside the image";
    NUMBER: "番号", "no.";
    THICK: "厚", "thick";
    FORGET: "この計測を消す", "Delete this measurement";
    PLAY: "再生", "Play";
    STOP: "停止", "Stop";
    PER_SECOND: "枚/秒", "frames/s";
    BY_PLACE: "同じ座標系:位置で連動", "one frame of reference: linked by position";
    BY_NUMBER: "座標系が違う:番号で連動", "different frames of reference: linked by number";
    PRESET_TABLE: "ファイルの変換表", "Table of the file";
    PRESET_LIVER: "肝", "Liver";
    PRESET_MEDIASTINUM: "縦隔", "Mediastinum";
    VOLUME_LOADING: "ボリュームを読み込み中", "Loading the volume";
    VOLUME_FAILED: "このブラウザーでは3Dを表示できません", "This browser cannot show the volume";
    VOLUME_ABSENT: "このビルドには断面・3D表示が入っていません。web/ で npm ci を実行してからビルドすると入ります(make run は自動で行います)。", "This build has no view of planes and 3-D. Run npm ci in web/ before the build to get it (make run does).";
    REASON_ONE_SLICE: "このシリーズは1枚だけなので、ボリュームになりません。", "This series has one slice only, which is no volume.";
    REASON_NO_GRID: "スライスの間隔や向きがそろっていないため、ボリュームにできません。", "The slices are no regular grid: their distances or directions differ, so there is no volume.";
    REASON_SAME_POSITION: "同じ位置のスライスが複数あるため、ボリュームにできません(時相やエコーが混ざったシリーズです)。", "Several slices lie at one position (phases or echoes in one series), so there is no volume.";
    REASON_COLOUR: "カラー画像はボリュームになりません。", "Colour images are no volume.";
    REASON_MIXED: "大きさや向きの違う画像が混ざっているため、ボリュームにできません。", "Images of different size or direction are in this series, so there is no volume.";
    REASON_NO_POSITION: "画像に位置が書かれていないため、ボリュームにできません。", "The images do not say where they lie, so there is no volume.";
    REASON_UNREADABLE: "このシリーズの画像は読めないため、ボリュームにできません。", "The images of this series cannot be read as a volume.";
    REASON_TOO_LARGE: "ボリュームが大きすぎます(512×512×512画素まで)。", "This volume is too large (512 × 512 × 512 voxels at most).";

    // Keys
    KEYS_MOVE: "前・次の画像", "previous, next image";
    KEYS_TEN: "10枚ずつ", "ten at a time";
    KEYS_ENDS: "最初・最後", "first, last";
    KEYS_SERIES: "前・次のシリーズ", "previous, next series";
    KEYS_PRESET: "濃度の既定値", "window presets";
    KEYS_ZOOM: "拡大・縮小・全体", "zoom in, out, fit";
    KEYS_PLAY: "シネの再生・停止", "cine on, off";
    KEYS_DELETE: "計測を消す", "delete a measurement";
    HANDS: "ドラッグは選んだ道具として働きます。ホイールで画像を送り、Ctrl+ホイールで拡大。Shift+ドラッグか中ボタンで移動、右ドラッグで拡大。指なら1本で選んだ道具、2本で拡大と移動。", "A drag does what the chosen tool does. The wheel goes through images, with Ctrl it zooms. Shift or the middle button moves, the right button zooms. One finger uses the tool, two zoom and move.";
    HANDS_MARKS: "計測は画像ごとに残り、点や線をつかむと動かせます。角度は、1本目の線を引いてから終点を押します。", "Measurements stay with their image; grab a point or a line to move it. For an angle draw the first leg, then press where the second ends.";
}

pub(super) fn sort(sort: Sort) -> Text {
    match sort {
        Sort::Report => SORT_REPORT,
        Sort::Document => SORT_DOCUMENT,
        Sort::Segmentation => SORT_SEGMENTATION,
        Sort::Waveform => SORT_WAVEFORM,
        Sort::Video => SORT_VIDEO,
        Sort::Image | Sort::Other => SORT_OTHER,
    }
}

/// What the scripts of the viewer say, in the language of the page.
pub(crate) fn scripts(page: &Page) -> Value {
    let say = |text: Text| page.say(text);
    json!({
        "loading": say(text::LOADING), "failed": say(text::FRAME_FAILED), "number": say(NUMBER), "thick": say(THICK),
        "forget": say(FORGET), "play": say(PLAY), "stop": say(STOP), "rate": say(PER_SECOND),
        "byPlace": say(BY_PLACE), "byNumber": say(BY_NUMBER),
        "presets": {
            "file": say(text::PRESET_FILE), "table": say(PRESET_TABLE), "full": say(text::PRESET_FULL), "soft": say(text::PRESET_SOFT),
            "lung": say(text::PRESET_LUNG), "bone": say(text::PRESET_BONE), "brain": say(text::PRESET_BRAIN),
            "liver": say(PRESET_LIVER), "mediastinum": say(PRESET_MEDIASTINUM),
        },
        "marks": {
            "pixels": say(PIXELS), "uncalibrated": say(UNCALIBRATED), "detector": say(DETECTOR), "outside": say(OUTSIDE),
        },
        "kinds": {
            "length": say(TOOL_LENGTH), "angle": say(TOOL_ANGLE), "probe": say(TOOL_PROBE),
            "rectangle": say(TOOL_RECTANGLE), "ellipse": say(TOOL_ELLIPSE),
        },
        "volume": {
            "loading": say(VOLUME_LOADING), "failed": say(VOLUME_FAILED), "absent": say(VOLUME_ABSENT),
            "reasons": {
                "one-slice": say(REASON_ONE_SLICE), "no-grid": say(REASON_NO_GRID),
                "same-position": say(REASON_SAME_POSITION), "colour": say(REASON_COLOUR), "mixed": say(REASON_MIXED),
                "no-position": say(REASON_NO_POSITION), "unreadable": say(REASON_UNREADABLE),
                "too-large": say(REASON_TOO_LARGE),
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_in_both_languages() {
        for (name, text) in ALL {
            assert!(!text.ja.is_empty() && !text.en.is_empty(), "{name}");
        }
    }
}
