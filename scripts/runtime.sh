# Sourced by the other scripts: installs ONNX Runtime for this user, names its library.
# shellcheck shell=bash
onnx_runtime=1.22.1
onnx_runtime_library() { # sets KURA_INFERENCE__RUNTIME unless it is set
    [ -n "${KURA_INFERENCE__RUNTIME:-}" ] && return 0
    local place="${XDG_CACHE_HOME:-$HOME/.cache}/kura/onnxruntime-$onnx_runtime"
    if [ ! -f "$place/.ready" ]; then
        install_packages python3 python3-venv
        echo "installing ONNX Runtime $onnx_runtime" >&2
        rm -rf "$place"
        python3 -m venv "$place"
        "$place/bin/pip" install -q --disable-pip-version-check --no-deps "onnxruntime==$onnx_runtime"
        touch "$place/.ready"
    fi
    KURA_INFERENCE__RUNTIME=$(find "$place/lib" -name 'libonnxruntime.so*' | head -1)
    export KURA_INFERENCE__RUNTIME
}
