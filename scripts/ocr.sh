# Sourced by the other scripts: fetches the models that find and read text in pictures.
# shellcheck shell=bash
# PP-OCRv4 (PaddlePaddle), as ONNX in the wheel of RapidOCR; both Apache-2.0, as the wheel's
# METADATA says. The recogniser brings its dictionary in its own metadata. The wheel's classifier
# of directions is left there: a text is read in every direction its shape allows.
rapidocr=1.4.4
ocr_models() { # sets KURA_OCR__MODELS unless it is set
    [ -n "${KURA_OCR__MODELS:-}" ] && return 0
    local place="${XDG_CACHE_HOME:-$HOME/.cache}/kura/rapidocr-$rapidocr"
    if [ ! -f "$place/.ready" ]; then
        install_packages python3 python3-venv
        echo "fetching the models of RapidOCR $rapidocr" >&2
        rm -rf "$place"
        mkdir -p "$place"
        python3 -m venv "$place/venv" || return 1
        # The wheel says Python below 3.13; its models do not care.
        "$place/venv/bin/pip" download -q --disable-pip-version-check --no-deps --only-binary :all: \
            --python-version 3.11 -d "$place" "rapidocr-onnxruntime==$rapidocr" || return 1
        "$place/venv/bin/python" -m zipfile -e "$place"/rapidocr_onnxruntime-*.whl "$place/wheel" || return 1
        mv "$place"/wheel/rapidocr_onnxruntime/models/ch_PP-OCRv4_{det,rec}_infer.onnx "$place" || return 1
        rm -rf "$place/venv" "$place/wheel" "$place"/*.whl
        # A model that is not the one measured is not used.
        (cd "$place" && sha256sum --check --quiet --strict >&2) <<'SUMS' || { rm -rf "$place"; return 1; }
d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9  ch_PP-OCRv4_det_infer.onnx
48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b  ch_PP-OCRv4_rec_infer.onnx
SUMS
        touch "$place/.ready"
    fi
    export KURA_OCR__MODELS="$place"
}
