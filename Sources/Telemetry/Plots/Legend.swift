/// Samples of line and colour with their names, in as many rows as they need.
struct Legend {
    struct Entry: Equatable {
        enum Sample {
            case line, point, block
        }

        let name: String
        let sample: Sample
        /// The classes of the sample.
        let style: String

        /// From the left of the sample to the name.
        var textOffset: Double { sample == .line ? Legend.sampleWidth + 6 : 18 }
    }

    private let rows: [[(entry: Entry, x: Double)]]

    static let rowHeight = 18.0
    fileprivate static let sampleWidth = 20.0
    private static let spacing = 16.0

    /// Entries that are the same to the eye appear once; those without a name do not.
    init(_ entries: [Entry], left: Double, right: Double) {
        var rows: [[(entry: Entry, x: Double)]] = []
        var x = Double.infinity
        var seen: [Entry] = []
        for entry in entries where !entry.name.isEmpty && !seen.contains(entry) {
            seen.append(entry)
            let name = TextMetrics.fitted(entry.name, to: right - left - entry.textOffset)
            let width = entry.textOffset + TextMetrics.width(name)
            if x + width > right {
                rows.append([])
                x = left
            }
            rows[rows.count - 1].append((Entry(name: name, sample: entry.sample, style: entry.style), x))
            x += width + Self.spacing
        }
        self.rows = rows
    }

    var height: Double { Double(rows.count) * Self.rowHeight }

    /// Draws below `top`.
    func draw(on canvas: inout SVGCanvas, top: Double) {
        for (index, row) in rows.enumerated() {
            let middle = top + (Double(index) + 0.5) * Self.rowHeight
            for (entry, x) in row {
                switch entry.sample {
                case .line: canvas.line(x, middle, x + Self.sampleWidth, middle, style: entry.style)
                case .point: canvas.path(circle(x + 6, middle, 4.5), style: entry.style)
                case .block:
                    canvas.rectangle(
                        x: x, y: middle - 5, width: 12, height: 10, style: entry.style)
                }
                canvas.text(entry.name, x: x + entry.textOffset, y: middle + 4)
            }
        }
    }
}

/// Path data of a circle.
func circle(_ x: Double, _ y: Double, _ radius: Double) -> String {
    let (r, d) = (coordinate(radius), coordinate(2 * radius))
    return "M\(pair(x - radius, y))a\(r) \(r) 0 1 0 \(d) 0a\(r) \(r) 0 1 0 -\(d) 0Z"
}
