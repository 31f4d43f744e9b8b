import Foundation

/// One HTML page about a run or several: self-contained, without scripts, for screens of any width and for
/// paper.
public struct ReportPage: Sendable {
    public var title: String
    /// One line under the title: what was solved, where, when.
    public var subtitle: String
    public var status: ReportStatus?
    public var sections: [ReportSection]
    /// A line at the foot of the page.
    public var footer: String

    public init(
        title: String, subtitle: String = "", status: ReportStatus? = nil, sections: [ReportSection],
        footer: String = ""
    ) {
        self.title = title
        self.subtitle = subtitle
        self.status = status
        self.sections = sections
        self.footer = footer
    }

    /// The whole document.
    /// - Throws: `TelemetryError.damagedImage` when a picture cannot be encoded.
    public func html() throws -> String {
        let content = try sections.map { try $0.html() }.joined(separator: "\n")
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="color-scheme" content="light dark"/>
            <title>\(Markup.escaped(title))</title>
            <style>
            \(ReportStyle.sheet)
            </style>
            </head>
            <body>
            <main>
            <header>
            <h1>\(Markup.escaped(title)) \(status?.html ?? "")</h1>
            \(ReportBlock.element("p", subtitle, style: "subtitle"))
            </header>
            \(content)
            \(ReportBlock.element("footer", footer))
            </main>
            </body>
            </html>

            """
    }

    /// Writes the page whole or not at all.
    public func write(to url: URL) throws {
        let bytes = Data(try html().utf8)
        do {
            try bytes.write(to: url, options: .atomic)
        } catch {
            throw TelemetryError.cannotWrite(path: url.path, reason: error.localizedDescription)
        }
    }
}

/// How a run ended, as a badge beside its title.
public struct ReportStatus: Sendable, Equatable {
    /// Shown by colour and by a sign, so that neither has to be seen.
    public enum Tone: String, Sendable {
        case good, warning, bad
    }

    public var text: String
    public var tone: Tone

    public init(_ text: String, tone: Tone) {
        self.text = text
        self.tone = tone
    }

    var html: String {
        let sign =
            switch tone {
            case .good: "✓"
            case .warning: "!"
            case .bad: "✕"
            }
        return "<span class=\"badge \(tone.rawValue)\">\(sign) \(Markup.escaped(text))</span>"
    }
}

/// A heading and what stands under it.
public struct ReportSection: Sendable {
    public var title: String
    public var blocks: [ReportBlock]

    public init(_ title: String, _ blocks: [ReportBlock]) {
        self.title = title
        self.blocks = blocks
    }

    func html() throws -> String {
        let content = try blocks.map { try $0.html() }.joined(separator: "\n")
        return "<section>\n\(ReportBlock.element("h2", title))\n\(content)\n</section>"
    }
}
