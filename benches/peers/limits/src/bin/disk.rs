//! The limit of the disk: files of the sizes of those in SOURCE, written, made durable as one
//! group, and renamed.
//!
//!     disk SOURCE TARGET

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, target] = arguments.as_slice() else {
        return Err(io::Error::other("disk SOURCE TARGET"));
    };
    let sizes = fs::read_dir(source)?
        .map(|entry| Ok(entry?.metadata()?.len()))
        .collect::<io::Result<Vec<u64>>>()?;
    let (tmp, new) = (Path::new(target).join("tmp"), Path::new(target).join("new"));
    fs::create_dir_all(&tmp)?;
    fs::create_dir_all(&new)?;
    let group = File::open(&tmp)?;
    let content = vec![b'x'; 1 << 20];
    for (name, &size) in sizes.iter().enumerate() {
        let mut file = File::create_new(tmp.join(name.to_string()))?;
        let mut left = size;
        while left > 0 {
            let piece = left.min(content.len() as u64);
            file.write_all(&content[..piece as usize])?;
            left -= piece;
        }
    }
    rustix::fs::syncfs(&group)?;
    for name in 0..sizes.len() {
        let name = name.to_string();
        fs::rename(tmp.join(&name), new.join(&name))?;
    }
    for directory in [&new, &tmp] {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
