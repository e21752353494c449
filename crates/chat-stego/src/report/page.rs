//! One HTML page that needs nothing else: no script, no network, pictures inside.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A page: a title, a sentence below it, sections.
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) sections: Vec<Section>,
}

/// A heading and what stands below it.
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) blocks: Vec<Block>,
}

/// A part of a section. All texts are plain: they are escaped here.
pub(crate) enum Block {
    Paragraph(String),
    Figure(Figure),
    Table(Table),
}

/// A picture.
pub(crate) struct Figure {
    /// A PNG file.
    pub(crate) png: Vec<u8>,
    /// What it shows, for those who do not see it.
    pub(crate) alt: String,
    /// What to look for in it.
    pub(crate) caption: String,
}

/// A table whose first column names the rows.
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Page {
    /// The page as an HTML file, UTF-8.
    pub(crate) fn html(&self) -> String {
        let mut html = String::new();
        let title = escape(&self.title);
        html.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        // Whatever stands in the page, a browser loads nothing and runs nothing.
        html.push_str(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             img-src data:; style-src 'unsafe-inline'\">\n",
        );
        html.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n");
        html.push_str(&format!("<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"));
        html.push_str(&format!("<main>\n<h1>{title}</h1>\n"));
        html.push_str(&format!("<p class=\"lead\">{}</p>\n", escape(&self.lead)));
        for section in &self.sections {
            section.write(&mut html);
        }
        html.push_str("</main>\n</body>\n</html>\n");
        html
    }
}

impl Section {
    fn write(&self, html: &mut String) {
        html.push_str(&format!("<section>\n<h2>{}</h2>\n", escape(&self.heading)));
        for block in &self.blocks {
            match block {
                Block::Paragraph(text) => html.push_str(&format!("<p>{}</p>\n", escape(text))),
                Block::Figure(figure) => figure.write(html),
                Block::Table(table) => table.write(html),
            }
        }
        html.push_str("</section>\n");
    }
}

impl Figure {
    fn write(&self, html: &mut String) {
        let (alt, caption) = (escape(&self.alt), escape(&self.caption));
        html.push_str(&format!("<figure>\n<img alt=\"{alt}\" src=\"data:image/png;base64,"));
        STANDARD.encode_string(&self.png, html);
        html.push_str(&format!("\">\n<figcaption>{caption}</figcaption>\n</figure>\n"));
    }
}

impl Table {
    fn write(&self, html: &mut String) {
        html.push_str("<div class=\"wide\">\n<table>\n");
        html.push_str(&format!("<caption>{}</caption>\n<tr>", escape(&self.caption)));
        for cell in &self.head {
            html.push_str(&format!("<th scope=\"col\">{}</th>", escape(cell)));
        }
        html.push_str("</tr>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (place, cell) in row.iter().enumerate() {
                let (open, close) =
                    if place == 0 { ("<th scope=\"row\">", "</th>") } else { ("<td>", "</td>") };
                html.push_str(&format!("{open}{}{close}", escape(cell)));
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</table>\n</div>\n");
    }
}

/// Makes a text harmless between tags and in quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

const CSS: &str = "
:root { color-scheme: light dark; --paper: #fbfbf8; --ink: #22242a; --soft: #5b606b;
  --line: #d5d7dc; --box: #f0f1f3; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17191d; --ink: #e6e7ea; --soft: #a4a9b4; --line: #3a3e47; --box: #22252b; }
}
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1.05rem/1.6 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.2rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .6rem; padding-top: 1.2rem;
  border-top: 1px solid var(--line); }
p { max-width: 44rem; margin: .8rem 0; }
.lead { font-size: 1.2rem; color: var(--soft); }
figure { margin: 1.4rem 0; }
img { display: block; max-width: 100%; height: auto; border: 1px solid var(--line);
  border-radius: 4px; }
figcaption, caption { color: var(--soft); font-size: .95rem; text-align: left;
  max-width: 44rem; padding: .4rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .9rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child { text-align: left; font-weight: 500; }
tr:first-child th { background: var(--box); font-weight: 600; }
";

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let figure = Figure { png: vec![1, 2, 3], alt: "a \"dot\"".into(), caption: "<b>".into() };
        let table = Table {
            caption: "numbers".into(),
            head: vec!["what".into(), "value".into()],
            rows: vec![vec!["a & b".into(), "1".into()]],
        };
        let blocks =
            vec![Block::Paragraph("1 < 2".into()), Block::Figure(figure), Block::Table(table)];
        let sections = vec![Section { heading: "H".into(), blocks }];
        Page { title: "<script>alert('x')</script>".into(), lead: "L".into(), sections }.html()
    }

    #[test]
    fn texts_are_escaped_everywhere() {
        let html = page();
        assert!(!html.contains("<script") && !html.contains("<b>"));
        assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)"));
        assert!(html.contains("alt=\"a &quot;dot&quot;\""));
        assert!(html.contains("<p>1 &lt; 2</p>") && html.contains("a &amp; b"));
    }

    #[test]
    fn the_page_needs_nothing_from_outside() {
        let html = page();
        assert!(html.contains("base64,AQID"));
        assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("url("));
    }
}
