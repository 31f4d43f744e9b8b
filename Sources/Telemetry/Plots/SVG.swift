/// A finished drawing.
public struct SVG: Sendable, Equatable {
    public let title: String
    public let width: Double
    public let height: Double
    let body: String

    /// The element as it stands in a report page, which brings the style sheet.
    var inline: String { element(styles: "") }

    /// A file of its own, which follows the reader's light or dark setting.
    public var standalone: String {
        let styles =
            "<style>svg.plot{\(PlotTheme.light)}"
            + "@media (prefers-color-scheme:dark){svg.plot{\(PlotTheme.dark)}}"
            + PlotTheme.rules + "</style>"
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + element(styles: styles) + "\n"
    }

    private func element(styles: String) -> String {
        let box = "0 0 \(coordinate(width)) \(coordinate(height))"
        let label = Markup.escaped(title)
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"\(box)\" role=\"img\" "
            + "aria-label=\"\(label)\">\(styles)\(body)</svg>"
    }
}

/// A number of user units to a tenth, which is finer than a pixel; what lies far outside is drawn far
/// outside.
func coordinate(_ value: Double) -> String {
    let tenths = Int((min(max(value, -1e6), 1e6) * 10).rounded())
    let (whole, rest) = (abs(tenths) / 10, abs(tenths) % 10)
    return (tenths < 0 ? "-" : "") + (rest == 0 ? "\(whole)" : "\(whole).\(rest)")
}

/// A rectangle in user units, y downwards.
struct PlotArea {
    let left: Double
    let top: Double
    let width: Double
    let height: Double

    var right: Double { left + width }
    var bottom: Double { top + height }

    func x(_ fraction: Double) -> Double { left + fraction * width }
    func y(_ fraction: Double) -> Double { bottom - fraction * height }
}

/// Collects the elements of a drawing.
struct SVGCanvas {
    enum Anchor: String {
        case start, middle, end
    }

    private(set) var body = ""

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, style: String) {
        body += "<path class=\"\(style)\" d=\"M\(pair(x1, y1))L\(pair(x2, y2))\"/>"
    }

    /// A curve through the points, and its name as a tooltip.
    mutating func path(_ data: String, style: String, name: String = "") {
        guard !data.isEmpty else { return }
        let tip = name.isEmpty ? "/>" : "><title>\(Markup.escaped(name))</title></path>"
        body += "<path class=\"\(style)\" d=\"\(data)\"\(tip)"
    }

    mutating func text(_ text: String, x: Double, y: Double, style: String = "", anchor: Anchor = .start) {
        let position = "x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" text-anchor=\"\(anchor.rawValue)\""
        body += "<text class=\"\(style)\" \(position)>\(Markup.escaped(text))</text>"
    }

    mutating func rectangle(x: Double, y: Double, width: Double, height: Double, style: String) {
        body +=
            "<rect class=\"\(style)\" x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" "
            + "width=\"\(coordinate(width))\" height=\"\(coordinate(height))\"/>"
    }

    mutating func image(_ dataURI: String, in area: PlotArea) {
        body +=
            "<image x=\"\(coordinate(area.left))\" y=\"\(coordinate(area.top))\" "
            + "width=\"\(coordinate(area.width))\" height=\"\(coordinate(area.height))\" "
            + "preserveAspectRatio=\"none\" href=\"\(dataURI)\"/>"
    }

    /// Elements cut off at the area's border.
    mutating func clipped(to area: PlotArea, _ draw: (inout SVGCanvas) -> Void) {
        // A nested viewport clips without an identifier, which would have to be unique in the whole page.
        var inner = SVGCanvas()
        draw(&inner)
        let box = [area.left, area.top, area.width, area.height].map(coordinate)
        body +=
            "<svg x=\"\(box[0])\" y=\"\(box[1])\" width=\"\(box[2])\" height=\"\(box[3])\" "
            + "viewBox=\"\(box.joined(separator: " "))\">\(inner.body)</svg>"
    }
}

func pair(_ x: Double, _ y: Double) -> String { coordinate(x) + " " + coordinate(y) }
