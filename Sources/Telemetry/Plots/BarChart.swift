/// Horizontal bars: a group of them for each category, so that names of any length have room.
public struct BarChart: Sendable {
    /// One bar in every category, such as "equal weights" beside "constrained".
    public struct Group: Sendable {
        public var name: String
        /// One value a category; what is not finite leaves its bar out.
        public var values: [Double]
        /// Half lengths of the error bars, one a category, or empty.
        public var errors: [Double]

        public init(name: String, values: [Double], errors: [Double] = []) {
            self.name = name
            self.values = values
            self.errors = errors
        }
    }

    /// A dashed line across all bars, or across those of one category.
    public struct Threshold: Sendable {
        public var name: String
        public var value: Double
        /// Its index; nil for all.
        public var category: Int?

        public init(name: String, value: Double, category: Int? = nil) {
            self.name = name
            self.value = value
            self.category = category
        }
    }

    public var title: String
    /// What the values are, with their unit.
    public var xLabel: String
    public var categories: [String]
    public var groups: [Group]
    public var thresholds: [Threshold]

    public init(
        title: String, xLabel: String = "", categories: [String], groups: [Group],
        thresholds: [Threshold] = []
    ) {
        precondition(
            groups.allSatisfy {
                $0.values.count == categories.count
                    && ($0.errors.isEmpty || $0.errors.count == categories.count)
            },
            "BarChart: got groups of \(groups.map(\.values.count)) values and "
                + "\(groups.map(\.errors.count)) errors, "
                + "expected one of each for the \(categories.count) categories")
        self.title = title
        self.xLabel = xLabel
        self.categories = categories
        self.groups = groups
        self.thresholds = thresholds
    }

    private static let width = 440.0
    private static let barHeight = 15.0
    private static let categoryGap = 12.0
    private static let nameWidth = 140.0
    /// Room for the number at the end of a bar.
    private static let numberWidth = 52.0

    public func svg() -> SVG {
        let legend = Legend(legendEntries, left: 2, right: Self.width - 2)
        let top = (title.isEmpty ? 4 : 24) + legend.height + 6
        let left = 10 + min(categories.map { TextMetrics.width($0) }.max() ?? 0, Self.nameWidth)
        let rowHeight = Double(groups.count) * Self.barHeight + Self.categoryGap
        let area = PlotArea(
            left: left, top: top, width: Self.width - left - Self.numberWidth,
            height: Double(categories.count) * rowHeight)
        let axis = Axis(covering: extremes + [0], padding: 0.02)
        var canvas = SVGCanvas()
        if !title.isEmpty {
            canvas.text(TextMetrics.fitted(title, to: Self.width - 4, size: 14), x: 2, y: 17, style: "title")
        }
        legend.draw(on: &canvas, top: title.isEmpty ? 4 : 24)
        drawAxis(axis, in: area, on: &canvas)
        drawCategories(in: area, rowHeight: rowHeight, on: &canvas)
        let bars = bars(axis, in: area, rowHeight: rowHeight)
        for bar in bars { bar.draw(on: &canvas) }
        drawThresholds(axis, in: area, rowHeight: rowHeight, on: &canvas)
        for bar in bars { bar.drawNumber(on: &canvas) }
        return SVG(
            title: title, width: Self.width, height: area.bottom + (xLabel.isEmpty ? 24 : 40),
            body: canvas.body)
    }

    /// Everything the axis must reach.
    private var extremes: [Double] {
        groups.flatMap { group in
            group.values.indices.flatMap { index in
                let error = group.errors.isEmpty ? 0 : group.errors[index]
                return [group.values[index] - error, group.values[index] + error]
            }
        } + thresholds.map(\.value)
    }

    private var legendEntries: [Legend.Entry] {
        groups.indices.map {
            Legend.Entry(name: groups[$0].name, sample: .block, style: "bar " + PlotTheme.colorClass($0))
        } + thresholdNames.map { Legend.Entry(name: $0, sample: .line, style: Self.thresholdStyle) }
    }

    /// Each once: categories may have thresholds of one name.
    private var thresholdNames: [String] {
        thresholds.map(\.name).reduce(into: []) { names, name in
            if !names.contains(name) { names.append(name) }
        }
    }

    private static let thresholdStyle = "threshold " + PlotTheme.colorClass(PlotTheme.colorCount - 1)

    private func drawAxis(_ axis: Axis, in area: PlotArea, on canvas: inout SVGCanvas) {
        for tick in axis.ticks {
            let x = area.x(axis.fraction(tick.value))
            canvas.line(x, area.top, x, area.bottom, style: tick.value == 0 ? "axis" : "grid")
            canvas.text(tick.label, x: x, y: area.bottom + 17, style: "quiet", anchor: .middle)
        }
        if !xLabel.isEmpty {
            let middle = (area.left + area.right) / 2
            canvas.text(xLabel, x: middle, y: area.bottom + 34, style: "quiet", anchor: .middle)
        }
    }

    private func drawCategories(in area: PlotArea, rowHeight: Double, on canvas: inout SVGCanvas) {
        for (index, category) in categories.enumerated() {
            let middle = area.top + (Double(index) + 0.5) * rowHeight
            let name = TextMetrics.fitted(category, to: Self.nameWidth)
            canvas.text(name, x: area.left - 8, y: middle + 4, anchor: .end)
        }
    }

    private func bars(_ axis: Axis, in area: PlotArea, rowHeight: Double) -> [Bar] {
        categories.indices.flatMap { category in
            groups.indices.compactMap { index in
                let group = groups[index]
                let value = group.values[category]
                let error = group.errors.isEmpty ? 0 : group.errors[category]
                let ends = [0, value, value - error, value + error].map { area.x(axis.fraction($0)) }
                guard ends.allSatisfy(\.isFinite) else { return nil }
                let y =
                    area.top + Double(category) * rowHeight + Self.categoryGap / 2 + Double(index)
                    * Self.barHeight
                return Bar(
                    zero: ends[0], end: ends[1], errorStart: ends[2], errorEnd: ends[3], top: y,
                    height: Self.barHeight, value: value, color: PlotTheme.colorClass(index))
            }
        }
    }

    private func drawThresholds(
        _ axis: Axis, in area: PlotArea, rowHeight: Double, on canvas: inout SVGCanvas
    ) {
        for threshold in thresholds {
            let x = area.x(axis.fraction(threshold.value))
            guard x.isFinite else { continue }
            let top = area.top + Double(threshold.category ?? 0) * rowHeight
            let bottom = threshold.category == nil ? area.bottom : top + rowHeight
            canvas.line(x, top, x, bottom, style: Self.thresholdStyle)
        }
    }
}

/// One bar in user units, and the number it stands for.
private struct Bar {
    let zero: Double
    let end: Double
    let errorStart: Double
    let errorEnd: Double
    let top: Double
    let height: Double
    let value: Double
    let color: String

    func draw(on canvas: inout SVGCanvas) {
        canvas.rectangle(
            x: min(zero, end), y: top + 1.5, width: abs(end - zero), height: height - 3, style: "bar " + color
        )
        if errorEnd > errorStart {
            canvas.line(errorStart, top + height / 2, errorEnd, top + height / 2, style: "error")
        }
    }

    func drawNumber(on canvas: inout SVGCanvas) {
        let text = NumberText.significant(value, digits: 3)
        canvas.text(text, x: max(errorEnd, zero) + 6, y: top + height / 2 + 4, style: "value")
    }
}
