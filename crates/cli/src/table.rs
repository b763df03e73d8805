//! Columns of text.

use std::io;

use valetkey_protocol::shown;

use crate::style;

/// Writes a heading and rows in columns two spaces apart. Cells come from outside and are made harmless.
pub(crate) fn write<const N: usize>(
    to: &mut dyn io::Write,
    heading: [&str; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| shown(cell))).collect();
    let mut widths = heading.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let strong = style::STRONG;
    writeln!(to, "{strong}{}{strong:#}", line(&heading.map(str::to_owned), &widths))?;
    rows.iter().try_for_each(|row| writeln!(to, "{}", line(row, &widths)))
}

fn line<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> String {
    let padded: Vec<_> =
        cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
    padded.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up_and_nothing_moves_the_cursor() {
        let mut out = anstream::StripStream::new(Vec::new());
        let rows = [["a".to_owned(), "\u{1b}[2Jb".to_owned()], ["länger".to_owned(), String::new()]];
        super::write(&mut out, ["ID", "NAME"], &rows).unwrap();
        assert_eq!(
            String::from_utf8(out.into_inner()).unwrap(),
            "ID      NAME\na       \u{fffd}[2Jb\nlänger\n"
        );
    }
}
