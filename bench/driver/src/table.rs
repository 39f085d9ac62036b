//! Tables in Markdown, aligned so that they can be read as they are.

pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Table {
        Table { rows: vec![head.into_iter().map(Into::into).collect()] }
    }

    /// The first cell is a name; the others are numbers.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.rows[0].len(), "as many as in the head");
        self.rows.push(cells);
    }

    pub(crate) fn text(&self) -> String {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count());
                text += &if column == 0 { format!("| {cell}{padding} ") } else { format!("| {padding}{cell} ") };
            }
            text += "|\n";
            if number == 0 {
                text += "|";
                for (column, width) in widths.iter().enumerate() {
                    text += &if column == 0 {
                        format!(" {} |", "-".repeat(*width))
                    } else {
                        format!(" {}: |", "-".repeat(width.saturating_sub(1).max(1)))
                    };
                }
                text += "\n";
            }
        }
        text + "\n"
    }
}
