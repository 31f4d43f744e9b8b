/// The kinds of content of a report.
public enum ReportBlock: Sendable {
    case paragraph(String)
    /// The numbers that matter most, as tiles.
    case figures([ReportFigure])
    case table(ReportTable)
    /// Charts, as many side by side as there is room for.
    case charts([SVG])
    /// Panels of one figure, narrower than charts, with a caption for all.
    case panels([SVG], caption: String)
    case picture(PNGImage, caption: String)
    /// Pictures with their names above, for comparisons that must stay legible on a phone.
    case pictureRows([ReportPicture])
    /// Text as it is, such as a configuration.
    case verbatim(String, caption: String)

    func html() throws -> String {
        switch self {
        case .paragraph(let text):
            return Self.element("p", text)
        case .figures(let figures):
            return "<dl class=\"figures\">\(figures.map(\.html).joined())</dl>"
        case .table(let table):
            return table.html
        case .charts(let drawings):
            return Self.columns(drawings, style: "charts")
        case .panels(let drawings, let caption):
            return Self.figure(Self.columns(drawings, style: "panels"), caption: caption)
        case .picture(let image, let caption):
            return Self.figure(try Self.image(image, name: caption), caption: caption)
        case .pictureRows(let pictures):
            return try pictures.map { picture in
                let image = try Self.image(picture.image, name: picture.name)
                return "<figure>\(Self.element("figcaption", picture.name, style: "above"))\(image)</figure>"
            }.joined(separator: "\n")
        case .verbatim(let text, let caption):
            return Self.element("p", caption, style: "caption") + Self.element("pre", text)
        }
    }

    /// The element around the escaped text; nothing for no text.
    static func element(_ tag: String, _ text: String, style: String = "") -> String {
        guard !text.isEmpty else { return "" }
        let attribute = style.isEmpty ? "" : " class=\"\(style)\""
        return "<\(tag)\(attribute)>\(Markup.escaped(text))</\(tag)>"
    }

    private static func figure(_ content: String, caption: String) -> String {
        "<figure>\(content)\(element("figcaption", caption))</figure>"
    }

    private static func columns(_ drawings: [SVG], style: String) -> String {
        "<div class=\"\(style)\">" + drawings.map { "<div>\($0.inline)</div>" }.joined(separator: "\n")
            + "</div>"
    }

    private static func image(_ image: PNGImage, name: String) throws -> String {
        let size = "width=\"\(image.width)\" height=\"\(image.height)\""
        return "<img alt=\"\(Markup.escaped(name))\" \(size) src=\"\(dataURI(png: try image.encoded()))\"/>"
    }
}

/// A number with its name and, if need be, a word on it.
public struct ReportFigure: Sendable {
    public var name: String
    public var value: String
    public var note: String

    public init(name: String, value: String, note: String = "") {
        self.name = name
        self.value = value
        self.note = note
    }

    var html: String {
        "<div>\(ReportBlock.element("dt", name))\(ReportBlock.element("dd", value))"
            + "\(ReportBlock.element("dd", note, style: "note"))</div>"
    }
}

public struct ReportPicture: Sendable {
    public var name: String
    public var image: PNGImage

    public init(name: String, image: PNGImage) {
        self.name = name
        self.image = image
    }
}

/// Rows of text; columns of numbers are set to the right.
public struct ReportTable: Sendable {
    /// Stands for a value that there is not.
    public static let missing = "–"

    public var caption: String
    public var header: [String]
    public var rows: [[String]]

    public init(caption: String = "", header: [String], rows: [[String]]) {
        precondition(
            rows.allSatisfy { $0.count == header.count },
            "ReportTable: got rows of \(Set(rows.map(\.count)).sorted()) cells, expected \(header.count)")
        self.caption = caption
        self.header = header
        self.rows = rows
    }

    /// Several runs side by side: a column a run, a row for every figure that any of them has, in the order
    /// of their first appearance; "–" where a run lacks it.
    public static func comparison(
        caption: String = "", runs: [(name: String, figures: [(name: String, value: String)])]
    ) -> ReportTable {
        var names: [String] = []
        for figure in runs.flatMap(\.figures) where !names.contains(figure.name) { names.append(figure.name) }
        let rows = names.map { name in
            [name] + runs.map { run in run.figures.first { $0.name == name }?.value ?? missing }
        }
        return ReportTable(caption: caption, header: [""] + runs.map(\.name), rows: rows)
    }

    var html: String {
        let isNumeric = header.indices.map(isNumeric)
        func line(_ tag: String, _ cells: [String]) -> String {
            let marked = zip(cells, isNumeric).map { text, isNumeric in
                "<\(tag)\(isNumeric ? " class=\"number\"" : "")>\(Markup.escaped(text))</\(tag)>"
            }
            return "<tr>" + marked.joined() + "</tr>"
        }
        let body = rows.map { line("td", $0) }.joined(separator: "\n")
        return "<div class=\"table\"><table>\(ReportBlock.element("caption", caption))"
            + "<thead>\(line("th", header))</thead>\n<tbody>\(body)</tbody></table></div>"
    }

    private func isNumeric(_ column: Int) -> Bool {
        let cells = rows.map { $0[column] }.filter { !$0.isEmpty && $0 != Self.missing }
        return !cells.isEmpty && cells.allSatisfy { Double($0) != nil }
    }
}
