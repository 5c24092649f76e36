//! The frames of a video, decoded by ffmpeg in a process of its own: streams come from outside, and
//! decoders of them are large.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use kura_dicom::codestream::{Family, family};
use kura_dicom::pixel::fragments::PixelStream;
use kura_dicom::{Header, Limits};
use kura_model::Refusal;

use crate::deid_pixels::{disk, refuse};

/// Whether an object is a video.
pub(crate) fn is_video(header: &Header) -> bool {
    family(&header.transfer_syntax_uid()) == Some(Family::Video)
}

/// A stream taken out of its object, in a file without a name on the same disk: pictures of patients do
/// not go to the system's folder for temporary files, and none stays there after a crash.
pub(crate) struct Video {
    ffmpeg: PathBuf,
    stream: File,
    demuxer: &'static str,
    columns: u32,
    rows: u32,
}

impl Video {
    /// `size`: columns and rows, as the object has them.
    pub(crate) fn open(
        ffmpeg: &Path,
        path: &Path,
        header: &Header,
        (columns, rows): (u32, u32),
    ) -> Result<Self, Refusal> {
        let object = File::open(path).map_err(|_| refuse("the file cannot be read"))?;
        let limits = Limits::default();
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::tempfile_in(folder).map_err(disk)?;
        PixelStream::open(BufReader::new(object), header, &limits)?
            .copy_stream(header, &limits, &mut file)?;
        let mut first = [0; 400];
        let read = file.read_at(&mut first, 0).map_err(disk)?;
        Ok(Self {
            ffmpeg: ffmpeg.to_owned(),
            demuxer: demuxer(&header.transfer_syntax_uid(), &first[..read]),
            stream: file,
            columns,
            rows,
        })
    }

    /// From the first one on.
    pub(crate) fn frames(&self) -> Result<Frames, Refusal> {
        let mut child = Command::new(&self.ffmpeg)
            // The demuxer is said, and only this file is opened: a list in its place could name
            // another file or an address.
            .args(["-nostdin", "-v", "error", "-xerror", "-noautorotate"])
            .args(["-protocol_whitelist", "file", "-f", self.demuxer])
            // Opened anew by its number: from the start, and it can go back in it.
            .args(["-i", "file:/dev/stdin"])
            .args(["-map", "0:v:0", "-fps_mode", "passthrough"])
            .args(["-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "-"])
            .stdin(self.stream.try_clone().map_err(disk)?)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| {
                refuse("video is decoded by ffmpeg: install it, or name it in ocr.ffmpeg")
            })?;
        let out = child
            .stdout
            .take()
            .ok_or_else(|| refuse("ffmpeg has no output"))?;
        Ok(Frames {
            child,
            out: BufReader::new(out),
            columns: self.columns,
            rows: self.rows,
        })
    }

    /// How many frames there are: all of them are decoded once.
    pub(crate) fn count(&self) -> Result<u32, Refusal> {
        let mut frames = self.frames()?;
        let mut count = 0;
        while frames.next()?.is_some() {
            count += 1;
        }
        match count {
            0 => Err(refuse("the video has no frames")),
            count => Ok(count),
        }
    }
}

/// PS3.5 8.2.5 to 8.2.8: an elementary stream, an MPEG-2 transport or program stream, or MP4.
fn demuxer(transfer_syntax: &str, bytes: &[u8]) -> &'static str {
    let transport = |bytes: &[u8]| {
        bytes.len() > 376 && [0, 188, 376].iter().all(|at| bytes.get(*at) == Some(&0x47))
    };
    if bytes.get(4..8) == Some(b"ftyp") {
        "mp4"
    } else if transport(bytes) {
        "mpegts"
    } else if bytes.starts_with(&[0, 0, 1, 0xBA]) {
        "mpeg"
    } else {
        match transfer_syntax.strip_prefix("1.2.840.10008.1.2.4.") {
            Some(number) if number.starts_with("100") || number.starts_with("101") => "mpegvideo",
            Some(number) if number.starts_with("107") || number.starts_with("108") => "hevc",
            _ => "h264",
        }
    }
}

/// The frames of a video, one after another.
pub(crate) struct Frames {
    child: Child,
    out: BufReader<ChildStdout>,
    columns: u32,
    rows: u32,
}

impl Frames {
    /// 8 bits of red, green and blue for each pixel; none after the last.
    ///
    /// # Errors
    /// A frame of another size than the object's, or a stream that is not decoded to its end.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        if self.out.fill_buf().map_err(broken)?.is_empty() {
            let ended = self.child.wait().map_err(broken)?;
            return match ended.success() {
                true => Ok(None),
                false => Err(refuse("ffmpeg does not decode the video to its end")),
            };
        }
        // P6, columns and rows, 255, each in a line.
        let mut lines = [String::new(), String::new(), String::new()];
        for line in &mut lines {
            let mut most = (&mut self.out).take(64);
            most.read_line(line).map_err(broken)?;
        }
        let expected = [
            "P6\n",
            &format!("{} {}\n", self.columns, self.rows),
            "255\n",
        ];
        if lines.iter().ne(expected) {
            return Err(refuse("a frame of the video is of another size"));
        }
        let mut frame = vec![0; self.columns as usize * self.rows as usize * 3];
        self.out.read_exact(&mut frame).map_err(broken)?;
        Ok(Some(frame))
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        // It has nobody to write to any more.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn broken(_: std::io::Error) -> Refusal {
    refuse("the video is cut short")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_as_what_it_is() {
        let mut transport = vec![0; 400];
        for at in [0, 188, 376] {
            transport[at] = 0x47;
        }
        for (syntax, bytes, expected) in [
            ("103", b"\0\0\0\x18ftypmp42".as_slice(), "mp4"),
            ("102", &transport, "mpegts"),
            ("100", &[0, 0, 1, 0xBA], "mpeg"),
            ("100", &[0, 0, 1, 0xB3], "mpegvideo"),
            ("101.1", &[0, 0, 1, 0xB3], "mpegvideo"),
            ("106", &[0, 0, 0, 1], "h264"),
            ("108", &[0, 0, 0, 1], "hevc"),
            // A list that names other files.
            ("102", b"#EXTM3U\nhttp://example.org/", "h264"),
        ] {
            let syntax = format!("1.2.840.10008.1.2.4.{syntax}");
            assert_eq!(demuxer(&syntax, bytes), expected, "{syntax}");
        }
    }
}
